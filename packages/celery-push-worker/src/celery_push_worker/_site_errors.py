"""Makes the site's errors visible where nobody would see them.

Django's own configuration prints them with ``DEBUG`` alone, and mails them otherwise:
in a container a page that fails would leave no trace.
https://docs.djangoproject.com/en/stable/ref/logging/#default-logging-configuration
"""

from __future__ import annotations

import logging
import sys

from ._logs import list_handlers, make_handler, walk_up


def log_errors() -> None:
    """Write Django's errors to standard output, unless the project logs them."""
    if "django.core.handlers.base" in sys.modules and not is_logged("django.request"):
        handler = make_handler()
        handler.setLevel(logging.ERROR)
        logging.getLogger("django").addHandler(handler)


def is_logged(name: str) -> bool:
    from django.utils.log import AdminEmailHandler

    logger = logging.getLogger(name)
    error = logger.makeRecord(name, logging.ERROR, "", 0, "", (), None)
    handlers = [one for above in walk_up(logger) for one in list_handlers(above)]
    return any(
        handler.level <= error.levelno
        and handler.filter(error)
        and not isinstance(handler, AdminEmailHandler)
        for handler in handlers
    )
