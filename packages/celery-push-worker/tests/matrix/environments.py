"""A Python with a given Celery: this one, or one made once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TESTS = Path(__file__).parent.parent
PACKAGE = TESTS.parent

KOMBU = {
    "5.3.6": "5.3.7",
    "5.4.0": "5.4.2",
    "5.5.3": "5.5.4",
    "5.6.3": "5.6.2",
    "5.7.0": "5.7.0",
}
"""Celery's releases, each with the Kombu that it is run with."""

WITH = ["boto3", "gunicorn", "msgpack", "pycurl", "PyYAML"]
"""What the workers need besides, in the versions of ``requirements.txt``."""


def find_python(celery: str) -> str:
    """Return an interpreter that has this Celery."""
    if is_here("celery", celery) and is_here("kombu", KOMBU[celery]):
        return sys.executable
    wanted = [f"celery=={celery}", f"kombu=={KOMBU[celery]}", *read_pins(WITH)]
    return str(make_environment(f"celery-{celery}", wanted))


def is_here(package: str, wanted: str) -> bool:
    try:
        return version(package) == wanted
    except PackageNotFoundError:
        return False


def read_pins(names: list[str]) -> list[str]:
    lines = (TESTS / "requirements.txt").read_text().splitlines()
    pins = {line.partition("==")[0].lower(): line for line in lines if "==" in line}
    return [pins[name.lower()] for name in names]


def make_environment(name: str, wanted: list[str]) -> Path:
    text = "\n".join([sys.version, *wanted])
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = find_cache() / f"{name}-{digest}"
    python, done = folder / "bin" / "python", folder / "done"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        # Suites beside each other may want the same one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            fill_environment(folder, wanted)
            done.touch()
    return python


def fill_environment(folder: Path, wanted: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", *wanted]
    subprocess.run(
        [*install, "--disable-pip-version-check", "--prefer-binary"], check=True
    )


def find_cache() -> Path:
    given = os.environ.get("PUSH_WORKER_TEST_CACHE")
    root = PACKAGE.parent.parent
    if given:
        return Path(given)
    if (root / "node_modules").is_dir():
        return root / "node_modules" / ".cache" / "python"
    return Path.home() / ".cache" / "celery-push-worker"
