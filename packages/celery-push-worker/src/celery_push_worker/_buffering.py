"""Buffers a site's responses that have no ``Content-Length``.

A server sends those, for example a redirect of Django's or a stream, with
``Transfer-Encoding``, which the platform rejects.
https://yandex.cloud/en/docs/serverless-containers/concepts/invoke
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from ._platform import MAX_RESPONSE_BYTES

SERVER_BYTES = 1024
"""Reserved for the header lines that the server adds."""

NO_CONTENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""Responses without a body, which need no length."""

log = logging.getLogger("gunicorn.error")


class UnsendableError(Exception):
    """The platform would reject the response; the text says why."""


class Buffer:
    """The body that a site has sent so far.

    :param request: method and path, for messages.
    :param seconds: time limit for the whole response; 0 means none.
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
                "platform only accepts complete responses: end the stream earlier, "
                "or make it a task."
            )

    def check_length(self, length: int) -> None:
        if length > self.room:
            raise UnsendableError(
                f"{self.request} answered with more than 3.5 MB, the platform's limit. "
                "Put large files into a bucket, and redirect to them."
            )

    def getvalue(self) -> bytes:
        return b"".join(self.chunks)


def report(reason: UnsendableError) -> bytes:
    """Log why a response is not sent, and return the body that is sent instead."""
    log.error("%s", reason)
    return f"{reason}\n".encode()


def find_length(headers: Iterable[tuple[Any, Any]], key: str | bytes) -> int | None:
    """Return the value of a length header, from WSGI's strings or ASGI's bytes."""
    for name, value in headers:
        if name.lower() == key and value.isascii() and value.isdigit():
            return int(value)
    return None
