"""Starts gunicorn in the project's own Python environment, for the site or the worker.

All that an image needs is a ``python3``: no shell, no ``PATH`` to an environment, and
neither gunicorn nor this package among the project's requirements.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .exceptions import ConfigurationError

SERVERS = {
    "web": ["--config", "python:celery_push_worker.web"],
    "worker": [
        "--config",
        "python:celery_push_worker.gunicorn",
        "celery_push_worker.wsgi:application",
    ],
}

SWITCHED = "CELERY_PUSH_WORKER_SWITCHED"
"""Set for the chosen interpreter, so that it does not choose again."""

ENVIRONMENTS = (".venv", "venv", "/opt/venv", "/venv", "/app/.venv")


def launch(kind: str, application: str | None = None) -> None:
    """Replace this process by the server.

    :param kind: ``web`` or ``worker``.
    :param application: ``module:attribute`` of the site, instead of the guessed one.
    :raises ConfigurationError: Celery or gunicorn is missing or broken.
    """
    switch_to_project([kind, *([application] if application else [])])
    add_fallback()
    require_packages()
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", *SERVERS[kind], *([application] if application else [])]
    run()


def switch_to_project(arguments: list[str]) -> None:
    """Restart in the project's environment, unless this is its interpreter."""
    if os.environ.pop(SWITCHED, None) is not None:
        return
    python = find_python()
    if python is None:
        return
    os.environ[SWITCHED] = "1"
    command = [str(python), "-m", "celery_push_worker", *arguments]
    os.execv(command[0], command)  # noqa: S606  without a shell


def find_python() -> Path | None:
    named = os.environ.get("VIRTUAL_ENV")
    if named and not is_own(Path(named)):
        python = python_of(Path(named))
        if python is not None:
            return python
    if find_spec("celery") is not None:
        return None
    found = (python_of(place) for place in find_environments() if not is_own(place))
    return next((python for python in found if python is not None), None)


def find_environments() -> Iterator[Path]:
    uv = os.environ.get("UV_PROJECT_ENVIRONMENT")
    yield from (Path(name) for name in ([uv] if uv else []) + list(ENVIRONMENTS))
    cache = os.environ.get("POETRY_CACHE_DIR") or Path.home() / ".cache" / "pypoetry"
    yield from sorted(Path(cache).glob("virtualenvs/*"))


def python_of(environment: Path) -> Path | None:
    python = environment / "bin" / "python"
    # Not resolved: Python finds its environment by the path of the link.
    return python.absolute() if os.access(python, os.X_OK) else None


def is_own(environment: Path) -> bool:
    return environment.resolve() == Path(sys.prefix).resolve()


def add_fallback() -> None:
    """Make our gunicorn and boto3 importable for a project that has none."""
    folder = Path(__file__).parent.parent.parent / "fallback"
    # Never boto3 without botocore: their versions belong together.
    for name, modules in (("gunicorn", ["gunicorn"]), ("boto3", ["boto3", "botocore"])):
        path = folder / name
        is_new = path.is_dir() and str(path) not in sys.path
        if is_new and not any(map(find_spec, modules)):
            sys.path.append(str(path))


def require_packages() -> None:
    if find_spec("celery") is None:
        raise ConfigurationError(
            f"Celery is not installed for {sys.executable}, and no other Python "
            "environment was found. Set the project's in config.ts: env: "
            '{ VIRTUAL_ENV: "/path/to/it" }'
        )
    if find_spec("gunicorn") is None:
        raise ConfigurationError(
            "gunicorn is not installed. Add it to the project's requirements."
        )
    try:
        import gunicorn.app.wsgiapp  # noqa: F401
    except ImportError as exc:
        # gunicorn 20.1 needs pkg_resources, which setuptools 82 removed.
        raise ConfigurationError(
            f"gunicorn is installed for {sys.executable}, but cannot be imported: "
            f"{exc}. Install what it lacks, or a newer release: gunicorn>=22"
        ) from exc
