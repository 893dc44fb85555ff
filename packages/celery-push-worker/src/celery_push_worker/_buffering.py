"""Gathers a site's response that has no length, and says which cannot be sent at all.

The platform rejects ``Transfer-Encoding``, with which a server sends whatever has no
``Content-Length``: a redirect of Django's, or a stream.
https://yandex.cloud/en/docs/serverless-containers/concepts/invoke
"""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ._platform import MAX_RESPONSE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_BYTES = 1024
"""Kept free for the header lines that the server adds."""

NO_CONTENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""Such a response has no body, and no length is missing."""

log = logging.getLogger("gunicorn.error")


class UnsendableError(Exception):
    """The platform would not pass the response on; the text says why."""


class Buffer:
    """What a site has sent so far.

    :param request: method and path, for messages.
    :param seconds: within which the response must be whole; 0 is no limit.
    """

    def __init__(self, request: str, seconds: float) -> None:
        self.request = request
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.chunks: list[bytes] = []
        self.room = MAX_RESPONSE_BYTES - SERVER_BYTES

    def reserve(self, headers: Iterable[tuple[Any, Any]]) -> None:
        self.room -= sum(len(name) + len(value) + 4 for name, value in headers)

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self.room -= len(chunk)
        self.check_length(0)
        if self.seconds and time.monotonic() > self.deadline:
            raise UnsendableError(
                f"{self.request} was still answering after {self.seconds:g} s. The "
                "platform passes on whole answers only: end the stream earlier, or "
                "make a task of it."
            )

    def check_length(self, length: int) -> None:
        if length > self.room:
            raise UnsendableError(
                f"{self.request} answered with more than 3.5 MB, which the platform "
                "does not pass on. Put what is large into a bucket, and redirect there."
            )

    def getvalue(self) -> bytes:
        return b"".join(self.chunks)


def report(reason: UnsendableError) -> bytes:
    """Log why a response is not sent, and return the body that is sent instead."""
    log.error("%s", reason)
    return f"{reason}\n".encode()


def find_length(headers: Iterable[tuple[Any, Any]], key: str | bytes) -> int | None:
    """Return what the header of this name says, in WSGI's text or ASGI's bytes."""
    for name, value in headers:
        if name.lower() == key and value.isascii() and value.isdigit():
            return int(value)
    return None
