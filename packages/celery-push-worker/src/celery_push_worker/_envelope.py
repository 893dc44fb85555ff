"""Parses the envelope that kombu's transport puts around a task's message.

Kombu's virtual transports put body, headers and properties into one JSON object, and
its SQS transport encodes that in base64 unless ``sqs_base64_encoding`` is off.
https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.virtual.html
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from .exceptions import Reason, UndeliverableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Kombu's JSON object around a message."""

    content: bytes
    """The serialized and perhaps compressed arguments."""
    content_type: str | None
    content_encoding: str | None
    headers: dict[str, Any]
    properties: dict[str, Any]

    @property
    def delivery_info(self) -> dict[str, Any]:
        info = self.properties.get("delivery_info")
        return info if isinstance(info, dict) else {}


def parse_envelope(body: str) -> Envelope:
    """Return the envelope, with or without base64 around it.

    :raises UndeliverableError: with ``BAD_ENVELOPE``.
    """
    wrapped = load_json(body if body.lstrip().startswith("{") else unwrap(body))
    headers, properties = wrapped.get("headers"), wrapped.get("properties")
    if not isinstance(headers, dict) or not isinstance(properties, dict):
        raise bad_envelope("has no headers or no properties")
    return Envelope(
        content=decode_content(wrapped.get("body"), properties.get("body_encoding")),
        content_type=check_text(wrapped, "content-type"),
        content_encoding=check_text(wrapped, "content-encoding"),
        headers=headers,
        properties=properties,
    )


def unwrap(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise bad_envelope("is neither JSON nor base64") from exc


def load_json(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise bad_envelope("is not JSON") from exc
    if not isinstance(value, dict):
        raise bad_envelope("is not an object")
    return value


def decode_content(content: Any, encoding: Any) -> bytes:
    if not isinstance(content, str):
        raise bad_envelope("has no string 'body'")
    try:
        if encoding == "base64":
            return base64.b64decode(content)
        return content.encode()
    except ValueError as exc:
        raise bad_envelope(
            "has a 'body' that does not match its 'body_encoding'"
        ) from exc


def check_text(envelope: dict[str, Any], key: str) -> str | None:
    value = envelope.get(key)
    if value is not None and not isinstance(value, str):
        raise bad_envelope(f"has a '{key}' that is not a string")
    return value


def bad_envelope(what: str) -> UndeliverableError:
    return UndeliverableError(Reason.BAD_ENVELOPE, f"The envelope {what}")
