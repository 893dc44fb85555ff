"""Puts a project's static files into the bucket from which the gateway serves them.

The bucket has a file before a page names it, and still has those that the pages of
earlier deploys name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from ._launch import add_fallback, switch_to_project
from ._settings import has_django, try_find_app
from ._static_bucket import open_bucket
from ._static_file import StaticFile
from .exceptions import ConfigurationError

SERVED = "/static/"
"""The gateway's path to the bucket."""

MAX_SERVED_BYTES = 2_500_000
"""Of a response of the gateway."""


def upload_static() -> int:
    """Bring the bucket up to date, and print what was done. Returns the exit status.

    :raises ConfigurationError: names the setting, or what is wrong with the bucket.
    """
    switch_to_project(["upload-static"])
    add_fallback()
    url = os.environ.get("STATIC_BUCKET_URL")
    if not url:
        raise ConfigurationError(
            "STATIC_BUCKET_URL is not set. Set 'staticBucket' in config.ts, and deploy."
        )
    set_up_django()
    if (elsewhere := find_other_storage()) is not None:
        tell(f"STORAGES['staticfiles'] is {elsewhere}, which has its own place:")
        return collect(verbosity=1)
    for warning in find_lack_of_names():
        tell(warning)
    with collected() as storage:
        files = list_files(storage)
        for warning in find_large(files):
            tell(warning)
        uploaded, removed = open_bucket(url).fill(files)
    tell(f"{len(files)} files, {uploaded} uploaded, {removed} removed")
    return 0


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  a command talks


def set_up_django() -> None:
    # The app's module may be what sets DJANGO_SETTINGS_MODULE.
    try_find_app()
    if not has_django():
        raise ConfigurationError(
            "No settings of Django are known. Set 'env.DJANGO_SETTINGS_MODULE' in "
            "config.ts, or remove 'staticBucket'."
        )
    import django
    from django.apps import apps
    from django.conf import settings

    django.setup()
    if not apps.is_installed("django.contrib.staticfiles"):
        raise ConfigurationError(
            "'django.contrib.staticfiles' is not in INSTALLED_APPS. Add it, or remove "
            "'staticBucket' from config.ts."
        )
    url = urlsplit(settings.STATIC_URL)
    if not url.netloc and url.path != SERVED:
        raise ConfigurationError(
            f"STATIC_URL is {settings.STATIC_URL!r}, and the gateway serves the bucket "
            f"at {SERVED}. Set STATIC_URL = {SERVED.lstrip('/')!r}."
        )


def find_other_storage() -> str | None:
    """Return the class of a storage whose files are not on this disk."""
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import FileSystemStorage

    if isinstance(staticfiles_storage, FileSystemStorage):
        return None
    kind: Any = staticfiles_storage.__class__
    return f"{kind.__module__}.{kind.__qualname__}"


def collect(verbosity: int) -> int:
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=verbosity)
    return 0


@contextmanager
def collected() -> Iterator[Any]:
    """Yield the storage of static files once they are in it.

    Those of the image as they are, if it has a manifest: its pages name these, but with
    DEBUG. Any others are collected anew.
    """
    from django.conf import settings
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.test.utils import override_settings

    if hashed_names(staticfiles_storage) and not settings.DEBUG:
        yield staticfiles_storage
        return
    with TemporaryDirectory() as folder, override_settings(STATIC_ROOT=folder):
        collect(verbosity=0)
        yield staticfiles_storage


def list_files(storage: Any) -> list[StaticFile]:
    from django.contrib.staticfiles.utils import get_files

    names = set(get_files(storage))
    hashed = hashed_names(storage)
    own = {getattr(storage, "manifest_name", None)}
    return [
        StaticFile(name, Path(storage.path(name)), name in hashed)
        for name in sorted(names - own)
        if not is_compressed_copy(name, names)
    ]


def hashed_names(storage: Any) -> frozenset[str]:
    return frozenset(getattr(storage, "hashed_files", {}).values())


# WhiteNoise's: it sends them to whoever accepts them, and the gateway does not choose.
def is_compressed_copy(name: str, names: set[str]) -> bool:
    stem, extension = os.path.splitext(name)  # noqa: PTH122  a name, no path
    return extension in {".gz", ".br"} and stem in names


def find_lack_of_names() -> Iterator[str]:
    from django.conf import settings
    from django.contrib.staticfiles.storage import staticfiles_storage

    manifest = getattr(staticfiles_storage, "manifest_name", None)
    if manifest and not hashed_names(staticfiles_storage) and not settings.DEBUG:
        yield (
            f"The image has no {manifest}, in which its pages look up the names of "
            "static files. Unless the site makes it at its start, add `RUN python "
            "manage.py collectstatic --noinput` to the Dockerfile."
        )


def find_large(files: list[StaticFile]) -> Iterator[str]:
    for file in files:
        size = file.path.stat().st_size
        if size > MAX_SERVED_BYTES:
            yield (
                f"{file.name} has {size / 1e6:.1f} MB, and the gateway answers with "
                f"{MAX_SERVED_BYTES / 1e6} MB at most. Make it smaller, or link to it "
                "in a public bucket."
            )
