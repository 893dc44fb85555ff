"""Everything that differs from place to place comes from the environment."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env(name, default=None):
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it, or DJANGO_DEBUG=1 for a run on your own machine.")
    return value


BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env("DJANGO_DEBUG", "0") == "1"
SECRET_KEY = env("DJANGO_SECRET_KEY", "for a run on your own machine only" if DEBUG else None)
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if DEBUG else []
ALLOWED_HOSTS = [*filter(None, env("ALLOWED_HOSTS", "" if DEBUG else None).split(",")), *LOCAL_HOSTS]
SITE_PASSWORD = env("SITE_PASSWORD", "")

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["whitenoise.runserver_nostatic", "django.contrib.staticfiles", "jobs"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "UTC"

# No database: a visitor's name and jobs are in a signed cookie, which lives as long as the results do.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_AGE = 24 * 3600

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {"staticfiles": {"BACKEND": PLAIN if DEBUG else MANIFEST}}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_HSTS_SECONDS = 30 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
# SECURE_SSL_REDIRECT: the gateway answers on https only, and a redirect behind it could only be a loop.
SILENCED_SYSTEM_CHECKS = ["security.W008"]

CELERY_BROKER_URL = env("CELERY_BROKER_URL", "redis://localhost")
CELERY_RESULT_BACKEND = env("CELERY_RESULT_BACKEND", "redis://localhost")
# The page shows what is running, and how often it was tried.
CELERY_TASK_TRACK_STARTED = CELERY_RESULT_EXTENDED = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO"}},
}
