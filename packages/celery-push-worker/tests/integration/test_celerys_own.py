"""What a real worker passes of Celery's integration tests, this one passes, too.

The tests are in each release's source distribution, which is unpacked when this runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrix.environments import PACKAGE, find_cache, find_python
from matrix.runs import Trigger, find_port, is_ready, running
from matrix.stand_in import REGION, wait_for

HERE = Path(__file__).parent
DEEP = os.environ.get("DEEP", "") not in ("", "0")

FILES = ["test_canvas.py", "test_tasks.py"]
"""The others test brokers, backends and processes of a worker."""

SAMPLE = (
    "test_link_error or test_simple_chain or test_single_chain or test_complex_chain "
    "or test_chain_on_error or test_class_based or test_ignore_result"
)

LEFT_OUT = "revoke or test_task_replacement or redis_result_backend"
"""Need remote control, which this broker lacks, or a worker in the tests' process."""

KNOWN: dict[str, str] = {}
"""Tests that a real worker passes and this one does not, each with the reason."""

pytestmark = pytest.mark.filterwarnings("default")


def unpack(celery: str, target: Path) -> Path:
    """Unpack the tests of a release, and nothing else of it."""
    cache = find_cache() / "sources"
    archive = cache / f"celery-{celery}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        options = ["--no-binary", "celery", "--dest", str(cache), f"celery=={celery}"]
        subprocess.run([*command, *options], check=True)
    with tarfile.open(archive) as tar:
        wanted = [m for m in tar if "/t/integration/" in m.name]
        tar.extractall(target, wanted, filter="data")
    (target / f"celery-{celery}" / "t" / "__init__.py").touch()
    return target / f"celery-{celery}"


class Side:
    """One run of the tests, with its own queue, table and worker."""

    def __init__(self, stand_in, celery, folder):
        folder.mkdir()
        self.place = stand_in.make_place()
        self.folder = folder
        self.python = find_python(celery)
        self.root = unpack(celery, folder)
        self.config = self.root / "integration-tests-config.json"
        self.config.write_text(json.dumps(self.make_config()))
        (self.root / "pytest.ini").write_text("[pytest]\npython_classes = test_*\n")
        self.outcomes = folder / "outcomes.json"

    def make_config(self):
        queue = {"url": self.place.url}
        return {
            "broker_url": "sqs://",
            "broker_transport_options": {
                "region": REGION,
                "predefined_queues": {"default": queue},
                "wait_time_seconds": 1,
                "polling_interval": 0.05,
            },
            "result_backend": f"dynamodb://@{REGION}/{self.place.name}",
            "result_extended": True,
            "task_default_queue": "default",
            "worker_enable_remote_control": False,
        }

    @property
    def environ(self):
        parts = [str(HERE), str(self.root), str(PACKAGE / "src")]
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            **self.place.environment,
            "PYTHONPATH": os.pathsep.join(parts),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SUITE_CONFIG": str(self.config),
            "SUITE_OUTCOMES": str(self.outcomes),
            "TEST_BROKER": "sqs://",
            "TEST_BACKEND": f"dynamodb://@{REGION}/{self.place.name}",
            "CELERY_APP": "suite_app:app",
        }

    def run_tests(self, names=()):
        """Return outcomes by name, of all tests or of those that are named."""
        command = [self.python, "-m", "pytest", "-q", "-p", "suite_plugin"]
        # Celery's fixtures first: ours take the place of one of them.
        command[4:4] = ["-p", "celery.contrib.pytest"]
        options = ["-p", "no:cacheprovider", "-W", "ignore"]
        chosen = ["-k", f"not ({LEFT_OUT})" if DEEP else SAMPLE]
        chosen = [] if names else chosen
        folder = self.root / "t" / "integration"
        files = [str(folder / name) for name in names or FILES]
        with (self.folder / "tests.log").open("wb") as output:
            subprocess.run(
                [*command, *options, *chosen, *files],
                env=self.environ,
                cwd=self.root,
                stdout=output,
                stderr=output,
                check=False,
                timeout=1800,
            )
        return json.loads(self.outcomes.read_text())


def run_reference(side):
    command = [side.python, "-m", "celery", "-A", "suite_app", "worker", "-P", "solo"]
    options = ["--without-gossip", "--without-mingle", "-l", "INFO"]
    log = side.folder / "worker.log"
    with running([*command, *options], side.environ, log, side.root):
        wait_for(lambda: b" ready." in log.read_bytes(), what="the worker")
        return side.run_tests()


def run_push(side, names=()):
    port = find_port()
    command = [
        side.python,
        "-m",
        "gunicorn",
        "-c",
        "python:celery_push_worker.gunicorn",
    ]
    environ = {**side.environ, "PORT": str(port)}
    application = "celery_push_worker.wsgi:application"
    log = side.folder / "worker.log"
    with running([*command, application], environ, log, side.root) as process:
        wait_for(lambda: is_ready(port, process), what="the push worker")
        with Trigger(side.place, port):
            return side.run_tests(names)


def test_what_a_real_worker_passes_is_passed(stand_in, tmp_path):
    celery = "5.6.3"
    sides = [Side(stand_in, celery, tmp_path / n) for n in ("reference", "push")]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(run, side)
            for run, side in zip((run_reference, run_push), sides, strict=True)
        ]
        reference, push = (job.result() for job in jobs)
    passed = {name for name, outcome in reference.items() if outcome == "passed"}
    missed = {name for name in passed if push.get(name) != "passed"}
    if missed:
        # On a busy machine a test may have waited too long: once more, alone.
        again = run_push(sides[1], sorted(missed))
        missed = {name for name in missed if again.get(name) != "passed"}

    how = "all" if DEEP else "a sample; all with DEEP=1"
    print(
        f"Celery {celery}: {len(reference)} tests ({how}), {len(passed)} passed by both"
    )
    assert stand_in.process.poll() is None, "the queue went away meanwhile"
    assert len(passed) >= (85 if DEEP else 10)
    assert missed == set(KNOWN) & passed, sorted(missed ^ (set(KNOWN) & passed))
