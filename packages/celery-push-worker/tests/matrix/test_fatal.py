"""Messages that end a real worker: here they end among the dead letters."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

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

    assert gives_up(python, reference, tmp_path), (tmp_path / "a").read_text()
    with start_push(
        python, push, environ(push, tmp_path), "plain-solo", tmp_path / "b"
    ):
        for delivery in range(MAX_RECEIVE_COUNT):
            wait_for(lambda n=delivery: count(push, "receive") > n)
            wait_for(push.lapse)
        wait_for(lambda: count(push, "dead"))

    assert count(push, "delete") == 0


def gives_up(python, place, folder):
    """Return whether a real worker says that it cannot go on.

    What it does next is not waited for: on a busy machine it has hung instead of ending,
    and one that never took the message is started again.
    """
    log = folder / "a"
    for _ in range(3):
        with (
            suppress(TimeoutError),
            start_reference(
                python, place, environ(place, folder), "plain-solo", log
            ) as process,
        ):
            try:
                return wait_for(lambda: b"Unrecoverable error" in log.read_bytes(), 60)
            finally:
                process.kill()
        place.lapse()
    return False


def environ(place, folder):
    return make_environ(place, "plain-solo", folder / "signals.jsonl")


def count(place, event):
    return sum(line["event"] == event for line in place.read_log())
