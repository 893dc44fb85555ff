"""Sets up the process's logging as a worker does, unless the project does so itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import signals

from ._logs import JsonFormatter, find_task, log, make_handler, write_anyway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from ._settings import Settings

QUIET = ("celery.app.trace", "botocore")
"""Celery's line about a success holds the result, and ours tells the rest; the SDK
tells where it has found its keys."""

HIJACKED = ("", "celery", "celery.task", "celery.redirected")
"""What ``celery worker`` takes the handlers of."""


def set_up_logging(app: Celery, settings: Settings, *, take_over: bool) -> None:
    """Set up logging, unless the project does so itself."""
    level = settings.log_level
    if settings.json_logs and take_over:
        take_over_logging(app, level)
    elif settings.json_logs and not logging.root.handlers:
        add_handler("", level)
        quieten()
    name_tasks()
    if logging.getLevelName(level) <= logging.INFO:
        keep_own_lines()


def take_over_logging(app: Celery, level: str) -> None:
    """Do what a worker does: ask the project, else set up the root and the tasks."""
    details: dict[str, Any] = {
        "loglevel": logging.getLevelName(level),
        "logfile": None,
        "colorize": False,
    }
    formats = app.conf.worker_log_format, app.conf.worker_task_log_format
    if signals.setup_logging.send(sender=None, format=formats[0], **details):
        return
    if app.conf.worker_hijack_root_logger:
        remove_handlers()
    root = add_handler("", level)
    signals.after_setup_logger.send(
        sender=None, logger=root, format=formats[0], **details
    )
    tasks = add_handler("celery.task", level)
    tasks.propagate = False
    signals.after_setup_task_logger.send(
        sender=None, logger=tasks, format=formats[1], **details
    )
    quieten()


def remove_handlers() -> None:
    """Remove the handlers that a worker removes: those of the root and its own."""
    for name in HIJACKED:
        logging.getLogger(name).handlers[:] = []


def add_handler(name: str, level: str) -> logging.Logger:
    """Send a logger's records to standard output as JSON, unless it has a handler."""
    logger = logging.getLogger(name)
    if not list_handlers(logger):
        logger.addHandler(make_handler())
    logger.setLevel(level)
    return logger


def list_handlers(logger: logging.Logger) -> list[logging.Handler]:
    return [h for h in logger.handlers if not isinstance(h, logging.NullHandler)]


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
    handlers = [handler for logger in path for handler in list_handlers(logger)]
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
