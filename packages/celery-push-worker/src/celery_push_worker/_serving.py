"""Shared by both gunicorn settings: the address, and the local cloud's token."""

from __future__ import annotations

import hmac
import inspect
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

WORKER_TMP_DIR = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
"""For gunicorn's heartbeat files: a container's disk may be read-only."""

TOKEN_HEADER = "x-local-cloud-token"  # noqa: S105  a name
FORBIDDEN = (
    b"This is a container's own port, which only the local cloud may call. "
    b"Use the address of the site.\n"
)
FORBIDDEN_HEADERS = [
    ("Content-Type", "text/plain"),
    ("Content-Length", str(len(FORBIDDEN))),
]


def get_address() -> str:
    """Return where to listen: the platform sets ``PORT``, the local cloud both."""
    host = os.environ.get("LISTEN_HOST", "0.0.0.0")  # noqa: S104  the platform's network
    return f"{host}:{os.environ.get('PORT', '8000')}"


def get_scheme() -> str:
    """Return the scheme of the browser's requests."""
    return os.environ.get("URL_SCHEME", "https")


def listen(server: Any) -> None:
    """Listen on ``PORT``, whatever gunicorn's settings, variables and arguments say.

    Call it in ``on_starting``, when gunicorn has read all of them.
    """
    wanted, address = list(server.cfg.bind), get_address()
    if wanted != [address]:
        server.cfg.set("bind", address)
        server.log.info("Listening on PORT instead of %s", ", ".join(wanted))


def require_token(worker: Any) -> None:
    """Reject requests without the local cloud's token, if it runs this process."""
    token = os.environ.pop("LOCAL_CLOUD_TOKEN", None)
    if token:
        guard = guard_asgi if is_asgi(worker) else guard_wsgi
        replace_app(worker, guard(get_app(worker), token))


def is_asgi(worker: Any) -> bool:
    app = get_app(worker)
    call = getattr(type(app), "__call__", None)  # noqa: B004  it is inspected
    return (
        hasattr(worker, "asgi")
        or inspect.iscoroutinefunction(app)
        or inspect.iscoroutinefunction(call)
    )


def get_app(worker: Any) -> Any:
    return worker.asgi if hasattr(worker, "asgi") else worker.wsgi


def replace_app(worker: Any, app: Any) -> None:
    setattr(worker, "asgi" if hasattr(worker, "asgi") else "wsgi", app)


def guard_wsgi(app: WSGIApplication, token: str) -> WSGIApplication:
    variable = "HTTP_" + TOKEN_HEADER.upper().replace("-", "_")

    def application(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if is_equal(environ.pop(variable, ""), token):
            return app(environ, start_response)
        start_response("403 Forbidden", FORBIDDEN_HEADERS.copy())
        return [FORBIDDEN]

    return application


def guard_asgi(app: Any, token: str) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        name = TOKEN_HEADER.encode()
        given = b"".join(value for key, value in scope["headers"] if key == name)
        if is_equal(given.decode("latin-1"), token):
            headers = [line for line in scope["headers"] if line[0] != name]
            await app({**scope, "headers": headers}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            headers = [
                (key.lower().encode(), value.encode())
                for key, value in FORBIDDEN_HEADERS
            ]
            start = {"type": "http.response.start", "status": 403, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": FORBIDDEN})

    return application


def is_equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
