from __future__ import annotations

import base64
import json
import time

import pytest
from celery import Celery

from .conftest import later


def unwrap(body):
    return json.loads(base64.b64decode(body))


def test_a_countdown_is_held_by_the_queue(world, queue):
    world.tasks.add.apply_async((1, 2), countdown=100)

    ((_, delay),) = queue.peek()
    assert 90 < delay <= 100


def test_a_retry_arrives_on_time_and_once(world, queue):
    started = time.monotonic()
    verdicts = world.handle(world.tasks.retry.s(countdown=1))
    (body,) = queue.take(wait=20)

    assert verdicts[0].state == "RETRY"
    assert time.monotonic() - started >= 1
    assert world.handle(body)[0].outcome.value == "done"
    assert world.runs == [("retry", 0), ("retry", 1)]


def test_a_task_of_an_unprepared_publisher_waits_in_the_queue(world, queue):
    body = world.body(world.tasks.add.s(1, 2).set(eta=later(100)))

    verdicts = world.handle(body)

    assert verdicts[0].outcome.value == "delayed"
    assert world.runs == []
    ((_, delay),) = queue.peek()
    assert 90 < delay <= 101


def test_beyond_the_queues_longest_delay_it_goes_in_hops(world, queue):
    body = world.body(world.tasks.add.s(1, 2).set(eta=later(2000)))
    original = unwrap(body)

    for hop in (1, 2, 3):
        world.handle(body)
        body, delay = queue.peek()[-1]
        assert 890 < delay <= 900
        again = unwrap(body)
        assert again["headers"] == {**original["headers"], "push_worker_hops": hop}
        assert (again["body"], again["content-type"]) == (
            original["body"],
            original["content-type"],
        )
    assert world.runs == []


def test_a_compressed_task_survives_its_hops(world, queue):
    world.app.conf.task_compression = "zlib"
    world.tasks.add.apply_async((1, 2), eta=later(1000))
    first, _ = queue.peek()[0]
    world.handle(first)
    second, _ = queue.peek()[1]
    due = unwrap(second)
    due["headers"]["eta"] = later(-1).isoformat()

    world.handle(json.dumps(due))

    assert world.runs == [("add", 1, 2)]


def test_a_task_that_is_nearly_due_is_waited_for(world, queue):
    due = later(0.5)
    world.handle(world.body(world.tasks.add.s(1, 2).set(eta=due)))

    assert later(0) >= due
    assert world.runs == [("add", 1, 2)]


def test_an_expired_task_is_not_sent_on(world):
    signature = world.tasks.add.s(1, 2).set(eta=later(100), expires=later(-1))

    (verdict,) = world.handle(signature)

    assert (verdict.outcome.value, verdict.state) == ("done", "REVOKED")


def test_a_queue_that_nobody_declared_is_not_published_to(world, queue):
    signature = world.tasks.add.s(1, 2).set(eta=later(100))
    message = json.loads(base64.b64decode(world.body(signature)))
    message["properties"]["delivery_info"]["routing_key"] = "elsewhere"

    assert world.handle(json.dumps(message))[0].outcome.value == "delayed"
    assert len(queue.peek()) == 1


@pytest.mark.parametrize("installed", [True, False])
def test_only_a_publisher_that_installs_it_delays(world, queue, installed):
    from celery_push_worker import install
    from celery_push_worker._install import CELERYS_OWN

    app = Celery("site", broker="sqs://", set_as_current=False)
    app.conf.update(world.app.conf.changes)
    app.amqp_cls = CELERYS_OWN
    if installed:
        install(app)
        install(app)

    app.send_task("t.add", (1, 2), countdown=50)

    ((_, delay),) = queue.peek()
    assert (delay > 40) == installed
