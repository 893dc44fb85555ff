"""The sole reader of ``push_worker_*`` settings and of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from celery import Celery

__all__ = [
    "MAX_MESSAGE_BYTES",
    "STALL_SECONDS",
    "Settings",
    "find_app",
    "load_settings",
    "read_settings",
]

PREFIX = "push_worker_"

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

MAX_MESSAGE_BYTES = 230_000
"""The trigger delivers 230 KB; whether a KB has 1,000 or 1,024 bytes is not said."""


STALL_SECONDS = 60
"""How long nothing may arrive of a request: a process has but one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, each read from ``app.conf`` as ``push_worker_<name>``."""

    deduplicate: bool = True
    """Acknowledge a message whose task already succeeded, without running it."""
    max_body_bytes: int = 3_670_016
    """Largest request: the platform passes 3.5 MB."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    """Largest message to publish: the trigger delivers 230 KB."""
    public_hosts: tuple[str, ...] = ()
    """Host names that only the gateway answers to; ``.x.com`` means any below."""
    idle_seconds: float = 30.0
    """Idle time after which connections are taken for dead."""
    grace_seconds: float = 5.0
    """Time that a task gets to end itself after its hard time limit."""
    json_logs: bool = True
    """Log one JSON object per line to standard output."""
    log_level: str = "INFO"
    """The lowest level that is logged."""


def load_settings(app: Celery) -> None:
    """Read the project's settings now, and let through whatever they raise.

    Celery reads them when one is first asked for, and takes a ``KeyError`` that they
    raise for its own: the setting that was asked for seems to be missing.
    """
    len(app.conf)


def read_settings(app: Celery) -> Settings:
    """Return the app's settings.

    :raises ConfigurationError: with every setting that has the wrong type.
    """
    values: dict[str, Any] = {"public_hosts": read_allowed_hosts()}
    problems = []
    for field in fields(Settings):
        value = app.conf.get(PREFIX + field.name)
        if value is None:
            continue
        values[field.name] = convert(value)
        if not has_type_of(values[field.name], field.default):
            kind = type(field.default).__name__
            problems.append(f"'{PREFIX}{field.name}' must be {kind} (got {value!r})")
    if problems:
        raise ConfigurationError("\n".join(problems))
    return Settings(**values)


def convert(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def has_type_of(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, str):
        return value in LOG_LEVELS
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and value > 0
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def read_allowed_hosts() -> tuple[str, ...]:
    # The hosts of the site are the ones that the gateway answers to.
    hosts = os.environ.get("ALLOWED_HOSTS", "").split(",")
    return tuple(host.strip().lower() for host in hosts if host.strip())


def find_app(name: str | None = None) -> Celery:
    """Return the app that ``CELERY_APP`` names.

    :raises ConfigurationError: there is no such app.
    """
    name = name or os.environ.get("CELERY_APP")
    if not name:
        raise ConfigurationError(
            "Environment variable 'CELERY_APP' is not set. "
            'Set it to "module:attribute", for example "shop.celery:app".'
        )
    from celery.app.utils import find_app as find

    try:
        app: Celery = find(name)
    except (ImportError, AttributeError) as exc:
        if not is_about(exc, name):
            raise  # It is in the project's own code.
        raise ConfigurationError(
            f"'CELERY_APP' must look like \"module:attribute\" and name a Celery app "
            f"(got {name!r}): {exc}"
        ) from exc
    return app


def is_about(exc: ImportError | AttributeError, name: str) -> bool:
    """Tell a wrong name from an error in what the name stands for."""
    module, _, attribute = name.partition(":")
    if isinstance(exc, ModuleNotFoundError):
        # Celery tries the whole name as that of a module, too.
        return exc.name == name or f"{module}.".startswith(f"{exc.name}.")
    return isinstance(exc, AttributeError) and exc.name in (attribute, "app", "celery")
