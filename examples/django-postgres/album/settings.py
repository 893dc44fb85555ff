"""Everything that differs from place to place comes from the environment."""

import os
from pathlib import Path

import dj_database_url
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

ROOT_URLCONF = "album.urls"
INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "photos",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
TIME_ZONE = "UTC"

# No connection outlives its request: an idle process would keep one from those that work.
DATABASE_URL = env("DATABASE_URL", "postgresql:///album" if DEBUG else None)
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=0)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ["UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator"]
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MANIFEST = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"

# Uploads are in a bucket, where there is one; its other settings boto3 reads from the environment.
BUCKET = env("AWS_STORAGE_BUCKET_NAME", "")
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"
FILES = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
OBJECTS = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {"bucket_name": BUCKET, "signature_version": "s3v4", "file_overwrite": False},
}
STORAGES = {
    "default": OBJECTS if BUCKET else FILES,
    "staticfiles": {"BACKEND": PLAIN if DEBUG else MANIFEST},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_HSTS_SECONDS = 30 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
# SECURE_SSL_REDIRECT: the gateway answers on https only, and a redirect behind it could only be a loop.
SILENCED_SYSTEM_CHECKS = ["security.W008"]

# Celery itself reads its broker and result backend from the environment.
CELERY_TASK_ROUTES = {"photos.tasks.make_thumbnail": {"queue": "heavy"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO"}},
}
