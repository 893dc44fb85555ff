"""The application that a server runs: ``celery_push_worker.wsgi:application``.

Environment variable ``CELERY_APP`` names the Celery app, ``module:attribute``.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .worker import PushWorker

__all__ = ["application"]


def start() -> PushWorker:
    """Import and create everything, without looking for garbage among it."""
    gc.disable()
    try:
        from ._settings import find_app
        from .worker import PushWorker

        return PushWorker(find_app(), take_over_logging=True)
    finally:
        gc.enable()
        gc.freeze()  # What is loaded now stays: it need not be searched with each task.


application = start()

if "gunicorn" in sys.modules and "celery_push_worker.gunicorn" not in sys.modules:
    from ._logs import log

    log.warning(
        "gunicorn runs with settings of its own, by which it ends a request after 30 "
        "seconds: start it with -c python:celery_push_worker.gunicorn"
    )
