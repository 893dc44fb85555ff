"""The application that a server runs: ``celery_push_worker.wsgi:application``.

Environment variable ``CELERY_APP`` names the Celery app, ``module:attribute``.
"""

from __future__ import annotations

import sys

from ._logs import log
from ._settings import find_app
from .worker import PushWorker

__all__ = ["application"]

application = PushWorker(find_app(), take_over_logging=True)

if "gunicorn" in sys.modules and "celery_push_worker.gunicorn" not in sys.modules:
    log.warning(
        "gunicorn runs with settings of its own, by which it ends a request after 30 "
        "seconds: start it with -c python:celery_push_worker.gunicorn"
    )
