"""Starts gunicorn in the project's own Python, for a site or for the worker.

Nothing of the image is asked for but some ``python3``: no shell, no path to an
environment, and neither gunicorn nor this package among the project's requirements.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {
    "web": ["--config", "python:celery_push_worker.web"],
    "worker": [
        "--config",
        "python:celery_push_worker.gunicorn",
        "celery_push_worker.wsgi:application",
    ],
}

SWITCHED = "CELERY_PUSH_WORKER_SWITCHED"
"""Set for the interpreter that was chosen, so that it does not choose again."""

ENVIRONMENTS = (".venv", "venv", "/opt/venv", "/venv", "/app/.venv")


def launch(kind: str, application: str | None = None) -> None:
    """Become the server; does not return unless it cannot.

    :param application: ``module:attribute``, in place of the one that is guessed.
    """
    switch_to_project([kind, *([application] if application else [])])
    add_fallback()
    refuse_missing()
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", *SERVERS[kind], *([application] if application else [])]
    run()


def switch_to_project(arguments: list[str]) -> None:
    """Go on in the project's environment, where this interpreter is not of it."""
    if os.environ.pop(SWITCHED, None) is not None:
        return
    python = find_python()
    if python is None:
        return
    os.environ[SWITCHED] = "1"
    command = [str(python), "-m", "celery_push_worker", *arguments]
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


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
    # Not resolved: by the link it knows that it belongs to an environment.
    return python.absolute() if os.access(python, os.X_OK) else None


def is_own(environment: Path) -> bool:
    return environment.resolve() == Path(sys.prefix).resolve()


def add_fallback() -> None:
    """Offer gunicorn and boto3 to a project that has none. Its own are found first."""
    folder = Path(__file__).parent.parent.parent / "fallback"
    if find_spec("gunicorn") is None:
        append(folder / "gunicorn")
    # Never one without the other: they go together by their versions.
    if find_spec("boto3") is None and find_spec("botocore") is None:
        append(folder / "boto3")


def append(folder: Path) -> None:
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))


def refuse_missing() -> None:
    if find_spec("celery") is None:
        raise ConfigurationError(
            f"Celery is not installed for {sys.executable}, and no other environment "
            "of Python was found. Say where the project's is in config.ts: env: "
            '{ VIRTUAL_ENV: "/path/to/it" }'
        )
    if find_spec("gunicorn") is None:
        raise ConfigurationError(
            "gunicorn is not installed. Add it to the project's requirements."
        )
