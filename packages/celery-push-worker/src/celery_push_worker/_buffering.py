"""Makes answers of a site that the platform passes on: with a length, not in pieces.

The platform refuses ``Transfer-Encoding``, with which a server sends whatever has no
``Content-Length``: a redirect of Django's, or a stream. Each is gathered here first.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    AsgiMessage = dict[str, Any]
    AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
    AsgiApplication = Callable[[Any, Any, AsgiSend], Awaitable[None]]

__all__ = ["MAX_BYTES", "complete_asgi", "complete_wsgi"]

MAX_BYTES = 3_670_016
"""The platform passes 3.5 MB, headers included."""

SERVER_BYTES = 1024
"""Kept free for the header lines that the server adds."""

NO_CONTENT = frozenset({204, 304})
"""Such an answer has no body, and no length is missing."""

log = logging.getLogger("gunicorn.error")


class UnansweredError(Exception):
    """The platform would not pass the answer on; the text says why."""


class Body:
    """What a site has answered so far.

    :param request: method and path, for messages.
    :param seconds: within which it must be whole; 0 is no limit.
    """

    def __init__(self, request: str, seconds: float) -> None:
        self.request = request
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.chunks: list[bytes] = []
        self.room = MAX_BYTES - SERVER_BYTES

    def reserve(self, headers: Iterable[tuple[Any, Any]]) -> None:
        self.room -= sum(len(name) + len(value) + 4 for name, value in headers)

    def take(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self.room -= len(chunk)
        self.refuse_length(0)
        if self.seconds and time.monotonic() > self.end:
            raise UnansweredError(
                f"{self.request} was still answering after {self.seconds:g} s. The "
                "platform passes on whole answers only: end the stream earlier, or "
                "make a task of it."
            )

    def refuse_length(self, length: int) -> None:
        if length > self.room:
            raise UnansweredError(
                f"{self.request} answered with more than 3.5 MB, which the platform "
                "does not pass on. Put what is large into a bucket, and redirect there."
            )

    def join(self) -> bytes:
        return b"".join(self.chunks)


def refuse(reason: UnansweredError) -> bytes:
    log.error("%s", reason)
    return f"{reason}\n".encode()


def complete_wsgi(
    site: WSGIApplication, *, scheme: str, seconds: float = 0
) -> WSGIApplication:
    """Return the site with complete answers.

    :param scheme: of the browser's requests; the platform ends TLS and does not say so.
    :param seconds: within which a stream must end; 0 is no limit.
    """

    def application(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = scheme
        answer = WsgiAnswer(environ, start_response, seconds)
        try:
            return answer.give(site(environ, answer.start))
        except UnansweredError as reason:
            return answer.replace(refuse(reason))

    return application


class WsgiAnswer:
    """An answer that the site begins and that the server gets when it is complete."""

    def __init__(
        self, environ: WSGIEnvironment, start_response: StartResponse, seconds: float
    ) -> None:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        self.is_head = method == "HEAD"
        self.start_response = start_response
        self.body = Body(f"{method} {path}", seconds)
        self.begin: tuple[Any, ...] | None = None
        self.is_given = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if self.is_given:
            return self.start_response(status, headers, exc_info)
        if self.begin and not exc_info:
            raise AssertionError("start_response was called twice")
        self.begin = (status, headers, exc_info)
        return self.body.take

    def give(self, result: Iterable[bytes]) -> Iterable[bytes]:
        try:
            if self.begin and not self.body.chunks and self.is_complete():
                return self.pass_on(result)
            for chunk in result:
                self.body.take(chunk)
        except BaseException:
            close(result)
            raise
        close(result)
        return self.finish()

    def is_complete(self) -> bool:
        return self.has_no_content() or self.length() is not None

    def has_no_content(self) -> bool:
        status, _, _ = self.begun()
        return int(status.split(" ", 1)[0]) in NO_CONTENT

    def length(self) -> int | None:
        _, headers, _ = self.begun()
        for name, value in headers:
            if name.lower() == "content-length" and value.isdecimal():
                return int(value)
        return None

    def begun(self) -> tuple[Any, ...]:
        if self.begin is None:
            raise AssertionError("start_response was not called")
        return self.begin

    def pass_on(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Leave a file to the server, which knows quicker ways to send one."""
        self.send()
        return Unsent(result) if self.is_head or self.has_no_content() else result

    def finish(self) -> Iterable[bytes]:
        body = self.body.join()
        if not self.is_complete():
            self.begun()[1].append(("Content-Length", str(len(body))))
        self.send()
        return [] if self.is_head or self.has_no_content() else [body]

    def send(self) -> None:
        status, headers, exc_info = self.begun()
        if not self.is_head:
            self.body.reserve(headers)
            self.body.refuse_length(0 if self.body.chunks else self.length() or 0)
        self.is_given = True
        self.start_response(status, headers, exc_info)

    def replace(self, body: bytes) -> Iterable[bytes]:
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ]
        self.is_given = True
        self.start_response("502 Bad Gateway", headers)
        return [] if self.is_head else [body]


class Unsent:
    """The body of an answer that has none, closed when the server is done."""

    def __init__(self, result: Iterable[bytes]) -> None:
        self.result = result

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        close(self.result)


def close(result: Any) -> None:
    if hasattr(result, "close"):
        result.close()


def complete_asgi(
    site: AsgiApplication, *, scheme: str, seconds: float = 0
) -> AsgiApplication:
    """Return the site with complete answers; as :func:`complete_wsgi`."""

    async def application(scope: Any, receive: Any, send: AsgiSend) -> None:
        if scope["type"] != "http":
            await site(scope, receive, send)
            return
        answer = AsgiAnswer(scope, send, seconds)
        try:
            await site({**scope, "scheme": scheme}, receive, answer.send)
        except Exception:
            # What a site makes of the error by which its stream is ended.
            if answer.is_replaced:
                return
            await answer.fail()
            raise
        await answer.fail()

    return application


class AsgiAnswer:
    """The same for a site that sends messages."""

    def __init__(self, scope: Any, send: AsgiSend, seconds: float) -> None:
        self.is_head = scope["method"] == "HEAD"
        self.send_on = send
        self.body = Body(f"{scope['method']} {scope['path']}", seconds)
        self.begin: AsgiMessage | None = None
        self.is_given = False
        self.is_replaced = False

    async def send(self, message: AsgiMessage) -> None:
        try:
            await self.take(message)
        except UnansweredError as reason:
            if not self.is_replaced:
                self.is_replaced = True
                await self.replace(502, refuse(reason))
            # Otherwise an endless stream would run on, unread.
            raise

    async def take(self, message: AsgiMessage) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            await self.start(message)
        elif kind == "http.response.body" and not self.is_given:
            self.body.take(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                await self.finish()
        elif kind == "http.response.body" and self.is_head:
            await self.send_on({**message, "body": b""})
        else:
            await self.send_on(message)

    async def start(self, message: AsgiMessage) -> None:
        self.begin = {**message, "headers": list(message.get("headers", ()))}
        self.body.reserve(self.begin["headers"])
        length = find_length(self.begin["headers"])
        if length is not None or message["status"] in NO_CONTENT:
            if not self.is_head:
                self.body.refuse_length(length or 0)
            self.is_given = True
            await self.send_on(self.begin)

    async def finish(self) -> None:
        if self.begin is None:
            raise AssertionError("http.response.start was not sent")
        body = self.body.join()
        self.begin["headers"].append((b"content-length", str(len(body)).encode()))
        self.is_given = True
        await self.send_on(self.begin)
        content = b"" if self.is_head else body
        await self.send_on({"type": "http.response.body", "body": content})

    async def fail(self) -> None:
        """Answer in the server's place, which would do so in pieces."""
        if not self.is_given:
            await self.replace(500, b"Internal Server Error\n")

    async def replace(self, status: int, body: bytes) -> None:
        self.is_given = True
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send_on(start)
        content = b"" if self.is_head else body
        await self.send_on({"type": "http.response.body", "body": content})


def find_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None
