"""Buffers the responses of an ASGI site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ._buffering import NO_CONTENT, Buffer, UnsendableError, find_length, report

if TYPE_CHECKING:
    AsgiMessage = dict[str, Any]
    AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
    AsgiApplication = Callable[[Any, Any, AsgiSend], Awaitable[None]]


def buffer_asgi(
    site: AsgiApplication, *, scheme: str, seconds: float
) -> AsgiApplication:
    """Return the site, buffered so that each response has a length.

    :param scheme: of the browser's requests; the platform terminates TLS.
    :param seconds: time limit for a stream; 0 means none.
    """

    async def application(scope: Any, receive: Any, send: AsgiSend) -> None:
        if scope["type"] != "http":
            await site(scope, receive, send)
            return
        response = AsgiResponse(scope, send, seconds)
        try:
            await site({**scope, "scheme": scheme}, receive, response.send)
        except Exception:
            # Whatever the site turned the error into that ended its stream.
            if response.is_replaced:
                return
            await response.fail()
            raise
        await response.fail()

    return application


class AsgiResponse:
    """A response whose messages are passed to the server once it is complete."""

    def __init__(self, scope: Any, send: AsgiSend, seconds: float) -> None:
        self.is_head = scope["method"] == "HEAD"
        self.send_on = send
        self.buffer = Buffer(f"{scope['method']} {scope['path']}", seconds)
        self.started: AsgiMessage | None = None
        self.is_sent = False
        self.is_replaced = False

    async def send(self, message: AsgiMessage) -> None:
        try:
            await self.take(message)
        except UnsendableError as reason:
            if not self.is_replaced:
                self.is_replaced = True
                await self.replace(502, report(reason))
            # Otherwise an endless stream would go on.
            raise

    async def take(self, message: AsgiMessage) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            await self.start(message)
        elif kind == "http.response.body" and not self.is_sent:
            self.buffer.write(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                await self.finish()
        elif kind == "http.response.body" and self.is_head:
            await self.send_on({**message, "body": b""})
        else:
            await self.send_on(message)

    async def start(self, message: AsgiMessage) -> None:
        self.started = {**message, "headers": list(message.get("headers", ()))}
        self.buffer.reserve(self.started["headers"])
        length = find_length(self.started["headers"], b"content-length")
        if length is not None or message["status"] in NO_CONTENT:
            if not self.is_head:
                self.buffer.check_length(length or 0)
            self.is_sent = True
            await self.send_on(self.started)

    async def finish(self) -> None:
        if self.started is None:
            raise AssertionError("http.response.start was not sent")
        await self.send_whole(self.started, self.buffer.getvalue())

    async def fail(self) -> None:
        """Respond before the server does so, without a length."""
        if not self.is_sent:
            await self.replace(500, b"Internal Server Error\n")

    async def replace(self, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send_whole(start, body)

    async def send_whole(self, start: AsgiMessage, body: bytes) -> None:
        self.is_sent = True
        start["headers"].append((b"content-length", str(len(body)).encode()))
        await self.send_on(start)
        content = b"" if self.is_head else body
        await self.send_on({"type": "http.response.body", "body": content})
