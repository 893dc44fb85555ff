"""Reads the worker's ``push_worker_*`` settings, and finds the project's Celery app."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ._platform import MAX_MESSAGE_BYTES, MAX_REQUEST_BYTES
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from celery import Celery

PREFIX = "push_worker_"

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

STALL_SECONDS = 60
"""How long a request may be silent: a process handles one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings, each read from ``app.conf`` as ``push_worker_<name>``.

    ``push_worker_max_message_bytes`` is read when a task is published.
    """

    deduplicate: bool = True
    """Acknowledge a message whose task has already succeeded, without running it."""
    max_body_bytes: int = MAX_REQUEST_BYTES
    """Largest request that is read, in bytes."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """Largest message to publish, in bytes, as it is in the queue."""
    public_hosts: tuple[str, ...] = ()
    """Hosts of the public gateway, whose requests are rejected; ``.x.com`` matches
    subdomains. Default: ``ALLOWED_HOSTS`` of the environment."""
    idle_seconds: float = 30.0
    """Seconds of idleness after which connections are considered lost."""
    grace_seconds: float = 5.0
    """Seconds that a task gets to stop after its hard time limit."""
    json_logs: bool = True
    """Whether to log one JSON object per line to standard output."""
    log_level: str = "INFO"
    """Lowest level that is logged."""
    log_arguments: bool = False
    """Whether each message's line has the task's arguments, which may be private."""


def load_settings(app: Celery) -> None:
    """Load the project's settings now, and let their errors through.

    Celery loads them at the first access, and mistakes a ``KeyError`` in them for its
    own: the accessed setting seems to be missing.
    """
    len(app.conf)


def read_settings(app: Celery) -> Settings:
    """Return the app's settings.

    :raises ConfigurationError: names every setting that has the wrong type.
    """
    values: dict[str, Any] = {"public_hosts": read_allowed_hosts()}
    problems = []
    for field in fields(Settings):
        value = app.conf.get(PREFIX + field.name)
        if value is None:
            continue
        values[field.name] = tuple(value) if isinstance(value, list) else value
        if not has_type_of(values[field.name], field.default):
            kind = type(field.default).__name__
            problems.append(f"'{PREFIX}{field.name}' must be {kind} (got {value!r})")
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Settings(**values)


def has_type_of(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, str):
        return value in LOG_LEVELS
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and value > 0
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def read_allowed_hosts() -> tuple[str, ...]:
    # The site's hosts are those of the gateway.
    hosts = os.environ.get("ALLOWED_HOSTS", "").split(",")
    return tuple(host.strip().lower() for host in hosts if host.strip())


def try_find_app() -> Celery | None:
    """Return the project's app, or None if there is none or it cannot be loaded.

    What is wrong with it is reported when a worker starts.
    """
    if "CELERY_APP" in os.environ:
        with suppress(Exception):
            return find_app()
        return None
    from celery import current_app

    proxy: Any = current_app
    app: Celery = proxy._get_current_object()  # noqa: SLF001  unwraps it
    # Celery creates one of this name if a project has none.
    return None if app.main in (None, "default") else app


def has_django() -> bool:
    """Return whether this is a Django project whose settings are known."""
    return "DJANGO_SETTINGS_MODULE" in os.environ and find_spec("django") is not None


def read_timers() -> list[str] | None:
    """Return the names of the stack's timers, if the local cloud has set them."""
    names = os.environ.get("PUSH_WORKER_TIMERS")
    return None if names is None else names.split(",")


def read_queues() -> dict[str, str]:
    """Return the URLs of the stack's further queues by their names in Celery."""
    queues: dict[str, str] = json.loads(os.environ.get("SQS_QUEUES") or "{}")
    return queues


def find_app(name: str | None = None) -> Celery:
    """Return the app of this name, ``module:attribute``; default: ``CELERY_APP``.

    :raises ConfigurationError: there is no such app.
    """
    name = name or os.environ.get("CELERY_APP")
    if not name:
        raise ConfigurationError(
            "Environment variable 'CELERY_APP' is not set. "
            'Set it to "module:attribute", for example "shop.celery:app".'
        )
    from celery.app.utils import find_app as find

    module, _, attribute = name.partition(":")
    try:
        # Celery's own would report the whole name as a missing module.
        app: Celery = find(name) if not attribute else get_app(module, attribute)
    except (ModuleNotFoundError, AttributeError) as exc:
        if not is_missing(exc, module, attribute):
            raise
        raise ConfigurationError(
            f"There is no Celery app at {name!r}: {exc}. Fix 'celeryApp' in config.ts, "
            'which has the form "module:attribute" (in a container: CELERY_APP).'
        ) from exc
    return app


def get_app(module: str, attribute: str) -> Any:
    from celery import Celery
    from celery.utils.imports import import_from_cwd

    app = getattr(import_from_cwd(module), attribute)
    if not isinstance(app, Celery):
        raise ConfigurationError(
            f"{module}:{attribute} is not a Celery app, but of type "
            f"{type(app).__name__!r}. Fix 'celeryApp' in config.ts (in a container: "
            "CELERY_APP)."
        )
    return app


def is_missing(exc: BaseException, module: str, attribute: str) -> bool:
    """Return whether the name itself is wrong, and not the project's code."""
    if isinstance(exc, ModuleNotFoundError):
        return f"{module}.".startswith(f"{exc.name}.")
    return not attribute or getattr(exc, "name", None) == attribute
