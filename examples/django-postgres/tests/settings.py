"""A deployed site's settings, with a database in memory and without a queue.

The page's tests have the real ones: they see the site that the local cloud runs.
"""

import os
import secrets

os.environ |= {
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "testserver",
    "DATABASE_URL": "sqlite://:memory:",
    "CELERY_BROKER_URL": "memory://",
    "CELERY_RESULT_BACKEND": "cache+memory://",
}

from album.settings import *  # noqa: F403
from album.settings import FILES, PLAIN

STORAGES = {"default": FILES, "staticfiles": {"BACKEND": PLAIN}}
# There are no collected files to read at the start.
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
