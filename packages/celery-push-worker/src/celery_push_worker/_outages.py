"""Whose fault a failure is: the task's, or that of the store or the broker.

What Celery, its transports and its stores raise has no common base. An outage may pass,
so the message comes back; whatever else fails would fail again in the same way.
"""

from __future__ import annotations

import errno
import inspect
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.exceptions import Reject
from kombu.exceptions import LimitExceeded, OperationalError

from ._logs import log
from ._startup_errors import is_projects
from .exceptions import Reason, RetryLaterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

MACHINERY = ("celery.", "billiard.", "vine.", "kombu.", "contextlib", __package__)
"""Modules that run tasks and are no task."""

TRANSPORTS = ("kombu.transport.", "amqp.")

PASSING = (OSError, OperationalError, LimitExceeded)

LASTING_ERRNOS = (errno.ENAMETOOLONG, errno.EFBIG)

LASTING = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError),
    *(MemoryError, TypeError, ValueError),
)
"""What code raises that was given something it cannot work with."""

OWN_PACKAGES = frozenset(
    {"billiard", "builtins", "celery", "kombu", "vine", __package__}
)
"""Whose errors are known here: those of any other package are a client's."""

TELLING_OF_OUTAGES = frozenset({"http", "sqlite3"})
"""Modules of the standard library that are clients."""

REFUSING_KINDS = frozenset(
    {
        *("DataError", "IntegrityError", "ParamValidationError"),
        *("DocumentTooLarge", "InvalidDocument"),
    }
)
"""Classes, of whatever client, by which a store says that it cannot hold a value."""

REFUSING_CODES = frozenset(
    {
        *("ValidationException", "ValidationError", "SerializationException"),
        *("ItemCollectionSizeLimitExceededException", "InvalidParameterValue"),
        *("InvalidMessageContents", "MessageTooLong", "BatchRequestTooLong"),
    }
)
"""What the APIs of DynamoDB and SQS answer to a value that they will never take."""

REFUSING_WORDS = ("exceeds maximum allowed size", "invalid bulk length")
"""The same from Redis, which has no codes."""

PAYLOAD_TOO_LARGE = 413


@contextmanager
def blamed_on(reason: Reason, problem: str) -> Iterator[None]:
    """Make an outage inside a reason for the message to come back.

    :param problem: the line that is logged, with the traceback.
    :raises RetryLaterError: store or broker cannot be reached.
    """
    try:
        yield
    except Exception as exc:
        if not is_outage(exc):
            raise
        log.exception(problem)
        raise RetryLaterError(reason) from exc


@contextmanager
def tolerating(reason: Reason, problem: str) -> Iterator[None]:
    """Do the same, and leave it at a line in the log when anything else fails.

    :raises RetryLaterError: store or broker cannot be reached.
    """
    try:
        yield
    except Exception as exc:
        log.exception(problem)
        if is_outage(exc):
            raise RetryLaterError(reason) from exc


def blame(exc: BaseException, traceback: Any, task: Any) -> Reason | None:
    """Return what was away when the exception was raised, None when nothing was."""
    if is_outage(exc) or is_lost_connection(exc):
        return blame_traceback(traceback, task)
    return None


def blame_traceback(traceback: Any, task: Any) -> Reason | None:
    """Return what failed before any line of the project could be to blame."""
    bodies = find_bodies(task)
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code in bodies:
            return None
        if module.startswith("celery.backends."):
            return Reason.STORE_FAILED
        if module.startswith("kombu."):
            return Reason.BROKER_FAILED
        # In a library lies, too, what wraps the machinery to watch it.
        if not module.startswith(MACHINERY) and is_projects(frame.f_code.co_filename):
            return None
        traceback = traceback.tb_next
    return None


def find_bodies(task: Any) -> list[CodeType]:
    """Return the code that is the task's own, wherever it is installed."""
    if str(task.name).startswith("celery."):
        return []
    functions = map(inspect.unwrap, (task.run, type(task).__call__))
    return [f.__code__ for f in functions if hasattr(f, "__code__")]


def is_outage(exc: BaseException) -> bool:
    """Tell what may pass from what the same message will meet again."""
    causes = list(walk_causes(exc))
    return not any(map(is_refusal, causes)) and any(map(may_pass, causes))


def may_pass(exc: BaseException) -> bool:
    if isinstance(exc, PASSING):
        return getattr(exc, "errno", None) not in LASTING_ERRNOS
    package = type(exc).__module__.partition(".")[0]
    is_clients = package not in OWN_PACKAGES and (
        package not in sys.stdlib_module_names or package in TELLING_OF_OUTAGES
    )
    return is_clients and not isinstance(exc, LASTING)


def is_lost_connection(exc: BaseException) -> bool:
    """Tell a transport that falls over what it has lost, in place of saying so."""
    return isinstance(exc, (AttributeError, NameError)) and find_last_module(
        exc
    ).startswith(TRANSPORTS)


def find_refusal(exc: BaseException, traceback: Any, task: Any) -> BaseException | None:
    """Return by what a result store has said that it cannot hold a result."""
    if blame_traceback(traceback, task) is not Reason.STORE_FAILED:
        return None
    return next(filter(is_refusal, walk_causes(exc)), None)


def is_refusal(exc: BaseException) -> bool:
    if REFUSING_KINDS.intersection(kind.__name__ for kind in type(exc).__mro__):
        return True
    response = getattr(exc, "response", None)
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return (
            status == PAYLOAD_TOO_LARGE
            or code.replace("#", ".").rpartition(".")[2] in REFUSING_CODES
        )
    return type(exc).__name__ == "ResponseError" and any(
        words in str(exc) for words in REFUSING_WORDS
    )


def walk_causes(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def find_lost_retry(exc: BaseException) -> BaseException | None:
    """Return why a retry was not published; a task may also reject by itself."""
    reason = getattr(exc, "reason", None) if isinstance(exc, Reject) else None
    traceback = getattr(reason, "__traceback__", None)
    if traceback is None:
        return None
    # By name: something that watches tasks may have put a wrapper in its place.
    frame = traceback.tb_frame
    is_retry = frame.f_code.co_name == "retry" and (
        frame.f_globals.get("__name__") == "celery.app.task"
    )
    return reason if is_retry else None


def is_raised_by_server(exc: BaseException) -> bool:
    """Tell a server that ends the process from a task that calls ``sys.exit``."""
    if type(exc).__name__ == "GreenletExit":
        return True
    return find_last_module(exc).startswith("gunicorn.")


def find_last_module(exc: BaseException) -> str:
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "") if traceback else "")
