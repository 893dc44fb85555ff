"""Whose fault a failure is: the task's, or that of the store or the broker.

The only place that catches whatever is raised: what Celery, its transports and its
stores raise has no common base.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.app.task import Task
from celery.exceptions import Reject

from ._logs import log
from .exceptions import Reason, RetryLaterError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "blame_traceback",
    "blamed_on",
    "is_lost_retry",
    "is_raised_by_server",
]

MACHINERY = ("celery.", "billiard.", "vine.", "kombu.", "contextlib", __package__)
"""Modules that run tasks and are no task."""


@contextmanager
def blamed_on(reason: Reason | None, problem: str) -> Iterator[None]:
    """Make whatever fails inside a reason for the message to come back.

    :param reason: None to find out from where the failure came.
    :param problem: the line that is logged, with the traceback.
    :raises RetryLaterError: something has failed.
    """
    try:
        yield
    except Exception as exc:
        log.exception(problem)
        found = reason or blame_traceback(exc.__traceback__) or Reason.INTERNAL_ERROR
        raise RetryLaterError(found) from exc


def is_lost_retry(exc: BaseException) -> bool:
    """Tell a retry that could not be published from a task that rejects its message."""
    reason = getattr(exc, "reason", None) if isinstance(exc, Reject) else None
    traceback = getattr(reason, "__traceback__", None)
    return traceback is not None and traceback.tb_frame.f_code is Task.retry.__code__


def blame_traceback(traceback: Any) -> Reason | None:
    """Return what failed before any line of the task could be to blame."""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.startswith("celery.backends."):
            return Reason.STORE_FAILED
        if module.startswith("kombu."):
            return Reason.BROKER_FAILED
        if not module.startswith(MACHINERY):
            return None
        traceback = traceback.tb_next
    return None


def is_raised_by_server(exc: BaseException) -> bool:
    """Tell a server that ends the process from a task that calls ``sys.exit``."""
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals.get("__name__", "") if traceback else ""
    return str(module).startswith("gunicorn.")
