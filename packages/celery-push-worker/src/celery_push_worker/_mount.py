"""One WSGI application in front of another: the worker at a path, the site elsewhere.

The worker stands before the site's middleware, so that the container's own host, which
the trigger calls, needs no place among the site's allowed hosts.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from celery import Celery


def mount(site: WSGIApplication, path: str, app: Celery) -> WSGIApplication:
    """Return an application that answers below the path by a worker.

    :param site: answers everything else.
    :param path: where the trigger POSTs, for example ``/worker/``.
    """
    from .worker import PushWorker

    prefix = "/" + path.strip("/")
    if prefix == "/":
        raise ValueError(f"'path' must be a path below the site's root (got {path!r})")
    return dispatch(site, prefix, PushWorker(app))


def dispatch(
    site: WSGIApplication, prefix: str, worker: Callable[..., Any]
) -> WSGIApplication:
    def application(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        rest = find_rest(environ.get("PATH_INFO", ""), prefix)
        if rest is None:
            return site(environ, start_response)
        script = environ.get("SCRIPT_NAME", "") + prefix
        mounted = {**environ, "SCRIPT_NAME": script, "PATH_INFO": rest}
        answer: Iterable[bytes] = worker(mounted, start_response)
        return answer

    return application


def find_rest(path: str, prefix: str) -> str | None:
    """Return what follows the prefix in a decoded path, None when the site has it."""
    clean = "/" + posixpath.normpath("/" + path).strip("/")
    if clean == prefix:
        return "/" if path.endswith("/") else ""
    return clean[len(prefix) :] if clean.startswith(prefix + "/") else None
