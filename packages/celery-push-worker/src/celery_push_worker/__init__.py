"""Runs Celery tasks that a queue's trigger POSTs over HTTP, as a worker would.

Importing this package has no side effects and does not load Celery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._install import install
    from ._mount import mount
    from .worker import PushWorker

__all__ = ["PushWorker", "__version__", "install", "mount"]

__version__ = "0.1.0"

SOURCES = {"PushWorker": ".worker", "install": "._install", "mount": "._mount"}


def __getattr__(name: str) -> Any:
    if name not in SOURCES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(SOURCES[name], __name__), name)
    globals()[name] = value
    return value
