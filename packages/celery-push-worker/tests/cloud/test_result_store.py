from __future__ import annotations

import json
from collections import Counter

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from celery import chord

from celery_push_worker._events import parse_event


@pytest.fixture
def calls(world):
    """Count what is asked of the table."""
    seen = Counter()
    events = world.app.backend.client.meta.events
    for name in ("GetItem", "PutItem", "UpdateItem"):
        events.register(
            f"before-call.dynamodb.{name}",
            lambda n=name, **_: seen.update([n]),
        )
    return seen


def test_a_result_is_stored_and_read_back(world):
    world.handle(world.tasks.add.s(2, 3).set(task_id="stored"))

    assert world.result("stored") == 5


def test_the_search_for_duplicates_costs_a_success_nothing(world, calls):
    world.worker.deduplicator.deduplicate = False
    world.handle(world.tasks.add.s(2, 3))
    without_search = dict(calls)
    calls.clear()
    world.worker.deduplicator.deduplicate = True
    body = world.body(world.tasks.add.s(2, 3))
    world.handle(body)
    with_search = dict(calls)
    calls.clear()
    world.handle(body)

    assert with_search == without_search == {"GetItem": 1, "PutItem": 1}
    assert calls == {"GetItem": 1}


def test_the_search_for_duplicates_costs_a_failure_one_read(world, calls):
    world.handle(world.tasks.fail.s())

    assert calls == {"GetItem": 2, "PutItem": 1}


def test_a_failure_leaves_the_success_of_another_instance_alone(world):
    theirs = world.app._get_backend()

    @world.app.task(name="t.overtaken", bind=True, shared=False)
    def overtaken(self):
        theirs.store_result(self.request.id, "theirs", "SUCCESS")
        raise ValueError

    world.handle(overtaken.s().set(task_id="overtaken"))

    assert world.state("overtaken") == "SUCCESS"
    assert world.result("overtaken") == "theirs"


def test_a_success_that_the_task_has_stored_itself_is_left_alone(world):
    @world.app.task(name="t.own_success", bind=True, shared=False)
    def own_success(self):
        self.update_state(state="SUCCESS", meta="its own")
        return "returned"

    world.handle(own_success.s().set(task_id="own"))

    assert world.result("own") == "its own"


def test_a_task_without_a_result_costs_no_read(world, calls):
    world.handle(world.tasks.quiet.s())

    assert calls == {}


def test_a_chord_is_joined_over_the_table(world, queue):
    add = world.tasks.add
    result = chord([add.s(i, i) for i in range(3)])(world.tasks.total.s())

    # Celery 5.3 asks again each second whether the header is ready.
    polls = not world.app.backend.implements_incr
    while bodies := queue.take(wait=3 if polls else 0):
        for body in bodies:
            world.handle(body)
            world.handle(body)

    assert world.result(result.id) == 6
    assert world.runs.count(("total", (0, 2, 4))) == 1


def test_connections_are_replaced_after_a_pause(world, queue):
    world.handle(world.tasks.retry.s(countdown=1))
    clients = list(list_clients(world))
    sockets = [sum_sockets(client) for client in clients]
    world.worker.idle_watch.last_used -= 60

    world.worker.idle_watch.wake()

    assert min(sockets) >= 1
    assert [sum_sockets(client) for client in clients] == [0, 0]
    world.handle(world.tasks.retry.s(countdown=1))
    assert list(list_clients(world)) == clients
    assert min(sum_sockets(client) for client in clients) >= 1


def test_within_a_pause_connections_are_kept(world):
    world.handle(world.tasks.retry.s(countdown=1))

    world.worker.idle_watch.wake()

    assert min(map(sum_sockets, list_clients(world))) >= 1


def list_clients(world):
    from celery_push_worker._connections import find_broker_clients, find_store_clients

    yield from find_broker_clients(world.app)
    yield from find_store_clients(world.app)


def sum_sockets(client):
    manager = client._endpoint.http_session._manager
    return len(manager.pools)


def test_the_stand_in_is_reached_as_the_cloud_would_be(endpoint):
    assert boto3.client("dynamodb").meta.endpoint_url == endpoint


def test_a_result_that_the_table_can_never_hold_runs_once(world):
    @world.app.task(name="t.large", shared=False)
    def large():
        world.runs.append("run")
        return "x" * 500_000

    event = parse_event(world.event(large.s().set(task_id="large")))
    verdicts = [world.worker.handle(event)[0] for _ in range(10)]

    assert verdicts[0].outcome.value == "done"
    assert verdicts[0].state == "FAILURE"
    # The trigger delivers no more once it has a 200.
    assert type(world.result("large")).__name__ == "ResultRefusedError"
    assert "Item size" in str(world.result("large"))
    assert "400 KB" in str(world.result("large"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "AccessDeniedException"),
        (400, "ResourceNotFoundException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ],
)
def test_what_the_table_may_take_later_comes_back(world, status, code):
    def refuse(**_):
        error = {"__type__": code, "message": "not now", "__type": f"x#{code}"}
        return AWSResponse("", status, {}, Raw(json.dumps(error).encode()))

    events = world.app.backend.client.meta.events
    events.register("before-send.dynamodb.PutItem", refuse)

    (verdict,) = world.handle(world.tasks.add.s(1, 1).set(task_id=f"later-{code}"))

    assert (verdict.outcome.value, verdict.reason.value) == (
        "retry_later",
        "store_failed",
    )


class Raw:
    """The body of an answer, as the client's HTTP library has it."""

    def __init__(self, content):
        self.content = content

    def stream(self, *_args, **_kwargs):
        yield self.content


def test_a_member_that_was_stored_and_not_counted_is_counted(world, queue, monkeypatch):
    if not world.app.backend.implements_incr:
        return  # Celery 5.3 counts nothing.
    result = chord([world.tasks.add.s(i, i) for i in range(3)])(world.tasks.total.s())
    members = queue.take()

    def lose(*_args, **_kwargs):
        raise ConnectionResetError("the process ends here")

    for member in members:
        with monkeypatch.context() as patch:
            patch.setattr(world.app.backend, "on_chord_part_return", lose)
            world.handle(member)
        world.worker.deduplicator.done.clear()
        assert world.handle(member)[0].outcome.value == "duplicate"
    (body,) = queue.take()
    world.handle(body)

    assert world.result(result.id) == 6


def test_a_member_whose_result_the_table_refuses_fails_the_body(world, queue):
    @world.app.task(name="t.huge", shared=False)
    def huge():
        return "x" * 500_000

    header = [world.tasks.add.s(1, 1), huge.s().set(task_id="huge")]
    result = chord(header)(world.tasks.total.s())
    for member in queue.take():
        assert world.handle(member)[0].outcome.value == "done"

    assert world.state("huge") == "FAILURE"
    if world.app.backend.implements_incr:  # Celery 5.3 looks later.
        assert world.state(result.id) == "FAILURE"
