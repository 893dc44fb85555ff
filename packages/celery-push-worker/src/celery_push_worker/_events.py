"""Parses a trigger's event into deliveries of messages and runs of timers.

What a delivery's body means is left to ``_envelope.py``.
https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/ymq-trigger
https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeGuard

from .exceptions import RequestError

MAX_ID_LENGTH = 256
"""Characters of an id that is used; those in the documentation have 36."""

MAX_TIME_DIGITS = 15
"""Milliseconds until the year 33658."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message from the queue."""

    message_id: str
    """The queue's own id, the same at each delivery of this message."""
    body: str
    """What kombu sent, with or without the outer base64."""
    sent_at: float | None = None
    """Unix seconds at which the queue accepted the message, if the event says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """One run of a timer."""

    message_id: str
    """The event's id, the same when the trigger retries."""
    payload: str
    """The text that the timer was created with."""


Event = Delivery | TimerFired


def parse_event(raw: bytes) -> list[Event]:
    """Return what the event carries, in its order: one or more.

    :raises RequestError: with 400: the body is not an event of a trigger.
    """
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise RequestError(400, "The request body is not JSON") from exc
    messages = event.get("messages") if isinstance(event, dict) else None
    if not isinstance(messages, list) or not messages:
        raise RequestError(400, "The event has no list 'messages'")
    return [parse_message(message) for message in messages]


def parse_message(message: Any) -> Event:
    details = get_mapping(message, "details")
    metadata = get_mapping(message, "event_metadata")
    if "payload" in details and "message" not in details:
        return parse_timer(details["payload"], metadata)
    return parse_delivery(get_mapping(details, "message"), metadata)


def parse_delivery(message: dict[str, Any], metadata: dict[str, Any]) -> Delivery:
    body = message.get("body")
    if not isinstance(body, str):
        raise RequestError(400, "A message of the event has no string 'body'")
    return Delivery(
        message_id=pick_id(message.get("message_id"), metadata, body),
        body=body,
        sent_at=parse_milliseconds(
            get_mapping(message, "attributes").get("SentTimestamp")
        ),
    )


def parse_timer(payload: Any, metadata: dict[str, Any]) -> TimerFired:
    if not isinstance(payload, str):
        raise RequestError(400, "A timer's 'payload' is not a string")
    return TimerFired(message_id=pick_id(None, metadata, payload), payload=payload)


def pick_id(message_id: Any, metadata: dict[str, Any], body: str) -> str:
    for candidate in (message_id, metadata.get("event_id")):
        if is_id(candidate) and len(candidate) <= MAX_ID_LENGTH:
            return candidate
    return sha256(body.encode(errors="surrogatepass")).hexdigest()


def is_id(value: Any) -> TypeGuard[str]:
    """Return whether a result store can use the value as a key."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def get_mapping(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def parse_milliseconds(value: Any) -> float | None:
    text = str(value)
    is_time = text.isascii() and text.isdigit() and len(text) <= MAX_TIME_DIGITS
    return int(text) / 1000 if is_time else None
