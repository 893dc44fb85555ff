from __future__ import annotations

import json

import pytest
from celery.schedules import crontab

from celery_push_worker.schedule import plan_timers


def fire(world, payload, event_id="e1"):
    event = {
        "messages": [
            {
                "event_metadata": {"event_id": event_id},
                "details": {"trigger_id": "t", "payload": payload},
            }
        ]
    }
    return world.post_raw(json.dumps(event).encode())


def test_a_timer_publishes_its_task_with_its_options(world):
    entry = {
        "task": "t.add",
        "schedule": crontab(),
        "args": (1,),
        "kwargs": {"y": 2},
        "options": {"expires": 600, "headers": {"tenant": "a"}},
    }
    (timer,) = plan_timers({"e": entry}, world.app.timezone)

    assert fire(world, timer.payload).status == 200
    (body,) = world.take()

    headers = json.loads(body)["headers"]
    assert (headers["task"], headers["tenant"]) == ("t.add", "a")
    assert headers["expires"]
    world.handle(body)
    assert world.runs == [("add", 1, 2)]


def test_a_timer_that_the_trigger_repeats_runs_its_task_once(world):
    payload = '{"task": "t.add", "args": [1, 2]}'
    fire(world, payload)
    fire(world, payload)
    fire(world, payload, event_id="e2")

    world.run_all()

    assert world.runs == [("add", 1, 2)] * 2


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "bad_body"),
        ("[]", "bad_body"),
        ('{"task": 1}', "bad_body"),
        ('{"task": "t.add", "args": {}}', "bad_body"),
        ('{"task": "t.add", "options": []}', "bad_body"),
        ('{"task": "os.system", "args": ["x"]}', "unknown_task"),
    ],
)
def test_a_payload_that_names_no_task_is_dead(world, payload, reason):
    response = fire(world, payload)

    assert response.status == 500
    assert response.json["messages"][0]["reason"] == reason
    assert world.take() == []
