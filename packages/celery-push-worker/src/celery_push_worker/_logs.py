"""Log records come in, lines of JSON go out, in the shape that Cloud Logging parses.

One object per line with ``level`` and ``message``; everything else becomes a field of
the entry. Arguments and results of tasks are never among the fields.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "JsonFormatter",
    "add_handler",
    "keep_own_lines",
    "log",
    "name_tasks",
    "quieten",
    "remove_handlers",
    "write_anyway",
]

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
            **find_task(),
            **pick_celery_fields(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        line = json.dumps(entry, default=str, ensure_ascii=False)
        # Half of a surrogate pair has no bytes: the whole line would be lost.
        return line.encode(errors="backslashreplace").decode()


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


QUIET = ("celery.app.trace", "botocore")
"""Celery's line about a success holds the result, and ours tells the rest; the SDK
tells where it has found its keys."""

HIJACKED = ("", "celery", "celery.task", "celery.redirected")
"""What ``celery worker`` takes the handlers of."""


def remove_handlers() -> None:
    """Remove the handlers that a worker removes: those of the root and its own."""
    for name in HIJACKED:
        logging.getLogger(name).handlers[:] = []


def add_handler(name: str, level: str) -> logging.Logger:
    """Send a logger's records to standard output as JSON, unless it has a handler."""
    logger = logging.getLogger(name)
    if not has_handler(logger):
        logger.addHandler(make_handler())
    logger.setLevel(level)
    return logger


def has_handler(logger: logging.Logger) -> bool:
    return any(not isinstance(h, logging.NullHandler) for h in logger.handlers)


def make_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    return handler


def quieten() -> None:
    """Leave out what is told twice, where the project has not said what it wants."""
    for logger in map(logging.getLogger, QUIET):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def name_tasks() -> None:
    """Add id and name of the task to each record, for formatters of the project's."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            # Ours asks for them itself.
            if not isinstance(handler.formatter, JsonFormatter):
                handler.addFilter(name_task)


def name_task(record: logging.LogRecord) -> bool:
    """Do so for one record, and let it pass."""
    for key, value in find_task().items():
        vars(record).setdefault(key, value)
    return True


def keep_own_lines() -> None:
    """See to it that one line per message is written, or tell what keeps it back."""
    # Made before the project's settings were read, it is one of the "existing loggers"
    # that a configuration disables unless it says otherwise.
    log.disabled = False
    if obstacle := find_obstacle(logging.INFO):
        text = (
            f"The line that is due for each message is not written: {obstacle}. "
            "Let logger 'celery_push_worker' write level INFO"
        )
        if find_obstacle(logging.WARNING):
            write_anyway(logging.WARNING, text)
        else:
            log.warning(text)


def find_obstacle(level: int) -> str | None:
    """Return the setting by which lines of this level are not written, if any."""
    if logging.root.manager.disable >= level:
        return "logging.disable() was called"
    deciding = log
    while not deciding.level and deciding.parent:
        deciding = deciding.parent
    if deciding.level > level:
        name = logging.getLevelName(deciding.level)
        return f"logger '{deciding.name}' has level {name}"
    path = list(walk_up(log))
    handlers = [
        handler
        for logger in path
        for handler in logger.handlers
        if not isinstance(handler, logging.NullHandler)
    ]
    if not handlers and (not logging.lastResort or logging.lastResort.level > level):
        return f"logger '{path[-1].name}' has no handler"
    if handlers and all(handler.level > level for handler in handlers):
        return f"the handlers of logger '{path[-1].name}' have a higher level"
    return None


def walk_up(logger: logging.Logger) -> Iterator[logging.Logger]:
    """Yield the logger and those above it that are asked to handle its records."""
    current: logging.Logger | None = logger
    while current:
        yield current
        current = current.parent if current.propagate else None


def write_anyway(level: int, text: str, exc: BaseException | None = None) -> None:
    """Write a line to standard output, whatever is configured."""
    info = (type(exc), exc, exc.__traceback__) if exc else None
    make_handler().handle(log.makeRecord(log.name, level, "", 0, text, (), info))
