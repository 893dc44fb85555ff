"""Requests of several messages, one of which fails, at each position and in each way."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from celery_push_worker import PushWorker
from celery_push_worker.testing import build_event
from support.world import World, call

DELIVERIES = 3
SIZE = 4


def envelope(task_id, task="t.quick", headers=None, **changes):
    body = json.dumps([[task_id], {}, {}])
    return json.dumps(
        {
            "body": body,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": task_id, "lang": "py", **(headers or {})},
            "properties": {"delivery_info": {"routing_key": "default"}},
            **changes,
        }
    )


FAILURES = {
    "undecodable": lambda: "no envelope",
    "no arguments": lambda: envelope("bad", body="{"),
    "unknown task": lambda: envelope("bad", "t.not_there"),
    "refused content": lambda: envelope(
        "bad", **{"content-type": "application/x-yaml"}
    ),
    "no time": lambda: envelope("bad", headers={"eta": "someday"}),
    "rejected": lambda: envelope("bad", "t.reject_late"),
    "not acknowledged": lambda: envelope("bad", "t.fail_strictly"),
}


@pytest.fixture
def shop():
    world = World()
    task = world.app.task
    world.ran = Counter()

    @task(name="t.quick", shared=False)
    def quick(label):
        world.ran[label] += 1

    @task(name="t.silent", shared=False, ignore_result=True)
    def silent(label):
        world.ran[label] += 1

    @task(name="t.reject_late", shared=False, acks_late=True)
    def reject_late(_label):
        from celery.exceptions import Reject

        raise Reject("unwanted")

    @task(
        name="t.fail_strictly",
        shared=False,
        acks_late=True,
        acks_on_failure_or_timeout=False,
    )
    def fail_strictly(_label):
        raise ValueError("never acknowledged")

    world.worker = PushWorker(world.app)
    return world


def deliver(world, bodies, *, anew):
    """Deliver a request until it is not answered 5xx, or dead; return the statuses.

    :param anew: whether each delivery meets another process.
    """
    event = json.dumps(build_event(bodies)).encode()
    statuses = []
    for _ in range(DELIVERIES):
        if anew:
            world.worker = PushWorker(world.app)
        statuses.append(call(world.worker, body=event).status)
        if statuses[-1] == 200:
            break
    return statuses


@pytest.mark.parametrize("anew", [False, True], ids=["same process", "another process"])
@pytest.mark.parametrize("task", ["t.quick", "t.silent"])
@pytest.mark.parametrize("position", range(SIZE))
@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_done_beside_a_failure_is_done_once(
    shop, failure, position, task, anew
):
    bodies = [envelope(f"good-{i}", task) for i in range(SIZE - 1)]
    bodies.insert(position, FAILURES[failure]())

    statuses = deliver(shop, bodies, anew=anew)

    assert all(status >= 500 for status in statuses)
    assert shop.ran == {f"good-{i}": 1 for i in range(SIZE - 1)}


@pytest.mark.parametrize("position", range(SIZE))
def test_a_duplicate_in_a_request_is_done_once(shop, position):
    bodies = [envelope(f"good-{i}") for i in range(SIZE - 1)]
    bodies.insert(position, bodies[0])

    assert deliver(shop, bodies, anew=False) == [200]
    assert shop.ran == {f"good-{i}": 1 for i in range(SIZE - 1)}


def test_a_failed_task_is_done_though_the_request_comes_back(shop):
    failed = envelope("failed", "t.fail", body="[[], {}, {}]")

    deliver(shop, [failed, FAILURES["undecodable"]()], anew=True)

    assert shop.runs == ["fail"]
    assert shop.state("failed") == "FAILURE"
