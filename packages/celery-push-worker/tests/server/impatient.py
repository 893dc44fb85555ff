"""The worker's settings for gunicorn, which waits next to no time for a request."""

from celery_push_worker import _settings
from celery_push_worker.gunicorn import *  # noqa: F403  settings are names of a module

_settings.STALL_SECONDS = 0.3
