"""The process ends at every point of a request: nothing lost, nothing done twice.

Three messages in one request, one of them the victim. A task that had succeeded is not
run again; only one that was killed before its success was stored may be.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from matrix.environments import PACKAGE
from matrix.runs import Trigger, find_port, is_ready, running
from matrix.stand_in import MAX_RECEIVE_COUNT, wait_for

HERE = Path(__file__).parent
DEEP = os.environ.get("DEEP", "") not in ("", "0")

pytestmark = pytest.mark.filterwarnings("default")

NOT_YET = [
    "start of the request",
    "task_received",
    "task_prerun",
    "start of the body",
]
UNKNOWN = [
    "end of the body",
    "before what follows is published",
    "after what follows is published",
    "before the result is stored",
]
SUCCEEDED = [
    "after the result is stored",
    "task_success",
    "task_postrun",
    "before the answer",
]
POINTS = [*NOT_YET, *UNKNOWN, *SUCCEEDED]
CHORD_POINTS = [point for point in POINTS if "follows" not in point]
POSITIONS = [0, 1, 2] if DEEP else [1]


@pytest.fixture(scope="module", autouse=True)
def _name_sample():
    print(f"killed at {len(POSITIONS)} of 3 messages of a request (all with DEEP=1)")


@pytest.fixture
def shop(stand_in, tmp_path, monkeypatch):
    return Shop(stand_in.make_place(), tmp_path, monkeypatch)


class Shop:
    """A queue, a table, and a server whose process ends once."""

    def __init__(self, place, folder, monkeypatch):
        self.place = place
        self.folder = folder
        self.traces = folder / "traces"
        self.traces.touch()
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        for name, value in {
            "TRACES": self.traces,
            "KILL_MARK": folder / "mark",
        }.items():
            monkeypatch.setenv(name, str(value))
        self.app = make_publisher(place)

    def run(self, point, batch=10):
        """Deliver everything until the queue is empty; return what was done."""
        port = find_port()
        environ = {
            **os.environ,
            "KILL_AT": point,
            "PORT": str(port),
            "PYTHONPATH": os.pathsep.join([str(HERE), str(PACKAGE / "src")]),
        }
        command = [sys.executable, "-m", "gunicorn", "shop:application"]
        options = ["-c", "python:celery_push_worker.gunicorn"]
        log = self.folder / "server.log"
        with running([*command, *options], environ, log, HERE) as process:
            wait_for(lambda: is_ready(port, process), what="the server")
            trigger = Trigger(self.place, port, batch=batch)
            for _ in range(MAX_RECEIVE_COUNT * 3):
                while trigger.step():
                    wait_for(lambda: is_ready(port, process), what="the server")
                if not self.place.lapse():
                    break
        assert (self.folder / "mark").exists(), f"'{point}' was never reached"
        return Counter(self.traces.read_text().splitlines())

    @property
    def ends(self):
        return Counter(line["event"] for line in self.place.read_log())


def make_publisher(place):
    from celery import Celery

    app = Celery("publisher", set_as_current=True)
    app.conf.update(
        broker_url="sqs://",
        broker_transport_options={
            "region": place.environment["AWS_DEFAULT_REGION"],
            "predefined_queues": {"default": {"url": place.url}},
        },
        result_backend="dynamodb://@{}/{}".format(
            place.environment["AWS_DEFAULT_REGION"], place.name
        ),
        task_default_queue="default",
    )
    return app


def labels(position):
    names = ["first", "second"]
    names.insert(position, "victim")
    return names


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_process_loses_nothing_and_repeats_no_success(shop, point, position):
    for label in labels(position):
        # As in a chain, whose tasks have their ids from the start.
        link = shop.app.signature("shop.follow", (label,), immutable=True)
        link.set(task_id=f"{label}-follow")
        shop.app.send_task("shop.work", (label,), link=link)

    done = shop.run(point)

    events = shop.ends
    assert events["send"] - events["delete"] == events["dead"] == 0
    states = [row["status"] for row in shop.place.read_rows().values()]
    assert set(states) == {"SUCCESS"}
    for label in labels(position):
        assert done[f"follow {label}"] == 1
        repeats = 2 if label == "victim" and point in UNKNOWN else 1
        assert 1 <= done[f"work {label}"] <= repeats


@pytest.mark.parametrize("point", CHORD_POINTS)
def test_a_chord_is_completed_though_a_member_was_killed(shop, point):
    from celery import chord

    header = [shop.app.signature("shop.work", (label,)) for label in labels(1)]
    chord(header, app=shop.app)(shop.app.signature("shop.total"))

    done = shop.run(point, batch=1)

    assert done["total 3"] == 1


@pytest.mark.parametrize("point", ["start of the body", "task_postrun"])
def test_tasks_without_a_result_are_not_lost(shop, point):
    for label in labels(1):
        shop.app.send_task("shop.quiet", (label,))

    done = shop.run(point, batch=1)

    assert shop.ends["dead"] == 0
    assert (done["work first"], done["work second"]) == (1, 1)
    assert 1 <= done["work victim"] <= 2
