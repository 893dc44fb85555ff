"""Checks what Celery takes on trust: a body that its machinery can run, and headers.

Field by field: https://docs.celeryq.dev/en/stable/internals/protocol.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .exceptions import Reason, UndeliverableError

BODY_PARTS = 3
"""Arguments, keyword arguments, and what follows the task."""

MAX_TIME_LIMIT_SECONDS = 1_000_000
"""Longer than any task may run; a clock cannot be set to just any number."""


def check_body(parts: Any) -> tuple[Any, Any, dict[str, Any]]:
    if not isinstance(parts, (list, tuple)) or len(parts) != BODY_PARTS:
        raise UndeliverableError(Reason.BAD_BODY, "The body is no task's arguments")
    args, kwargs, embed = parts
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, Mapping):
        raise UndeliverableError(Reason.BAD_BODY, "The arguments are no list or object")
    if not isinstance(embed, Mapping) and embed is not None:
        raise UndeliverableError(Reason.BAD_BODY, "What follows is no object")
    embed = dict(embed or {})
    for key in ("callbacks", "errbacks", "chain"):
        if not isinstance(embed.get(key), (list, tuple, type(None))):
            raise UndeliverableError(Reason.BAD_BODY, f"'{key}' is no list")
    return args, kwargs, embed


def check_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers, whose values Celery takes on trust."""
    retries, limits = headers.get("retries"), headers.get("timelimit")
    if not isinstance(retries or 0, int):
        raise invalid("'retries' is no number")
    if limits is not None and not is_time_limit(limits):
        raise invalid("'timelimit' is no pair of seconds")
    for key in ("eta", "expires", "shadow", "group", "root_id", "parent_id"):
        if not isinstance(headers.get(key, ""), (str, type(None))):
            raise invalid(f"'{key}' is no text")
    if not isinstance(headers.get("stamped_headers") or [], (list, tuple, str)):
        raise invalid("'stamped_headers' is no list")
    if not isinstance(headers.get("stamps") or {}, Mapping):
        raise invalid("'stamps' is no object")
    return headers


def is_time_limit(limits: Any) -> bool:
    return (
        isinstance(limits, (list, tuple))
        and len(limits) == 2  # noqa: PLR2004
        and all(value is None or is_duration(value) for value in limits)
    )


def is_duration(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= MAX_TIME_LIMIT_SECONDS


def invalid(message: str) -> UndeliverableError:
    return UndeliverableError(Reason.INVALID_TASK, message)
