"""The bucket of static files: what it has, what it lacks, and what it may lose.

For each different set of files that was uploaded there is a list in the bucket. Its
name is its hash: whoever can ask the gateway for it knows already what it says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from filecmp import cmp
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._static_file import StaticFile

KEPT_DEPLOYS = 5
"""Whose files stay: pages of the earlier ones may be open, or in a cache."""

LISTS = ".deploys/"

THREADS = 16

CHECKSUMS = ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION")

FIXES = {
    "NoSuchBucket": "Create it, or fix 'staticBucket' in config.ts.",
    "AccessDenied": "The stack gives the right to it: deploy again. A policy of the "
    "bucket must allow it too.",
}


@dataclass(frozen=True)
class Deploy:
    """A list in the bucket."""

    key: str
    number: int
    names: frozenset[str]


@dataclass(frozen=True)
class Content:
    """What is in the bucket."""

    etags: dict[str, str]
    """By the objects' names."""
    deploys: list[Deploy]
    """The newest first."""


class StaticFolder:
    """The folder that stands for a bucket on a laptop.

    :param url: of the folder.
    """

    def __init__(self, url: str) -> None:
        self.path = Path(url2pathname(urlsplit(url).path))

    def fill(self, files: list[StaticFile]) -> tuple[int, int]:
        """Copy what differs, remove nothing, and return how many of each."""
        changed = [file for file in files if self.differs(file)]
        for file in changed:
            target = self.path / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(file.path, target)
        return len(changed), 0

    def differs(self, file: StaticFile) -> bool:
        target = self.path / file.name
        return not target.is_file() or not cmp(target, file.path, shallow=False)


class StaticBucket:
    """A bucket that may have objects of others, which are left alone.

    :param url: of the bucket, with its name as the path.
    """

    def __init__(self, url: str) -> None:
        import boto3
        from botocore.config import Config

        # By default boto3 sends checksums in a form that is AWS's own. In the
        # environment, since earlier releases do not know the options.
        for variable in CHECKSUMS:
            os.environ[variable] = "when_required"
        endpoint, _, self.name = url.rpartition("/")
        config = Config(max_pool_connections=THREADS, s3={"addressing_style": "path"})
        self.client: Any = boto3.client("s3", endpoint_url=endpoint, config=config)

    def fill(self, files: list[StaticFile]) -> tuple[int, int]:
        """Upload what differs, and remove what was last in use several deploys ago.

        It may be killed anywhere, and two may run at once: files are listed before
        they are uploaded, and removed only if no recent list has them.

        :returns: how many were uploaded, how many removed.
        :raises ConfigurationError: the bucket refuses it.
        """
        with self.explained():
            before = self.read()
            self.write_list(files, next_number(before.deploys))
            ours = join(before.deploys)
            changed = [
                file
                for file in files
                # What others have uploaded may have other types.
                if file.name not in ours or before.etags.get(file.name) != file.etag
            ]
            # Those last that take the place of what is being served.
            self.each(self.upload, [file for file in changed if file.is_hashed])
            self.each(self.upload, [file for file in changed if not file.is_hashed])
            return len(changed), self.remove_old()

    def read(self) -> Content:
        found: dict[str, str] = {}
        pages = self.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name):
            for entry in page.get("Contents", []):
                found[entry["Key"]] = entry["ETag"].strip('"')
        lists = [key for key in found if key.startswith(LISTS)]
        deploys = [it for it in self.each(self.read_list, lists) if it is not None]
        deploys.sort(key=lambda it: it.number, reverse=True)
        etags = {key: etag for key, etag in found.items() if key not in lists}
        return Content(etags, deploys)

    def read_list(self, key: str) -> Deploy | None:
        try:
            body = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            # Another run has just removed it.
            return None
        content = json.loads(body)
        return Deploy(key, content["number"], frozenset(content["names"]))

    def write_list(self, files: list[StaticFile], number: int) -> None:
        names = sorted(file.name for file in files)
        digest = sha256(json.dumps(names).encode()).hexdigest()
        self.client.put_object(
            Bucket=self.name,
            Key=f"{LISTS}{digest}.json",
            Body=json.dumps({"number": number, "names": names}).encode(),
            ContentType="application/json",
        )

    def upload(self, file: StaticFile) -> None:
        with file.path.open("rb") as body:
            self.client.put_object(
                Bucket=self.name,
                Key=file.name,
                Body=body,
                ContentType=file.content_type,
                CacheControl=file.cache_control,
            )

    def remove_old(self) -> int:
        now = self.read()
        kept, old = now.deploys[:KEPT_DEPLOYS], now.deploys[KEPT_DEPLOYS:]
        gone = (join(old) - join(kept)) & now.etags.keys()
        self.each(self.delete, gone)
        # Last: by them the next run makes up for one that was killed.
        self.each(self.delete, [it.key for it in old])
        return len(gone)

    # One by one: requests that delete several have a checksum that is AWS's own.
    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    @staticmethod
    def each(do: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(do, items))

    @contextmanager
    def explained(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as exc:
            response: dict[str, Any] = getattr(exc, "response", {})
            fix = FIXES.get(response.get("Error", {}).get("Code", ""), "")
            raise ConfigurationError(
                f"Bucket {self.name}: {exc} {fix}".rstrip()
            ) from exc


def open_bucket(url: str) -> StaticBucket | StaticFolder:
    """Return what a URL stands for: ``file:///…`` for a folder."""
    return StaticFolder(url) if url.startswith("file:") else StaticBucket(url)


def next_number(deploys: Iterable[Deploy]) -> int:
    return 1 + max((it.number for it in deploys), default=0)


def join(deploys: Iterable[Deploy]) -> frozenset[str]:
    return frozenset().union(*(it.names for it in deploys))
