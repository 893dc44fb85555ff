"""Reads a trigger's request from a WSGI environment, and rejects any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._platform import CONTAINER_HOSTS, GATEWAY_HEADERS, GATEWAY_HOSTS
from ._settings import STALL_SECONDS
from .exceptions import RequestError

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

OWN_HOSTS = (*CONTAINER_HOSTS, "localhost", "127.0.0.1", "[::1]", "*")
"""Hosts that do not indicate the gateway, even if the site allows them."""

MAX_LENGTH_DIGITS = 15
"""Of a ``Content-Length`` that is read."""

MAX_REQUEST_ID_CHARACTERS = 128
"""Of a request's id in the log."""


def reject_gateway(environ: WSGIEnvironment, public_hosts: Sequence[str]) -> None:
    """Reject a request that came through the public gateway.

    :raises RequestError: with 403.
    """
    host = str(environ.get("HTTP_HOST", "")).lower()
    host = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    public = [h for h in public_hosts if not matches(h.lstrip("."), OWN_HOSTS)]
    if any(header in environ for header in GATEWAY_HEADERS) or matches(
        host.rstrip("."), (*GATEWAY_HOSTS, *public)
    ):
        raise RequestError(403, "The worker is not public")


def matches(host: str, patterns: Sequence[str]) -> bool:
    return any(
        host == pattern.lstrip(".") or (pattern[:1] == "." and host.endswith(pattern))
        for pattern in patterns
    )


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Return the request's body.

    :param limit: in bytes.
    :raises RequestError: it is too long, truncated, late, or has no length.
    """
    length = read_length(environ)
    if length is None and not environ.get("wsgi.input_terminated"):
        raise RequestError(411, "The request has no Content-Length")
    if (length or 0) > limit:
        raise RequestError(413, f"The request body has more than {limit} bytes")
    body = read_bytes(environ, limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestError(413, f"The request body has more than {limit} bytes")
    if length is not None and len(body) != length:
        raise RequestError(
            400, f"The request body is truncated: {len(body)} of {length} bytes"
        )
    return body


def read_bytes(environ: WSGIEnvironment, size: int) -> bytes:
    """Read this many bytes; give up after a minute without any."""
    connection = environ.get("gunicorn.socket")
    if connection:
        connection.settimeout(STALL_SECONDS)
    try:
        body: bytes = environ["wsgi.input"].read(size)
    except TimeoutError as exc:
        raise RequestError(408, "The request body does not arrive") from exc
    except Exception as exc:
        # Each server has its own error for an invalid chunk.
        raise RequestError(400, f"The request body cannot be read: {exc}") from exc
    return body


def read_length(environ: WSGIEnvironment) -> int | None:
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS):
        raise RequestError(400, "Content-Length is not a number of bytes")
    return int(text)


def read_request_id(environ: WSGIEnvironment) -> str | None:
    value: str | None = environ.get("HTTP_X_REQUEST_ID")
    return value[:MAX_REQUEST_ID_CHARACTERS] if value else None
