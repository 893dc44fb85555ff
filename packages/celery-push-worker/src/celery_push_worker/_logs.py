"""Formats log records as lines of JSON that Cloud Logging parses.

One object per line with ``level`` and ``message``; everything else becomes a field of
the entry. Results of tasks are never among the fields, and arguments only if asked for.
https://yandex.cloud/en/docs/serverless-containers/concepts/logs
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._platform import MAX_LOG_LINE_BYTES

log = logging.getLogger("celery_push_worker")

LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL", "NOTSET": "TRACE"}
"""Cloud Logging's levels where their names differ from Python's."""

CELERY_FIELDS = {"id": "task_id", "name": "task_name"}
"""Fields taken from the data that Celery attaches to its records."""


UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON may contain, and what a terminal obeys or takes for the end of a line."""

KEPT_CHARACTERS = (20_000, 5_000, 1_000, 100)
"""Of each value of a line that is too long; the first at which it fits."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line feed."""
        entry = {
            "level": LEVELS.get(record.levelname, record.levelname),
            "message": record.getMessage(),
            "logger": record.name,
            **find_task(),
            **pick_celery_fields(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        line = render(entry)
        for kept in KEPT_CHARACTERS:
            if len(line) <= MAX_LOG_LINE_BYTES:
                break
            line = render({key: cut(value, kept) for key, value in entry.items()})
        return line.decode()


def render(entry: dict[str, Any]) -> bytes:
    line = json.dumps(entry, default=str, ensure_ascii=False)
    if UNSAFE.search(line):
        line = UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
    # A lone surrogate cannot be encoded: the whole line would be lost.
    return line.encode(errors="backslashreplace")


def cut(value: Any, kept: int) -> Any:
    """Return the value, or its text without the middle: a traceback's end matters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    rest = len(text) - kept
    if rest <= 0:
        return value
    half = kept // 2
    return f"{text[:half]} … {rest} characters are cut … {text[-half:]}"


def find_task() -> dict[str, Any]:
    """Return id and name of the task that this thread is executing, if any."""
    state = sys.modules.get("celery._state")  # The server's master has no Celery.
    task = state.get_current_task() if state else None
    if task is None:
        return {}
    task_id = task.request.id
    return {"task_id": task_id, "task_name": task.name} if task_id else {}


def pick_celery_fields(record: logging.LogRecord) -> dict[str, Any]:
    data = getattr(record, "data", None)
    if not isinstance(data, dict):
        return {}
    return {new: data[old] for old, new in CELERY_FIELDS.items() if old in data}


def make_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    return handler


def list_handlers(logger: logging.Logger) -> list[logging.Handler]:
    return [h for h in logger.handlers if not isinstance(h, logging.NullHandler)]


def walk_up(logger: logging.Logger) -> Iterator[logging.Logger]:
    """Yield the logger and its ancestors whose handlers get its records."""
    current: logging.Logger | None = logger
    while current:
        yield current
        current = current.parent if current.propagate else None


def write_anyway(level: int, text: str, exc: BaseException | None = None) -> None:
    """Write a line to standard output, whatever logging configuration there is."""
    info = (type(exc), exc, exc.__traceback__) if exc else None
    make_handler().handle(log.makeRecord(log.name, level, "", 0, text, (), info))


@contextmanager
def logged(problem: str) -> Iterator[None]:
    """Log an error that is raised inside, with its traceback, and go on."""
    try:
        yield
    except Exception:
        log.exception(problem)
