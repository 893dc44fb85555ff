import json
import os

DEBUG = bool(os.environ.get("BAKERY_DEBUG"))
LOGGING = json.loads(os.environ.get("BAKERY_LOGGING", "{}"))
SECRET_KEY = "x"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = os.environ.get("BAKERY_URLS", "bakery.urls")
USE_I18N = True
LANGUAGE_CODE = "en"
MIDDLEWARE = [
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
WSGI_APPLICATION = os.environ.get("BAKERY_WSGI", "bakery.wsgi.application")
CELERY_BROKER_URL = "memory://"
