"""Sets up logging as a worker does, unless the project does so itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import signals

from ._logs import (
    JsonFormatter,
    find_task,
    list_handlers,
    log,
    make_handler,
    walk_up,
    write_anyway,
)

if TYPE_CHECKING:
    from celery import Celery

    from ._settings import Settings

QUIET = ("celery.app.trace", "botocore")
"""Loggers at WARNING. Celery's line about a success contains the result, which is
private; the SDK logs where it has found its keys."""

HIJACKED = ("", "celery", "celery.task", "celery.redirected")
"""Loggers whose handlers ``celery worker`` removes."""


def set_up_logging(app: Celery, settings: Settings, *, take_over: bool) -> None:
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
    """Do what a worker does: ask the project, or set up the root and task loggers."""
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
    for name in HIJACKED:
        logging.getLogger(name).handlers[:] = []


def add_handler(name: str, level: str) -> logging.Logger:
    """Send a logger's records to standard output as JSON, unless it has a handler."""
    logger = logging.getLogger(name)
    if not list_handlers(logger):
        logger.addHandler(make_handler())
    logger.setLevel(level)
    return logger


def quieten() -> None:
    """Silence redundant loggers, unless the project has set their levels."""
    for logger in map(logging.getLogger, QUIET):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def name_tasks() -> None:
    """Add task id and name to each record, for the project's own formatters."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            # Ours looks them up itself.
            if not isinstance(handler.formatter, JsonFormatter):
                handler.addFilter(name_task)


def name_task(record: logging.LogRecord) -> bool:
    """A filter that adds them and drops nothing."""
    for key, value in find_task().items():
        vars(record).setdefault(key, value)
    return True


def keep_own_lines() -> None:
    """Make sure that each message's line is written, or warn about what prevents it."""
    # It exists before the project's settings are read, so a logging configuration may
    # have disabled it with all "existing loggers".
    log.disabled = False
    if obstacle := find_obstacle(logging.INFO):
        text = (
            f"The log line for each message is suppressed: {obstacle}. "
            "Let logger 'celery_push_worker' log at level INFO"
        )
        if find_obstacle(logging.WARNING):
            write_anyway(logging.WARNING, text)
        else:
            log.warning(text)


def find_obstacle(level: int) -> str | None:
    """Return what suppresses lines of this level, if anything does."""
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
