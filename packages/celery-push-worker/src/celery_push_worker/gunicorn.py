"""Settings for gunicorn: ``gunicorn -c python:celery_push_worker.gunicorn …``.

Written as the exec form of a container's command it is process 1, and gets the
platform's SIGTERM. Imports nothing of Celery: the master process needs none.
"""

from __future__ import annotations

import os
from typing import Any

from ._platform import SHUTDOWN_SECONDS
from ._serving import WORKER_TMP_DIR, get_address, listen, require_token

bind = get_address()
"""The platform sets ``PORT``."""

workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
"""Requests that are worked on at once; as many as the container's concurrency."""

worker_class = "celery_push_worker._server.PatientWorker"
"""One request per process, in its main thread: time limits interrupt system calls."""

timeout = 0
"""A task may take longer than 30 seconds; time limits and the platform end it."""

graceful_timeout = SHUTDOWN_SECONDS
"""For the task that runs at SIGTERM."""

keepalive = 0

control_socket_disable = True
"""Nobody talks to the server, and the home directory may be read-only."""

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
"""The server's own lines in the same shape as the worker's."""


def on_starting(server: Any) -> None:
    """Listen there whatever the command line says."""
    listen(server)


def post_worker_init(worker: Any) -> None:
    """Stand in front of the worker, which is loaded now."""
    require_token(worker)
