"""Parses a trigger's event into deliveries of messages and runs of timers.

What a delivery's body means is left to ``_envelope.py``.
https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/ymq-trigger
https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeGuard

from .exceptions import RequestError

MAX_ID_LENGTH = 256
"""Characters of an id that is used; those in the documentation have 36."""

MAX_TIME_DIGITS = 15
"""Milliseconds until the year 33658."""

MAX_COUNT_DIGITS = 9
"""Of a number of deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message from the queue."""

    message_id: str
    """The queue's own id, the same at each delivery of this message."""
    body: str
    """What kombu sent, with or without the outer base64."""
    sent_at: float | None = None
    """Unix seconds at which the queue accepted the message, if the event says so."""
    receive_count: int | None = None
    """How often the queue has handed it out, this time included. No page promises it,
    real events have it."""
    queue: str | None = None
    """The cloud's name of the queue, if the event says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """One run of a timer."""

    message_id: str
    """The event's id, the same when the trigger retries."""
    payload: str
    """The text that the timer was created with."""
    fired_at: float | None = None
    """Unix seconds of that, in whole seconds, if the event says so."""


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
    return parse_delivery(details, metadata)


def parse_delivery(details: dict[str, Any], metadata: dict[str, Any]) -> Delivery:
    message = get_mapping(details, "message")
    attributes = get_mapping(message, "attributes")
    body = message.get("body")
    if not isinstance(body, str):
        raise RequestError(400, "A message of the event has no string 'body'")
    return Delivery(
        message_id=pick_id(message.get("message_id"), metadata, body),
        body=body,
        sent_at=parse_milliseconds(attributes.get("SentTimestamp")),
        receive_count=parse_digits(
            attributes.get("ApproximateReceiveCount"), MAX_COUNT_DIGITS
        ),
        queue=parse_queue(details.get("queue_id")),
    )


def parse_queue(arn: Any) -> str | None:
    """Return the name at the end of ``yrn:yc:ymq:<region>:<folder>:<name>``."""
    return arn.rpartition(":")[2] or None if isinstance(arn, str) else None


def parse_timer(payload: Any, metadata: dict[str, Any]) -> TimerFired:
    if not isinstance(payload, str):
        raise RequestError(400, "A timer's 'payload' is not a string")
    return TimerFired(
        message_id=pick_id(None, metadata, payload),
        payload=payload,
        fired_at=parse_time(metadata.get("created_at")),
    )


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


def parse_time(value: Any) -> float | None:
    """Return the Unix seconds of ``2026-01-05T12:00:00.227761Z``."""
    try:
        moment = datetime.strptime(str(value)[:19] + "Z", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return moment.timestamp() if str(value).endswith("Z") else None


def parse_milliseconds(value: Any) -> float | None:
    milliseconds = parse_digits(value, MAX_TIME_DIGITS)
    return None if milliseconds is None else milliseconds / 1000


def parse_digits(value: Any, most: int) -> int | None:
    text = str(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= most
    return int(text) if is_number else None
