from __future__ import annotations

import json
import logging

from celery import signals


def unknown(world):
    message = json.loads(json.dumps(json.loads(raw(world))))
    message["headers"]["task"] = "t.gone"
    message["headers"]["id"] = "gone"
    return json.dumps(message)


def raw(world):
    from celery_push_worker.testing import build_bodies

    (body,) = build_bodies(world.tasks.add.s("secret", "args"), wrapped=False)
    return body


def test_an_unknown_task_is_dead_recorded_and_told_once(world, caplog):
    seen = []

    def receive(name, id, **_):  # noqa: A002
        seen.append((name, id))

    signals.task_unknown.connect(receive)
    with caplog.at_level(logging.INFO):
        response = world.post(unknown(world))

    assert response.status == 500
    assert response.json["messages"][0]["reason"] == "unknown_task"
    assert seen == [("t.gone", "gone")]
    assert world.state("gone") == "FAILURE"
    lines = [r for r in caplog.records if r.name == "celery_push_worker"]
    assert [r.getMessage() for r in lines] == ["t.gone[gone]: unknown_task"]
    assert "secret" not in caplog.text


def test_an_unknown_task_runs_once_the_new_code_is_there(world):
    body = unknown(world)
    world.handle(body)

    @world.app.task(name="t.gone", shared=False)
    def gone(*_):
        world.runs.append("gone")

    assert world.handle(body)[0].outcome.value == "done"
    assert world.runs == ["gone"]
    assert world.state("gone") == "SUCCESS"


def test_a_time_that_is_no_time_is_dead(world):
    message = json.loads(raw(world))
    message["headers"]["eta"] = "next week"

    (verdict,) = world.handle(json.dumps(message))

    assert (verdict.outcome.value, verdict.reason.value) == ("dead", "invalid_task")


def test_a_body_that_kills_a_worker_is_dead(world):
    message = json.loads(raw(world))
    del message["headers"]["id"]

    (verdict,) = world.handle(json.dumps(message))

    assert (verdict.outcome.value, verdict.reason.value) == ("dead", "invalid_task")


def test_a_dead_message_does_not_keep_others_from_being_done(world):
    add = world.tasks.add

    verdicts = world.handle(add.s(1, 1), "garbage", add.s(2, 2))

    assert [v.outcome.value for v in verdicts] == ["done", "dead", "done"]
