"""Mounts the worker at a path, in front of a WSGI site.

Requests to it bypass the site's middleware, so the container's own host, which the
trigger calls, need not be among the site's ``ALLOWED_HOSTS``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from celery import Celery


def mount(site: WSGIApplication, path: str, app: Celery) -> WSGIApplication:
    """Return a WSGI application with the worker mounted at a path of the site.

    :param site: handles all other requests.
    :param path: where the trigger POSTs, for example ``/worker/``.
    :param app: the Celery app whose tasks are executed.
    :raises ValueError: the path is the site's root.
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
    """Return what follows the prefix in a decoded path, None if it is the site's."""
    clean = "/" + posixpath.normpath("/" + path).strip("/")
    if clean == prefix:
        return "/" if path.endswith("/") else ""
    return clean[len(prefix) :] if clean.startswith(prefix + "/") else None
