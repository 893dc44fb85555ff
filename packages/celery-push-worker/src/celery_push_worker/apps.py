"""The settings line of a Django site: ``INSTALLED_APPS = [..., "celery_push_worker"]``.

It installs the publisher's part for the site's Celery app, and nothing else.
"""

from __future__ import annotations

from django.apps import AppConfig  # noqa: TID253  only Django imports this module

__all__ = ["CeleryPushWorkerConfig"]


class CeleryPushWorkerConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Found by Django under the package's name."""

    name = "celery_push_worker"

    def ready(self) -> None:
        """Install the publisher's part."""
        from celery import current_app

        from .publisher import install

        install(current_app._get_current_object())  # noqa: SLF001  Celery's way
