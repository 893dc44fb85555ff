"""For Django: ``INSTALLED_APPS = [..., "celery_push_worker"]``.

Does what ``import celery_push_worker.publisher`` does, and registers the system checks.
"""

from __future__ import annotations

from django.apps import AppConfig  # noqa: TID253  only Django imports this module

__all__ = ["CeleryPushWorkerConfig"]


class CeleryPushWorkerConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Found by Django under the package's name."""

    name = "celery_push_worker"

    def ready(self) -> None:
        """Make every Celery app publish for a trigger, and register the checks."""
        from . import publisher  # noqa: F401  the import installs it
        from .checks import register_checks

        register_checks()
