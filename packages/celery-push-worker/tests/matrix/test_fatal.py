"""Messages that end a real worker: here they end among the dead letters."""

from __future__ import annotations

import base64
import json

import pytest

from .conftest import VERSIONS
from .environments import find_python
from .runs import make_environ, start_push, start_reference
from .scenarios import Desk, Scenario
from .stand_in import MAX_RECEIVE_COUNT, wait_for

pytestmark = pytest.mark.filterwarnings("default")

DESK = Desk(None, Scenario("fatal", lambda _: None))

BODIES = {
    "body of two parts": DESK.envelope(body=base64.b64encode(b"[[1], {}]").decode()),
    "no id": DESK.envelope(headers={"id": "absent"}),
}


@pytest.mark.parametrize("celery", VERSIONS)
@pytest.mark.parametrize("name", BODIES)
def test_what_ends_a_worker_is_dead_here(stand_in, tmp_path, celery, name):
    python, body = find_python(celery), json.dumps(BODIES[name])
    reference, push = stand_in.make_place(), stand_in.make_place()
    for place in (reference, push):
        place.sqs.send_message(QueueUrl=place.url, MessageBody=body)

    with start_reference(
        python, reference, environ(reference, tmp_path), "plain-solo", tmp_path / "a"
    ) as process:
        assert wait_for(lambda: process.poll() is not None, what="its end")
    with start_push(
        python, push, environ(push, tmp_path), "plain-solo", tmp_path / "b"
    ):
        for delivery in range(MAX_RECEIVE_COUNT):
            wait_for(lambda n=delivery: count(push, "receive") > n)
            wait_for(push.lapse)
        wait_for(lambda: count(push, "dead"))

    assert count(push, "delete") == 0


def environ(place, folder):
    return make_environ(place, "plain-solo", folder / "signals.jsonl")


def count(place, event):
    return sum(line["event"] == event for line in place.read_log())
