"""What a message's log line says of it: never a result, arguments if asked for.

Fields without a value are left out.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from celery.exceptions import Ignore, Reject, Retry
from celery.utils.saferepr import saferepr
from celery.utils.serialization import UnpickleableExceptionWrapper
from celery.utils.time import maybe_make_aware

from ._delays import count_hops
from ._events import is_id
from ._publishing import find_queue

if TYPE_CHECKING:
    from celery import Celery

    from ._events import Delivery
    from ._messages import TaskMessage

FAMILY = {"root_id": "root_id", "parent_id": "parent_id", "group_id": "group"}
"""Fields and the headers that they are taken from."""

REPEATS = "repeats_id"
"""The task that was sent again as this one: a header of ours, not Celery's."""

MAX_ARGUMENTS_CHARACTERS = 4_096
"""Of each of ``args`` and ``kwargs``, if the publisher describes them itself."""

CELERYS_CHARACTERS = 1_024
"""About as many are in Celery's description."""


def describe_delivery(delivery: Delivery) -> dict[str, Any]:
    if delivery.sent_at is None:
        fields: dict[str, Any] = {}
    else:
        latency = max(0.0, time.time() - delivery.sent_at)
        fields = {
            "sent_at": format_time(delivery.sent_at),
            "queue_latency_seconds": round(latency, 3),
        }
    return drop_empty({**fields, "receive_count": delivery.receive_count})


def describe_task(
    app: Celery, message: TaskMessage, delivery: Delivery
) -> dict[str, Any]:
    headers = message.headers
    repeats = headers.get(REPEATS)
    return drop_empty(
        {
            "task_id": message.id,
            "task_name": message.name,
            "queue": find_queue(app, delivery.queue, message.envelope.delivery_info),
            "attempt": (headers.get("retries") or 0) + 1,
            "hops": count_hops(headers),
            "eta": headers.get("eta") or None,
            **{field: headers.get(name) or None for field, name in FAMILY.items()},
            REPEATS: repeats if is_id(repeats) else None,
        }
    )


def describe_arguments(message: TaskMessage) -> dict[str, Any]:
    """Return the arguments as text: the publisher's own, which may hide something.

    https://docs.celeryq.dev/en/stable/userguide/tasks.html#hiding-sensitive-information-in-arguments
    """
    args, kwargs, _ = message.body
    texts = {
        "args": message.headers.get("argsrepr") or render(args),
        "kwargs": message.headers.get("kwargsrepr") or render(kwargs),
    }
    return {name: cut(str(text)) for name, text in texts.items()}


def describe_failure(exc: BaseException) -> dict[str, Any]:
    """Return why the task ended, and for a retry when it is due again."""
    if isinstance(exc, Retry):
        cause = describe_error(exc.exc) if exc.exc else {}
        return drop_empty({"next_attempt_at": find_due(exc.when), **cause})
    return {} if isinstance(exc, (Ignore, Reject)) else describe_error(exc)


def describe_error(exc: BaseException) -> dict[str, Any]:
    """Return the error's type. Its text may hold anything, and is Celery's to log."""
    module: Any = type(exc).__module__
    name: Any = type(exc).__qualname__
    # In place of one that no result store could hold.
    if isinstance(exc, UnpickleableExceptionWrapper):
        module, name = exc.exc_module, exc.exc_cls_name
    return {"exception_type": name if module == "builtins" else f"{module}.{name}"}


def find_due(when: Any) -> str | None:
    """Return the time that a retry names by seconds from now or by a date, if any."""
    if isinstance(when, datetime):
        return format_time(maybe_make_aware(when).timestamp())
    return format_time(time.time() + when) if isinstance(when, (int, float)) else None


def format_time(seconds: float) -> str | None:
    """Return Unix seconds as ``2026-01-05T12:00:00.227Z``, None if no year has them."""
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render(value: Any) -> str:
    return saferepr(value, CELERYS_CHARACTERS)


def cut(text: str) -> str:
    rest = len(text) - MAX_ARGUMENTS_CHARACTERS
    if rest <= 0:
        return text
    return f"{text[:MAX_ARGUMENTS_CHARACTERS]}… {rest} more characters"


def drop_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
