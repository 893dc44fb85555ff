"""Gunicorn's settings for a site: ``-c python:celery_push_worker.web``.

They include the project's own ``gunicorn.conf.py``, and add what the platform requires:
the site listens on ``PORT``, knows that the browser uses https, and each of its
responses has a length.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ._buffering_asgi import buffer_asgi
from ._buffering_wsgi import buffer_wsgi
from ._serving import (
    WORKER_TMP_DIR,
    get_address,
    get_app,
    get_scheme,
    is_asgi,
    listen,
    replace_app,
    require_token,
)
from ._site_errors import log_errors
from .exceptions import ConfigurationError

PROJECTS_OWN = "gunicorn.conf.py"


def read_own(file: Path) -> dict[str, Any]:
    """Return the settings in a gunicorn configuration file."""
    from gunicorn.config import KNOWN_SETTINGS

    spec = spec_from_file_location("__config__", file)
    if spec is None or spec.loader is None or not file.exists():
        return {}
    module = module_from_spec(spec)
    sys.modules["__config__"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        frames = traceback.extract_tb(exc.__traceback__)
        places = (frame.lineno for frame in frames if frame.filename == str(file))
        line = exc.lineno if isinstance(exc, SyntaxError) else next(places, None)
        raise ConfigurationError(
            f"{file}, line {line}: {type(exc).__name__}: {exc}"
        ) from exc
    names = {setting.name for setting in KNOWN_SETTINGS}
    return {name: value for name, value in vars(module).items() if name in names}


own = read_own(Path.cwd() / PROJECTS_OWN)

# Defaults, which the project may change.
control_socket_disable = True
worker_tmp_dir = WORKER_TMP_DIR
wsgi_app = (
    "celery_push_worker.site:asgi_application"
    if re.search(r"uvicorn|asgi", str(own.get("worker_class", "")))
    else "celery_push_worker.site:application"
)
globals().update(own)

# Not to be changed: no request would arrive, or the container would exit at once.
bind = get_address()
daemon = False


def on_starting(server: Any) -> None:
    """Overrule the command line and variables, too."""
    listen(server)
    limit_processes(server)
    call_own("on_starting", server)


def post_worker_init(worker: Any) -> None:
    """Wrap the site, which is loaded now."""
    load_urls()
    log_errors()
    # Any, because a server of either kind has an application of that kind.
    buffer: Any = buffer_asgi if is_asgi(worker) else buffer_wsgi
    options = {"scheme": get_scheme(), "seconds": worker.cfg.timeout}
    replace_app(worker, buffer(get_app(worker), **options))
    require_token(worker)
    call_own("post_worker_init", worker)


def load_urls() -> None:
    """Import the URLs now, which Django would do at the first request: errors show."""
    if "django.core.handlers.base" not in sys.modules:
        return
    from django.conf import settings
    from django.urls import get_resolver

    if hasattr(settings, "ROOT_URLCONF"):
        _ = get_resolver().url_patterns


def limit_processes(server: Any) -> None:
    """Start at most as many processes as the container gets concurrent requests.

    A configuration that counts the machine's processors would exhaust its memory.
    """
    found = re.search(r"--threads=(\d+)", os.environ.get("GUNICORN_CMD_ARGS", ""))
    most = int(found[1]) if found else server.cfg.workers
    if server.cfg.workers > most:
        server.log.info("Starting %d processes instead of %d", most, server.cfg.workers)
        server.cfg.set("workers", most)
        server.num_workers = most


def call_own(hook: str, argument: Any) -> None:
    if hook in own:
        own[hook](argument)
