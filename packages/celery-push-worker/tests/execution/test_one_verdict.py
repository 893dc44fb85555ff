"""Each message of a request gets its own verdict, whatever one of them raises."""

from __future__ import annotations

import json
import math

import pytest
from celery import signature

from celery_push_worker._events import parse_event
from celery_push_worker.testing import build_event
from support.world import call


def change(world, signature, **changes):
    """Return the body of a message after somebody has changed its headers or parts."""
    envelope = json.loads(world.body(signature.set(task_id="changed")))
    envelope = {**envelope, "headers": {**envelope["headers"], **changes}}
    return json.dumps(envelope)


def change_what_follows(world, **changes):
    args, kwargs, embed = (
        [1, 1],
        {},
        {"callbacks": None, "errbacks": None, "chain": None},
    )
    return json.dumps(
        {
            "body": json.dumps([args, kwargs, {**embed, **changes}]),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": "t.add", "id": "changed"},
            "properties": {"delivery_info": {"routing_key": "default"}},
        }
    )


@pytest.fixture
def world(make_world):
    world = make_world()
    world.body = lambda signature: unwrapped(world, signature)
    return world


def unwrapped(world, signature):
    from celery_push_worker.testing import build_bodies

    (body,) = build_bodies(signature, wrapped=False)
    return body


BROKEN = {
    "an eta without a character": lambda w: change(w, w.tasks.add.s(1, 1), eta=""),
    "an expiry without a character": lambda w: change(
        w, w.tasks.add.s(1, 1), expires=""
    ),
    "stamps without an end": lambda w: change(
        w, w.tasks.add.s(1, 1), stamped_headers=math.inf
    ),
    "stamps that are none": lambda w: change(
        w, w.tasks.add.s(1, 1), stamped_headers=["a"], stamps=3
    ),
    "errbacks that are no list": lambda w: change_what_follows(w, errbacks=True),
    "callbacks that are no list": lambda w: change_what_follows(w, callbacks=7),
    "an id that has no bytes": lambda w: change(w, w.tasks.add.s(1, 1), id="a\ud800"),
    "a name that has no bytes": lambda w: change(w, w.tasks.add.s(1, 1), task="\udfff"),
    "an unknown task that is mapped": lambda w: w.body(
        signature("celery.map", (), {"task": {"task": "t.gone"}, "it": [1]}, app=w.app)
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_message_is_dead_and_those_beside_it_are_done(world, kind):
    first, last = (world.body(world.tasks.quiet.s(word)) for word in ("first", "last"))
    events = parse_event(
        json.dumps(build_event([first, BROKEN[kind](world), last])).encode()
    )

    for _ in range(10):
        verdicts = world.worker.handle(events)

    assert [v.outcome.value for v in verdicts] == ["duplicate", "dead", "duplicate"]
    assert world.runs == ["first", "last"]


def test_a_mapped_task_that_is_unknown_says_its_own_name(world, caplog):
    body = BROKEN["an unknown task that is mapped"](world)

    (verdict,) = world.handle(body)

    assert verdict.reason.value == "unknown_task"
    assert "'t.gone'" in [r.fields["problem"] for r in caplog.records][-1]


def test_a_known_task_that_is_mapped_runs(world):
    mapped = world.tasks.quiet.map(["a", "b"])

    (verdict,) = world.handle(world.body(mapped))

    assert (verdict.state, world.runs) == ("SUCCESS", ["a", "b"])


@pytest.mark.parametrize(
    "sent_at", ["123456789012345abc", "9" * 400, "", None, 1e400, "-1", "١٢٣"]
)
def test_a_time_of_sending_that_is_none_is_not_told(world, sent_at):
    event = build_event([world.body(world.tasks.add.s(1, 1))])
    message = event["messages"][0]["details"]["message"]
    message["attributes"] = {"SentTimestamp": sent_at}

    response = world.post_raw(json.dumps(event).encode())

    assert response.status == 200


def test_a_message_whose_id_has_no_bytes_has_another(world):
    event = build_event([world.body(world.tasks.add.s(1, 1))])
    event["messages"][0]["details"]["message"]["message_id"] = "\ud800"

    response = world.post_raw(json.dumps(event).encode())

    assert response.status == 200
    event_id = event["messages"][0]["event_metadata"]["event_id"]
    assert response.json["messages"][0]["message_id"] == event_id


@pytest.mark.parametrize("limit", ["soft_time_limit", "time_limit"])
def test_a_limit_of_next_to_nothing_is_a_failure_of_the_task(world, limit):
    body = world.body(world.tasks.sleep.s(1).set(**{limit: 1e-9}, task_id="hurried"))

    (verdict,) = world.handle(body)

    assert (verdict.outcome.value, verdict.state) == ("done", "FAILURE")
    assert "TimeLimitExceeded" in type(world.result("hurried")).__name__


def test_whatever_is_raised_is_a_verdict(world, monkeypatch):
    # What nobody has thought of yet.
    def raise_anything(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr(world.worker.handler.executor, "build_request", raise_anything)
    bodies = [world.body(world.tasks.add.s(n, n)) for n in (1, 2)]

    response = call(world.worker, body=json.dumps(build_event(bodies)).encode())

    assert response.status == 500
    assert [m["reason"] for m in response.json["messages"]] == ["internal_error"] * 2


def test_each_message_has_its_line(world, caplog):
    caplog.set_level("INFO", "celery_push_worker")
    good = world.body(world.tasks.quiet.s("a"))
    bad = BROKEN["an eta without a character"](world)

    world.handle(good, bad)

    lines = [record.fields for record in caplog.records if hasattr(record, "fields")]
    assert [line["outcome"] for line in lines] == ["done", "dead"]


def test_a_timer_whose_task_can_never_be_published_is_dead(world):
    payload = {"task": "t.quiet", "options": {"countdown": "soon"}}
    event = {"messages": [{"details": {"payload": json.dumps(payload)}}]}

    response = world.post_raw(json.dumps(event).encode())

    assert response.status == 500
    assert response.json["messages"][0]["outcome"] == "dead"
