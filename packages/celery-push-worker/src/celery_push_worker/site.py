"""The project's own site: ``celery_push_worker.site:application``.

``asgi_application`` is the same for an ASGI server. Both are looked up at their first
access, from the project's settings.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from ._settings import find_app, is_missing
from .exceptions import ConfigurationError

__all__ = ["application", "asgi_application"]

application: Any
asgi_application: Any

KINDS = {"application": "wsgi", "asgi_application": "asgi"}


def __getattr__(name: str) -> Any:
    if name not in KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path, reason = guess(KINDS[name])
    module, _, attribute = path.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as exc:
        if not is_missing(exc, module, attribute):
            raise
        raise ConfigurationError(
            f"The site was looked for at '{module}:{attribute}', which was guessed "
            f"from {reason}: {exc}. Set it in config.ts: web: {{ command: "
            '["python3", "-m", "celery_push_worker", "web", "module:attribute"] }'
        ) from exc


def guess(kind: str) -> tuple[str, str]:
    """Return the dotted path of the application, and what it was guessed from."""
    # The app's module may be what sets DJANGO_SETTINGS_MODULE.
    find_app()
    setting = f"{kind.upper()}_APPLICATION"
    path = read_setting(setting)
    if path:
        return path, f"'{setting}' in the project's settings"
    # Projects name wsgi.py, and have asgi.py beside it.
    module, _, rest = (read_setting("WSGI_APPLICATION") or "").rpartition(".wsgi.")
    if module:
        return f"{module}.{kind}.{rest}", "'WSGI_APPLICATION' in the project's settings"
    name = os.environ["CELERY_APP"]
    return f"{name.split('.')[0].split(':')[0]}.{kind}.application", f"'{name}'"


def read_setting(name: str) -> str | None:
    try:
        from django.conf import settings
    except ImportError:
        return None
    if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
        return None
    value = getattr(settings, name, None)
    return value if isinstance(value, str) else None
