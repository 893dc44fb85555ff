"""Django's system checks for what works on one machine and not in the cloud.

``manage.py check --deploy`` runs them. They are registered by the package's
``AppConfig``, and by its entry point when a process of a Django project loads Celery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings  # noqa: TID253
from django.core.checks import Warning as Finding  # noqa: TID253  only Django calls it
from django.core.checks import register  # noqa: TID253

__all__ = ["TAG", "register_checks"]

TAG = "push_worker"
"""``manage.py check --deploy --tag push_worker`` runs only these checks."""

FORGETFUL_CACHES = (
    "django.core.cache.backends.dummy.",
    "django.core.cache.backends.filebased.",
    "django.core.cache.backends.locmem.",
)
"""Caches that no other instance sees."""


def register_checks() -> None:
    """Register every check. Calling it again changes nothing."""
    from ._celery_checks import check_celery

    register(check_site, TAG, deploy=True)
    register(check_celery, TAG, deploy=True)


def check_site(**_: Any) -> list[Finding]:
    """Return warnings about settings that do not work in a container."""
    checks = (
        find_sqlite,
        find_media_on_disk,
        find_redirect_to_https,
        find_refused_hosts,
        find_forgetful_sessions,
        find_forgetful_caches,
    )
    return [finding for check in checks for finding in check()]


def find_sqlite() -> Iterator[Finding]:
    for alias, database in settings.DATABASES.items():
        engine = database.get("ENGINE", "").rpartition(".")[2]
        if engine in ("sqlite3", "spatialite"):
            yield Finding(
                f"Database '{alias}' is SQLite: a file that each instance has for "
                "itself, and that is lost with the container.",
                hint="Use a database server, and read its address from the "
                "environment (`env` and `secrets` in config.ts).",
                id="push_worker.W001",
            )


def find_media_on_disk() -> Iterator[Finding]:
    from django.core.files.storage import FileSystemStorage, default_storage

    fields = [
        f"{field.model._meta.label}.{field.name}"  # noqa: SLF001  the documented name
        for field in find_file_fields()
        if isinstance(field.storage, FileSystemStorage)
    ]
    if fields or (
        settings.MEDIA_ROOT and isinstance(default_storage, FileSystemStorage)
    ):
        what = ", ".join(fields) or f"MEDIA_ROOT ('{settings.MEDIA_ROOT}')"
        yield Finding(
            f"Uploaded files are stored on the container's disk, by {what}: they are "
            "lost with the container, and other instances do not have them.",
            hint="Store them in Object Storage: `media: true` in config.ts makes a "
            'bucket, which `STORAGES["default"]` uses by django-storages.',
            id="push_worker.W002",
        )


def find_file_fields() -> list[Any]:
    from django.apps import apps
    from django.db.models import FileField

    return [
        field
        for model in apps.get_models()
        for field in model._meta.get_fields()  # noqa: SLF001  the documented name
        if isinstance(field, FileField)
    ]


def find_redirect_to_https() -> Iterator[Finding]:
    if settings.SECURE_SSL_REDIRECT:
        yield Finding(
            "SECURE_SSL_REDIRECT is on. The gateway only accepts https and forwards "
            "requests without the scheme: a server that takes them for http "
            "redirects in an endless loop.",
            hint="Set it to False, and add 'security.W008' to SILENCED_SYSTEM_CHECKS.",
            id="push_worker.W003",
        )


def find_refused_hosts() -> Iterator[Finding]:
    from django.http.request import validate_host

    from ._settings import read_allowed_hosts

    allowed = [str(host).lower() for host in settings.ALLOWED_HOSTS]
    refused = [
        host
        for host in read_allowed_hosts()
        # Any host that the pattern matches.
        if not validate_host(f"any{host}" if host[0] == "." else host, allowed)
    ]
    if refused:
        yield Finding(
            f"ALLOWED_HOSTS rejects the site's own {' and '.join(refused)}: every page "
            "responds with 400.",
            hint="Read the environment variable of that name, which the stack sets: "
            'ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",").',
            id="push_worker.W004",
        )


def find_forgetful_sessions() -> Iterator[Finding]:
    if not any("SessionMiddleware" in name for name in settings.MIDDLEWARE):
        return
    engine = settings.SESSION_ENGINE
    cache = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", "")
    if engine.endswith(".file"):
        place = "files of the container"
    elif engine.endswith(".cache") and cache.startswith(FORGETFUL_CACHES):
        place = f"cache '{settings.SESSION_CACHE_ALIAS}' ({cache})"
    else:
        return
    yield Finding(
        f"Sessions are stored in {place}, which each instance has for itself: a "
        "visitor who reaches another instance is logged out.",
        hint="SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies' needs "
        "no store; '….db' needs a database server.",
        id="push_worker.W005",
    )


def find_forgetful_caches() -> Iterator[Finding]:
    # Django's default is one in memory, which most projects do not use.
    if not settings.is_overridden("CACHES"):
        return
    for alias, cache in settings.CACHES.items():
        backend = cache.get("BACKEND", "")
        if backend.startswith(FORGETFUL_CACHES[1:]):
            yield Finding(
                f"Cache '{alias}' ({backend.rpartition('.')[2]}) belongs to one "
                "instance: its content differs between instances, and rate limits or "
                "locks in it do not work.",
                hint="Use a shared cache (the database's, Redis), or silence this if "
                "each instance may have its own.",
                id="push_worker.W006",
            )
