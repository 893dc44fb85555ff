"""The application that a server runs: ``celery_push_worker.wsgi:application``.

Environment variable ``CELERY_APP`` names the Celery app, ``module:attribute``.
"""

from __future__ import annotations

from ._settings import find_app
from .worker import PushWorker

__all__ = ["application"]

application = PushWorker(find_app(), take_over_logging=True)
