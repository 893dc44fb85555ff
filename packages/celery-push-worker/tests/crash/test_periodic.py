"""Tables that many workers ask at once, and workers that end in between.

Each run of a task is sent at least once, and more than once only by a worker that ends
after it has sent a message and before the database knows. Then the second message has
the id of the first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from matrix.environments import PACKAGE
from support.postgres import Postgres

HERE = Path(__file__).parent
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)
MINUTES = 10
WORKERS = 6

FILL = f"""
import kiosk
from datetime import datetime
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django_celery_beat.models import IntervalSchedule, PeriodicTask
for name, every in (("each", 1), ("also", 1), ("second", 2)):
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period="minutes")
    PeriodicTask.objects.create(name=name, task="sell", interval=interval)
last = datetime.fromisoformat("{NOON - timedelta(hours=1)}")
PeriodicTask.objects.update(last_run_at=last)
"""

READ = """
import kiosk, json
from django_celery_beat.models import PeriodicTask
rows = PeriodicTask.objects.filter(task="sell")
print(json.dumps(dict(rows.values_list("name", "total_run_count"))))
"""


@pytest.fixture(scope="module")
def postgres():
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(params=["postgresql", "sqlite"])
def kiosk(request, postgres, tmp_path):
    name = tmp_path.name
    if request.param == "postgresql":
        database = postgres.make_database(name)
    else:
        file = str(tmp_path / "db.sqlite3")
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": file}
    kiosk = Kiosk(tmp_path, database)
    yield kiosk
    for worker in kiosk.workers:
        worker.kill()
        worker.communicate()


class Kiosk:
    def __init__(self, folder, database):
        self.queue = folder / "queue"
        self.queue.mkdir()
        (folder / "control").mkdir()
        self.environ = {
            **os.environ,
            "DATABASE": json.dumps(database),
            "QUEUE": str(self.queue),
            "PYTHONPATH": os.pathsep.join([str(HERE), str(PACKAGE / "src")]),
        }
        self.workers = []
        self.run(FILL)

    def run(self, code):
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env=self.environ, check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    def start(self, count, **environ):
        """Start workers, and return them when all are ready."""
        started = [
            subprocess.Popen(
                [sys.executable, HERE / "kiosk.py"],
                env={**self.environ, **environ},
                text=True,
                bufsize=1,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(count)
        ]
        self.workers += started
        assert [worker.stdout.readline() for worker in started] == ["ready\n"] * count
        return started

    def fire(self, workers, number=0):
        """Fire the timer of this minute at all of them at once; return the answers."""
        minute = NOON + timedelta(minutes=number)
        for worker in workers:
            worker.stdin.write(f"{minute:%Y-%m-%dT%H:%M:%S}Z\n")
        return [worker.stdout.readline().strip() for worker in workers]

    @property
    def counts(self):
        return json.loads(self.run(READ))

    @property
    def sent(self):
        """The ids of what was sent, by the task's name."""
        found = {}
        for file in self.queue.iterdir():
            headers = json.loads(file.read_text())["headers"]
            found.setdefault(headers["periodic_task_name"], []).append(headers["id"])
        return found


def test_six_workers_at_once_send_each_run_once(kiosk):
    workers = kiosk.start(WORKERS)
    # At the start they write to the tables, which is not what this is about.
    for worker in workers:
        kiosk.fire([worker])

    answers = [kiosk.fire(workers, number) for number in range(1, MINUTES)]

    assert answers == [["200 OK"] * WORKERS] * (MINUTES - 1)
    expected = {"each": MINUTES, "also": MINUTES, "second": MINUTES // 2}
    assert kiosk.counts == expected
    assert {name: len(set(ids)) for name, ids in kiosk.sent.items()} == expected
    assert Counter(map(len, kiosk.sent.values())) == Counter(expected.values())


@pytest.mark.parametrize(("point", "sent"), [("claimed", 1), ("published", 2)])
def test_a_worker_that_ends_loses_no_run(kiosk, point, sent):
    (victim,) = kiosk.start(1, KILL_AT=point)
    assert kiosk.fire([victim]) == [""]
    assert victim.wait() == 9
    assert kiosk.counts == {"each": 0, "also": 0, "second": 0}

    assert kiosk.fire(kiosk.start(1), 1) == ["200 OK"]

    assert kiosk.counts == {"each": 1, "also": 1, "second": 1}
    ids = kiosk.sent["each"]
    assert (len(ids), len(set(ids))) == (sent, 1)
    assert [len(kiosk.sent[name]) for name in ("also", "second")] == [1, 1]
