"""Tells an outage of the result store or broker from an error of the task.

What Celery, its transports and its stores raise has no common base class. An outage may
end, so the message comes back; any other error would happen again.
"""

from __future__ import annotations

import errno
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from celery.exceptions import Reject
from kombu.exceptions import LimitExceeded, OperationalError

from ._logs import log
from ._startup_errors import is_projects
from .exceptions import Reason, RetryLaterError

MACHINERY = ("celery.", "billiard.", "vine.", "kombu.", "contextlib", __package__)
"""Modules that run tasks, and are not tasks themselves."""

TRANSPORTS = ("kombu.transport.", "amqp.")

PASSING = (OSError, OperationalError, LimitExceeded)

LASTING_ERRNOS = (errno.ENAMETOOLONG, errno.EFBIG)

LASTING = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError),
    *(MemoryError, TypeError, ValueError),
)
"""Errors of code that was given invalid values."""

OWN_PACKAGES = frozenset(
    {"billiard", "builtins", "celery", "kombu", "vine", __package__}
)
"""Packages whose errors are known here; any other is a client library."""

TELLING_OF_OUTAGES = frozenset({"http", "sqlite3"})
"""Client libraries of the standard library."""

REFUSING_KINDS = frozenset(
    {
        *("DataError", "IntegrityError", "ParamValidationError"),
        *("DocumentTooLarge", "InvalidDocument"),
    }
)
"""Exception classes of any client: the store cannot hold the value."""

REFUSING_CODES = frozenset(
    {
        *("ValidationException", "ValidationError", "SerializationException"),
        *("ItemCollectionSizeLimitExceededException", "InvalidParameterValue"),
        *("InvalidMessageContents", "MessageTooLong", "BatchRequestTooLong"),
    }
)
"""Errors of DynamoDB's and SQS's APIs for a value that they never accept."""

REFUSING_WORDS = ("exceeds maximum allowed size", "invalid bulk length")
"""The same from Redis, which has no error codes."""

PAYLOAD_TOO_LARGE = 413


@contextmanager
def blamed_on(reason: Reason, problem: str) -> Iterator[None]:
    """Turn an outage inside into ``RetryLaterError``; raise anything else as it is.

    :param problem: the message that is logged, with the traceback.
    :raises RetryLaterError: the store or broker cannot be reached.
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
    """Do the same, but only log any other error.

    :raises RetryLaterError: the store or broker cannot be reached.
    """
    try:
        yield
    except Exception as exc:
        log.exception(problem)
        if is_outage(exc):
            raise RetryLaterError(reason) from exc


def blame(exc: BaseException, traceback: Any, task: Any) -> Reason | None:
    """Return what was unavailable when the exception was raised, None if nothing."""
    if is_outage(exc) or is_lost_connection(exc):
        return blame_traceback(traceback, task)
    return None


def blame_traceback(traceback: Any, task: Any) -> Reason | None:
    """Return whether store or broker raised it, rather than the project's code."""
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
        # Instrumentation, which wraps the machinery, is a library too.
        if not module.startswith(MACHINERY) and is_projects(frame.f_code.co_filename):
            return None
        traceback = traceback.tb_next
    return None


def find_bodies(task: Any) -> list[CodeType]:
    """Return the task's own code objects, wherever they are installed."""
    if str(task.name).startswith("celery."):
        return []
    functions = map(inspect.unwrap, (task.run, type(task).__call__))
    return [f.__code__ for f in functions if hasattr(f, "__code__")]


def is_outage(exc: BaseException) -> bool:
    """Return whether the error may go away, so that a later delivery can succeed."""
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
    """Return whether a transport failed on an attribute of a lost connection."""
    return isinstance(exc, (AttributeError, NameError)) and find_last_module(
        exc
    ).startswith(TRANSPORTS)


def find_refusal(exc: BaseException, traceback: Any, task: Any) -> BaseException | None:
    """Return the error with which a result store rejected a result."""
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
    """Return why a retry was not published: Celery raises ``Reject`` for that, too."""
    reason = getattr(exc, "reason", None) if isinstance(exc, Reject) else None
    traceback = getattr(reason, "__traceback__", None)
    if traceback is None:
        return None
    # By name: instrumentation may have replaced the function by a wrapper.
    frame = traceback.tb_frame
    is_retry = frame.f_code.co_name == "retry" and (
        frame.f_globals.get("__name__") == "celery.app.task"
    )
    return reason if is_retry else None


def is_raised_by_server(exc: BaseException) -> bool:
    """Return whether the server is ending the process, and not the task."""
    if type(exc).__name__ == "GreenletExit":
        return True
    return find_last_module(exc).startswith("gunicorn.")


def find_last_module(exc: BaseException) -> str:
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "") if traceback else "")
