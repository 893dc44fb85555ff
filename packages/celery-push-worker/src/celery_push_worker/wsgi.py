"""The worker as a WSGI application: ``celery_push_worker.wsgi:application``.

The environment variable ``CELERY_APP`` names the Celery app, ``module:attribute``.
"""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .worker import PushWorker

__all__ = ["application"]


BOOT_ERROR = 3
"""Tells gunicorn that starting again would not help."""


def start() -> PushWorker:
    """Import and create everything, with the garbage collector off.

    The settings come first: they may replace parts of Celery that are used afterwards.
    """
    gc.disable()
    try:
        from ._settings import find_app, load_settings

        app = find_app()
        load_settings(app)
        from .worker import PushWorker

        return PushWorker(app, take_over_logging=True)
    except Exception as exc:
        from ._logs import write_anyway
        from ._startup_errors import describe_failure

        text = f"The worker cannot start. {describe_failure(exc)}"
        write_anyway(logging.CRITICAL, text, exc)
        raise SystemExit(BOOT_ERROR) from exc
    finally:
        gc.enable()
        gc.freeze()  # What is loaded now is not searched again with each task.


application = start()

if "gunicorn" in sys.modules and "celery_push_worker.gunicorn" not in sys.modules:
    from ._logs import log

    log.warning(
        "gunicorn runs with its default settings, which end a request after 30 "
        "seconds: start it with -c python:celery_push_worker.gunicorn"
    )
