"""Runs a command of the project's ``manage.py`` where each request runs the container.

The platform puts the request into a file, sends back what the process prints, and tells
its exit status in a header.
https://yandex.cloud/en/docs/serverless-containers/concepts/container#runtime
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeGuard

from ._launch import add_fallback, switch_to_project
from ._settings import has_django, try_find_app

USAGE_ERROR = 2
"""Exit status where no command was run."""

KEPT_BYTES = 1_500_000
"""Of a long output, at each end: a response has 3.5 MB at most."""

GRACE_SECONDS = 1
"""How long a process that the command left behind may hold its output open."""

UPLOAD_STATIC = ["upload-static"]
"""This package's own. A command of Django's has no hyphen: it is a module's name."""

USAGE = 'The request names no command: a body like {"manage": ["migrate", "--noinput"]}'


class UsageError(Exception):
    """There is nothing that could be run."""


def manage(words: Sequence[str]) -> int:
    """Run a command, and return its exit status.

    :param words: of the command; if there are none, those of the request. A command of
        a request reads nothing and writes to one stream; any other keeps the terminal.
    """
    switch_to_project(["manage", *words])
    try:
        if words:
            command = build_command(words)
            os.execv(command[0], command)  # noqa: S606  without a shell
        return relay(build_command(read_request(os.environ.get("REQUEST_PATH"))))
    except (UsageError, OSError, ValueError) as exc:
        print(exc)  # noqa: T201  the response
        return USAGE_ERROR


def read_request(path: str | None) -> list[str]:
    if not path:
        raise UsageError(
            "Which command? Write e.g. python3 -m celery_push_worker manage migrate"
        )
    return read_words(Path(path).read_bytes())


def read_words(content: bytes) -> list[str]:
    """Return the words of a request.

    No page says whether the file has the body alone or all of the request.

    :raises UsageError: there are none.
    """
    _, _, after_headers = re.sub(rb"\r\n", b"\n", content).partition(b"\n\n")
    for body in (content, after_headers):
        with suppress(ValueError, RecursionError):
            request: Any = json.loads(body)
            words = request.get("manage") if isinstance(request, dict) else None
            if is_command(words):
                return words
    raise UsageError(USAGE)


def is_command(words: Any) -> TypeGuard[list[str]]:
    return (
        isinstance(words, list)
        and all(isinstance(word, str) for word in words)
        and any(words[:1])
    )


def build_command(words: Sequence[str]) -> list[str]:
    if list(words) == UPLOAD_STATIC:
        return [sys.executable, "-m", "celery_push_worker", *words]
    return [*find_manage(), *words]


def find_manage() -> list[str]:
    """Return the start of a command line, which the words follow."""
    here = Path("manage.py")
    below = sorted(Path().glob("*/manage.py"))
    if here.exists() or len(below) == 1:
        return [sys.executable, str(here if here.exists() else below[0])]
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        # The app's module may be what sets it.
        add_fallback()
        try_find_app()
    if has_django():
        return [sys.executable, "-m", "django"]
    raise UsageError(
        f"There is no manage.py in {Path.cwd()}, and no settings are known. Set "
        "'env.DJANGO_SETTINGS_MODULE' in config.ts."
    )


def relay(command: Sequence[str]) -> int:
    """Run a command with its whole output on this process's standard output."""
    process = subprocess.Popen(  # noqa: S603  without a shell
        command,
        # In order, and nothing is lost when it is killed.
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    output = Output(sys.stdout.buffer)
    reader = threading.Thread(target=output.read, args=[process.stdout], daemon=True)
    reader.start()
    status = process.wait()
    reader.join(GRACE_SECONDS)
    output.end()
    return status if status >= 0 else 128 - status


class Output:
    """Passes on what comes, at once; of more than fits into a response, both ends."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target = target
        self.room = KEPT_BYTES
        self.last = bytearray()
        self.omitted = 0

    def read(self, source: Any) -> None:
        while chunk := source.read1():
            self.write(chunk[: self.room])
            self.last += chunk[self.room :]
            self.room = max(0, self.room - len(chunk))
            surplus = max(0, len(self.last) - KEPT_BYTES)
            self.omitted += surplus
            del self.last[:surplus]

    def end(self) -> None:
        if self.omitted:
            self.write(f"\n… {self.omitted:,} bytes left out …\n".encode())
        self.write(bytes(self.last))

    def write(self, chunk: bytes) -> None:
        self.target.write(chunk)
        self.target.flush()
