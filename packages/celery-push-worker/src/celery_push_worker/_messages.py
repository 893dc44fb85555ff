"""Decodes a delivery's body into a task message that Celery can execute.

Both of Celery's message protocols. Never runs a task, never looks a name up anywhere
but in the app's registry, never decodes what ``accept_content`` does not allow.
https://docs.celeryq.dev/en/stable/internals/protocol.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kombu.exceptions import ContentDisallowed
from kombu.message import Message
from kombu.serialization import prepare_accept_content

from ._envelope import Envelope, parse_envelope
from ._events import is_id
from .exceptions import Reason, UndeliverableError

if TYPE_CHECKING:
    from celery import Celery

MOVED_TO_HEADERS = (
    *("lang", "task", "id", "root_id", "parent_id", "group", "meth", "shadow"),
    *("eta", "expires", "retries", "timelimit", "argsrepr", "kwargsrepr", "origin"),
)
"""Fields of protocol 1's payload that are headers in protocol 2."""

MAPPING_TASKS = frozenset({"celery.map", "celery.starmap", "celery.chunks"})
"""Celery's tasks that run another task, given in their arguments."""

DELAY_PROPERTY = "DelaySeconds"
"""For the queue: the transport takes it from the message's properties."""


BODY_PARTS = 3
"""Arguments, keyword arguments, and ``embed``: callbacks, errbacks, chain, chord."""

MAX_TIME_LIMIT_SECONDS = 1_000_000
"""Longer than any task may run; timers do not accept arbitrary numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """A task message whose parts were all checked."""

    envelope: Envelope
    message: Any
    """Kombu's message, as a consumer would get it."""
    body: tuple[Any, Any, dict[str, Any]]
    headers: dict[str, Any] = field(repr=False)
    """Protocol 2 headers, also for a message of protocol 1."""
    utc: bool
    """Whether ``eta`` and ``expires`` without an offset are in UTC."""
    name: str
    id: str


def decode_message(body: str, app: Celery) -> TaskMessage:
    """Return the task message that the body carries.

    :raises UndeliverableError: the body can never be executed.
    """
    envelope = parse_envelope(body)
    message = build_message(envelope, app)
    payload = decode_payload(message)
    parts, headers, utc = unify_protocols(message, payload)
    name, task_id = headers.get("task"), headers.get("id")
    if not isinstance(name, str) or not is_id(task_id):
        raise invalid("The message has no task name or no id")
    task_message = TaskMessage(
        envelope=envelope,
        message=message,
        body=check_body(parts),
        headers=check_headers(headers),
        utc=utc,
        name=name,
        id=task_id,
    )
    unknown = find_unknown(task_message, app)
    if unknown is not None:
        raise UnknownTaskError(task_message, unknown)
    return task_message


def find_unknown(message: TaskMessage, app: Celery) -> str | None:
    """Return the name of the task, or of the one it maps, if it is not registered."""
    names = [message.name]
    if message.name in MAPPING_TASKS:
        mapped = message.body[1].get("task")
        if isinstance(mapped, Mapping) and isinstance(mapped.get("task"), str):
            names.append(mapped["task"])
    return next((name for name in names if name not in app.tasks), None)


class UnknownTaskError(UndeliverableError):
    """The message is valid, but its task is not registered."""

    def __init__(self, message: TaskMessage, name: str) -> None:
        super().__init__(Reason.UNKNOWN_TASK, f"No task '{name}' is registered")
        self.task_message = message


def build_message(envelope: Envelope, app: Celery) -> Any:
    return Message(
        body=envelope.content,  # type: ignore[arg-type]  # bytes, as every transport passes
        content_type=envelope.content_type,
        content_encoding=envelope.content_encoding,
        delivery_tag=envelope.properties.get("delivery_tag"),
        delivery_info=envelope.delivery_info,
        headers=envelope.headers,
        properties={
            name: value
            for name, value in envelope.properties.items()
            if name != DELAY_PROPERTY
        },
        accept=prepare_accept_content(app.conf.accept_content),
    )


def decode_payload(message: Any) -> Any:
    try:
        if message.errors:
            message._reraise_error()  # noqa: SLF001  kombu keeps errors of decompression
        return message.decode()
    except ContentDisallowed as exc:
        raise UndeliverableError(
            Reason.REFUSED_CONTENT,
            f"Content type '{message.content_type}' is not in accept_content",
        ) from exc
    except Exception as exc:
        # Serializers and compressions raise arbitrary errors. They only decode, so a
        # second delivery would fail in the same way.
        raise UndeliverableError(
            Reason.BAD_BODY, "The arguments cannot be decoded"
        ) from exc


def unify_protocols(message: Any, payload: Any) -> tuple[Any, dict[str, Any], bool]:
    """Return body and headers in protocol 2, and whether times are in UTC."""
    headers = message.headers
    if not isinstance(payload, dict):
        return payload, headers, True
    if "task" in headers and "args" not in payload:
        return payload, headers, True
    # Protocol 1 has everything in the payload; a hybrid of both repeats it in headers.
    args, kwargs = payload.get("args", ()), payload.get("kwargs", {})
    embed = {key: payload.get(key) for key in ("callbacks", "errbacks", "chord")}
    moved = {key: payload.get(key) for key in MOVED_TO_HEADERS}
    moved |= {
        "group": payload.get("group") or payload.get("taskset"),
        "retries": payload.get("retries", 0),
        "timelimit": payload.get("timelimit", (None, None)),
        **headers,
    }
    return (args, kwargs, embed), moved, bool(payload.get("utc", True))


def check_body(parts: Any) -> tuple[Any, Any, dict[str, Any]]:
    if not isinstance(parts, (list, tuple)) or len(parts) != BODY_PARTS:
        raise UndeliverableError(
            Reason.BAD_BODY, "The body is not [args, kwargs, embed]"
        )
    args, kwargs, embed = parts
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, Mapping):
        raise UndeliverableError(
            Reason.BAD_BODY, "'args' is not a list, or 'kwargs' not an object"
        )
    if not isinstance(embed, Mapping) and embed is not None:
        raise UndeliverableError(Reason.BAD_BODY, "'embed' is not an object")
    embed = dict(embed or {})
    for key in ("callbacks", "errbacks", "chain"):
        if not isinstance(embed.get(key), (list, tuple, type(None))):
            raise UndeliverableError(Reason.BAD_BODY, f"'{key}' is not a list")
    return args, kwargs, embed


def check_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers. Celery does not check their values."""
    retries, limits = headers.get("retries"), headers.get("timelimit")
    if not isinstance(retries or 0, int):
        raise invalid("'retries' is not a number")
    if limits is not None and not is_time_limit(limits):
        raise invalid("'timelimit' is not a pair of seconds")
    for key in ("eta", "expires", "shadow", "group", "root_id", "parent_id"):
        if not isinstance(headers.get(key, ""), (str, type(None))):
            raise invalid(f"'{key}' is not a string")
    if not isinstance(headers.get("stamped_headers") or [], (list, tuple, str)):
        raise invalid("'stamped_headers' is not a list")
    if not isinstance(headers.get("stamps") or {}, Mapping):
        raise invalid("'stamps' is not an object")
    return headers


def is_time_limit(limits: Any) -> bool:
    return (
        isinstance(limits, (list, tuple))
        and len(limits) == 2  # noqa: PLR2004
        and all(isinstance(value, (int, float, type(None))) for value in limits)
        and all(0 <= (value or 0) <= MAX_TIME_LIMIT_SECONDS for value in limits)
    )


def invalid(message: str) -> UndeliverableError:
    return UndeliverableError(Reason.INVALID_TASK, message)
