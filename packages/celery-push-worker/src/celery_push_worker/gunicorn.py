"""Gunicorn's settings for the worker: ``-c python:celery_push_worker.gunicorn``.

In the exec form of a container's command gunicorn is process 1, and receives the
platform's SIGTERM. Does not import Celery, which the master process does not need.
"""

from __future__ import annotations

import os
from typing import Any

from ._platform import SHUTDOWN_SECONDS
from ._serving import WORKER_TMP_DIR, get_address, listen, require_token

bind = get_address()
"""The platform sets ``PORT``."""

workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
"""One request each: set it to the container's concurrency. Default: 1."""

worker_class = "celery_push_worker._server.PatientWorker"
"""One request per process, in its main thread: time limits can interrupt it."""

timeout = 0
"""No limit on a request: a task has its time limits, and the platform its own."""

graceful_timeout = SHUTDOWN_SECONDS
"""For the task that runs at SIGTERM."""

keepalive = 0

control_socket_disable = True
"""Not needed, and the home directory may be read-only."""

logger_class = "celery_push_worker._server.QuietLogger"

worker_tmp_dir = WORKER_TMP_DIR

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "celery_push_worker._logs.JsonFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {
            "handlers": ["console"],
            "level": "INFO",
            "propagate": False,
        }
    },
}
"""The server's log lines in the same format as the worker's."""


def on_starting(server: Any) -> None:
    """Listen on ``PORT``, whatever the command line says."""
    listen(server)


def post_worker_init(worker: Any) -> None:
    """Guard the worker, which is loaded now."""
    require_token(worker)
