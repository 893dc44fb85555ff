"""The findings of the system checks, for whoever is not ``manage.py``."""

from __future__ import annotations

from ._settings import has_django, try_find_app

__all__ = ["list_findings"]


def list_findings() -> list[dict[str, str]]:
    """Return ``id``, ``text`` and ``hint`` of each; none where there is no Django."""
    # The app's module names the settings, where the environment does not.
    try_find_app()
    if not has_django():
        return []
    import django
    from django.core.checks import run_checks

    from .checks import TAG, register_checks

    django.setup()
    register_checks()
    return [
        {"id": str(found.id), "text": str(found.msg), "hint": str(found.hint)}
        for found in run_checks(tags=[TAG], include_deployment_checks=True)
        if not found.is_silenced()
    ]
