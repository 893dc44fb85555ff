"""Settings for the gunicorn of a site: ``gunicorn -c python:celery_push_worker.web …``.

They stand in front of the project's own ``gunicorn.conf.py``, which is read all the
same, and see to what the platform asks of a container: it listens on ``PORT``, is told
that the browser speaks https, and answers whole, with a length.
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
from .exceptions import ConfigurationError

PROJECTS_OWN = "gunicorn.conf.py"


def read_own(file: Path) -> dict[str, Any]:
    """Return what a file of gunicorn's sets, run as gunicorn runs it."""
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

# What the project may change.
control_socket_disable = True
worker_tmp_dir = WORKER_TMP_DIR
wsgi_app = (
    "celery_push_worker.site:asgi_application"
    if re.search(r"uvicorn|asgi", str(own.get("worker_class", "")))
    else "celery_push_worker.site:application"
)
globals().update(own)

# What it may not: no request would arrive, or the container would end at once.
bind = get_address()
daemon = False


def on_starting(server: Any) -> None:
    """Overrule what command line and variables say, too."""
    listen(server)
    limit_processes(server)
    call_own("on_starting", server)


def post_worker_init(worker: Any) -> None:
    """Stand in front of the site, which is loaded now."""
    load_urls()
    # Looked up with the class: each kind of server has an application of its own kind.
    buffer: Any = buffer_asgi if is_asgi(worker) else buffer_wsgi
    options = {"scheme": get_scheme(), "seconds": worker.cfg.timeout}
    replace_app(worker, buffer(get_app(worker), **options))
    require_token(worker)
    call_own("post_worker_init", worker)


def load_urls() -> None:
    """Import what Django leaves to the first request: who cannot is not ready."""
    if "django.core.handlers.base" not in sys.modules:
        return
    from django.conf import settings
    from django.urls import get_resolver

    if hasattr(settings, "ROOT_URLCONF"):
        _ = get_resolver().url_patterns


def limit_processes(server: Any) -> None:
    """Start no more processes than the container gets requests at once.

    A file that counts the machine's processors would fill the container's memory.
    """
    found = re.search(r"--threads=(\d+)", os.environ.get("GUNICORN_CMD_ARGS", ""))
    most = int(found[1]) if found else server.cfg.workers
    if server.cfg.workers > most:
        server.log.info("%d processes, not %d", most, server.cfg.workers)
        server.cfg.set("workers", most)
        server.num_workers = most


def call_own(hook: str, argument: Any) -> None:
    if hook in own:
        own[hook](argument)
