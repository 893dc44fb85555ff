"""Buffers the responses of a WSGI site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ._buffering import NO_CONTENT, Buffer, UnsendableError, find_length, report

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def buffer_wsgi(
    site: WSGIApplication, *, scheme: str, seconds: float
) -> WSGIApplication:
    """Return the site, buffered so that each response has a length.

    :param scheme: of the browser's requests; the platform terminates TLS.
    :param seconds: time limit for a stream; 0 means none.
    """

    def application(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = scheme
        response = WsgiResponse(environ, start_response, seconds)
        try:
            return response.run(site(environ, response.start))
        except UnsendableError as reason:
            return response.replace(report(reason))

    return application


class WsgiResponse:
    """A response that is passed to the server once it is complete."""

    def __init__(
        self, environ: WSGIEnvironment, start_response: StartResponse, seconds: float
    ) -> None:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        self.is_head = method == "HEAD"
        self.start_response = start_response
        self.buffer = Buffer(f"{method} {path}", seconds)
        self.started: tuple[Any, ...] | None = None
        self.is_sent = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if self.is_sent:
            return self.start_response(status, headers, exc_info)
        if self.started and not exc_info:
            raise AssertionError("start_response was called twice")
        self.started = (status, headers, exc_info)
        return self.buffer.write

    def run(self, result: Iterable[bytes]) -> Iterable[bytes]:
        try:
            if self.started and not self.buffer.chunks and self.is_complete():
                return self.pass_on(result)
            for chunk in result:
                self.buffer.write(chunk)
        except BaseException:
            close(result)
            raise
        close(result)
        return self.finish()

    def is_complete(self) -> bool:
        return self.has_no_content() or self.get_length() is not None

    def has_no_content(self) -> bool:
        status, _, _ = self.get_start()
        return int(status.split(" ", 1)[0]) in NO_CONTENT

    def get_length(self) -> int | None:
        return find_length(self.get_start()[1], "content-length")

    def get_start(self) -> tuple[Any, ...]:
        if self.started is None:
            raise AssertionError("start_response was not called")
        return self.started

    def pass_on(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Leave a file to the server, which may send it without copying."""
        self.send()
        return Discarded(result) if self.is_head or self.has_no_content() else result

    def finish(self) -> Iterable[bytes]:
        body = self.buffer.getvalue()
        if not self.is_complete():
            self.get_start()[1].append(("Content-Length", str(len(body))))
        self.send()
        return [] if self.is_head or self.has_no_content() else [body]

    def send(self) -> None:
        status, headers, exc_info = self.get_start()
        if not self.is_head:
            self.buffer.reserve(headers)
            unread = 0 if self.buffer.chunks else self.get_length()
            self.buffer.check_length(unread or 0)
        self.is_sent = True
        self.start_response(status, headers, exc_info)

    def replace(self, body: bytes) -> Iterable[bytes]:
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ]
        self.is_sent = True
        self.start_response("502 Bad Gateway", headers)
        return [] if self.is_head else [body]


class Discarded:
    """An empty body that closes the site's own when the server is done."""

    def __init__(self, result: Iterable[bytes]) -> None:
        self.result = result

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        close(self.result)


def close(result: Any) -> None:
    if hasattr(result, "close"):
        result.close()
