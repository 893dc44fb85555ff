from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from celery import chain, chord, group, signals


def new_id() -> str:
    return str(uuid.uuid4())


def only(verdicts):
    (verdict,) = verdicts
    return verdict.outcome.value, verdict.reason and verdict.reason.value


def test_a_success_is_stored_and_done(world):
    task_id = new_id()

    response = world.post(world.tasks.add.s(2, 3).set(task_id=task_id))

    assert response.status == 200
    assert world.result(task_id) == 5


def test_the_request_is_the_one_of_a_worker(world):
    task_id = new_id()
    signature = world.tasks.context.s().set(task_id=task_id, root_id="root")

    world.post(signature)

    seen = world.result(task_id)
    assert seen["root_id"] == "root"
    assert (seen["is_eager"], seen["called_directly"]) == (False, False)
    assert seen["delivery_info"]["routing_key"] == "default"


def test_a_failure_is_stored_and_done(world):
    task_id = new_id()

    verdicts = world.handle(world.tasks.fail.s().set(task_id=task_id))

    assert only(verdicts) == ("done", None)
    assert world.state(task_id) == "FAILURE"


def test_a_late_failure_is_done_and_an_unacknowledged_one_is_dead(world):
    assert only(world.handle(world.tasks.fail_late.s())) == ("done", None)
    assert only(world.handle(world.tasks.fail_unacked.s())) == ("dead", "rejected")


def test_a_rejected_message_is_dead_or_comes_back(world):
    assert only(world.handle(world.tasks.reject.s())) == ("dead", "rejected")
    assert only(world.handle(world.tasks.reject.s(requeue=True))) == (
        "retry_later",
        "requeued",
    )


def test_an_early_acknowledged_message_cannot_be_rejected(world):
    assert only(world.handle(world.tasks.reject_early.s())) == ("done", None)


def test_an_ignored_task_stores_nothing(world):
    task_id = new_id()

    assert only(world.handle(world.tasks.ignore.s().set(task_id=task_id)))[0] == "done"
    assert world.state(task_id) == "PENDING"


def test_a_retry_is_published_and_ends_in_success(world):
    task_id = new_id()

    first = world.handle(world.tasks.retry.s().set(task_id=task_id))
    assert world.state(task_id) == "RETRY"
    world.run_all()

    assert only(first) == ("done", None)
    assert world.runs == [("retry", 0), ("retry", 1), ("retry", 2)]
    assert world.result(task_id) == "done"


def test_a_chain_runs_to_its_end(world):
    add = world.tasks.add
    result = chain(add.s(1, 2), add.s(10), add.s(100)).apply_async()

    world.run_all()

    assert world.result(result.id) == 113


def test_a_chord_joins_its_header(world):
    add = world.tasks.add
    result = chord([add.s(i, i) for i in range(3)])(world.tasks.total.s())

    world.run_all()

    assert world.result(result.id) == 6


def test_a_duplicate_in_the_header_does_not_break_a_chord(world):
    add = world.tasks.add
    result = chord([add.s(i, i) for i in range(3)])(world.tasks.total.s())
    header = world.take()

    for body in [header[0], header[0], *header]:
        world.handle(body)
    world.run_all()

    assert world.result(result.id) == 6
    assert world.runs.count(("add", 0, 0)) == 1


def test_a_group_a_link_and_an_errback_are_published(world):
    tasks = world.tasks
    group([tasks.add.s(1, 1), tasks.add.s(2, 2)]).apply_async()
    tasks.add.apply_async((3, 3), link=tasks.add.s(4))
    tasks.fail.apply_async(link_error=tasks.errback.s())

    world.run_all()

    assert ("add", 6, 4) in world.runs
    assert ("errback", "ValueError") in world.runs


def test_a_replaced_task_has_the_result_of_its_replacement(world):
    result = world.tasks.replace.delay()

    world.run_all()

    assert world.result(result.id) == 23


def test_an_expired_task_is_revoked_and_done(world):
    task_id = new_id()
    past = datetime.now(timezone.utc) - timedelta(minutes=1)
    signature = world.tasks.add.s(1, 1).set(task_id=task_id, expires=past)

    assert only(world.handle(signature)) == ("done", None)
    assert world.state(task_id) == "REVOKED"
    assert world.runs == []


@pytest.mark.parametrize(
    ("eta", "expires", "sent", "expected"),
    [
        (-1, -10, -60, ["task_received", "task_revoked"]),  # Expired while it waited.
        (-1, -10, None, ["task_received", "task_revoked"]),
        (-1, -10, -5, ["task_revoked"]),  # Had expired when it was published.
        (None, -10, -60, ["task_revoked"]),  # A worker gets it now.
    ],
)
def test_a_task_that_expires_while_it_waits_was_received(
    world, eta, expires, sent, expected
):
    seen = []

    def note(name):
        def receive(**_):
            seen.append(name)

        return receive

    receivers = [note("task_received"), note("task_revoked")]
    signals.task_received.connect(receivers[0])
    signals.task_revoked.connect(receivers[1])
    now = datetime.now(timezone.utc)
    times = {"expires": now + timedelta(seconds=expires)}
    if eta:
        times["eta"] = now + timedelta(seconds=eta)
    event = json.loads(world.event(world.tasks.add.s(1, 1).set(**times)))
    if sent:
        sent_at = str(int((now.timestamp() + sent) * 1000))
        message = event["messages"][0]["details"]["message"]
        message["attributes"]["SentTimestamp"] = sent_at

    world.post_raw(json.dumps(event).encode())

    assert seen == expected
    assert world.runs == []


def test_what_is_meant_for_the_queue_is_not_in_the_request(world):
    @world.app.task(name="t.look", bind=True, shared=False)
    def look(self):
        return [self.request.properties, self.request.headers]

    @world.app.task(name="t.look_again", bind=True, shared=False)
    def look_again(self):
        if not self.request.retries:
            raise self.retry(countdown=0)
        return self.request.headers

    for task in (look, look_again):
        body = json.loads(base64.b64decode(world.body(task.s().set(task_id=task.name))))
        body["properties"]["DelaySeconds"] = 5
        body["headers"]["push_worker_hops"] = 3
        body["headers"]["trace"] = "kept"
        world.handle(json.dumps(body))
    world.run_all()

    properties, headers = world.result("t.look")
    assert "DelaySeconds" not in properties
    assert properties["correlation_id"] == "t.look"
    for found in (headers, world.result("t.look_again")):
        assert found["trace"] == "kept"
        assert "push_worker_hops" not in found


def test_signals_come_in_the_order_of_a_worker(world):
    seen = []
    names = ["task_received", "task_prerun", "task_success", "task_postrun"]
    receivers = [lambda name=name, **_: seen.append(name) for name in names]
    for name, receiver in zip(names, receivers, strict=True):
        getattr(signals, name).connect(receiver)

    world.handle(world.tasks.add.s(1, 1))

    assert seen == names


def test_a_task_that_exits_is_recorded_as_lost(world):
    task_id = new_id()

    assert only(world.handle(world.tasks.leave.s().set(task_id=task_id)))[0] == "done"
    assert world.state(task_id) == "FAILURE"


def test_a_result_that_cannot_be_encoded_is_a_failure(world):
    @world.app.task(name="t.odd", shared=False)
    def odd():
        return object()

    assert only(world.handle(odd.s().set(task_id="odd"))) == ("done", None)
    assert world.state("odd") == "FAILURE"


def test_waiting_for_a_task_inside_a_task_is_refused(world):
    @world.app.task(name="t.wait", shared=False)
    def wait():
        return world.tasks.add.delay(1, 1).get()

    task_id = new_id()
    world.handle(wait.s().set(task_id=task_id))

    assert world.state(task_id) == "FAILURE"
    assert "Never call result.get()" in str(world.result(task_id))


@pytest.mark.parametrize("serializer", ["json", "yaml", "pickle", "msgpack"])
def test_every_allowed_serializer_is_decoded(make_world, serializer):
    pytest.importorskip({"yaml": "yaml"}.get(serializer, serializer))
    world = make_world(task_serializer=serializer, accept_content=[serializer, "json"])

    verdicts = world.handle(world.tasks.add.s(2, 3))

    assert only(verdicts) == ("done", None)
    assert world.runs == [("add", 2, 3)]


def test_a_serializer_that_is_not_allowed_is_never_decoded(make_world):
    world = make_world(task_serializer="pickle", accept_content=["json"])

    assert only(world.handle(world.tasks.add.s(2, 3))) == ("dead", "refused_content")


@pytest.mark.parametrize("compression", ["zlib", "bzip2", "lzma"])
def test_every_compression_is_undone(world, compression):
    world.tasks.add.apply_async((2, 3), compression=compression)

    world.run_all()

    assert world.runs == [("add", 2, 3)]


def test_protocol_1_is_executed(make_world):
    world = make_world(task_protocol=1)
    result = world.tasks.retry.delay()

    world.run_all()

    assert world.result(result.id) == "done"
