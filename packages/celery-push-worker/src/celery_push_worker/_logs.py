"""Log records come in, lines of JSON go out, in the shape that Cloud Logging parses.

One object per line with ``level`` and ``message``; everything else becomes a field of
the entry. Arguments and results of tasks are never among the fields.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

__all__ = ["JsonFormatter", "log", "setup_logging"]

log = logging.getLogger("celery_push_worker")

LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL", "NOTSET": "TRACE"}
"""The service's words where they differ from Python's."""

CELERY_FIELDS = {"id": "task_id", "name": "task_name"}
"""What is taken over from the data that Celery attaches to its records."""


class JsonFormatter(logging.Formatter):
    """Renders a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without the line feed."""
        entry = {
            "level": LEVELS.get(record.levelname, record.levelname),
            "message": record.getMessage(),
            "logger": record.name,
            **pick_celery_fields(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def pick_celery_fields(record: logging.LogRecord) -> dict[str, Any]:
    data = getattr(record, "data", None)
    if not isinstance(data, dict):
        return {}
    return {new: data[old] for old, new in CELERY_FIELDS.items() if old in data}


QUIET = ("celery.app.trace", "botocore")
"""Celery's line about a success holds the result, and ours tells the rest; the SDK
tells where it has found its keys."""


def setup_logging(*, replace: bool, level: str = "INFO") -> None:
    """Send every record to standard output as JSON.

    :param replace: whether handlers that the site has set up are removed; without it a
        site that has any keeps them, and nothing is changed.
    """
    root = logging.getLogger()
    if root.handlers and not replace:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root.handlers[:] = [handler]
    root.setLevel(level)
    for logger in map(logging.getLogger, QUIET):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
