"""Garbage is answered, never executed, never told as done, and never echoed."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from celery import signals
from hypothesis import HealthCheck, given, settings

from celery_push_worker.testing import build_event
from support.world import World

from . import strategies
from .strategies import CANARY, RAN

BODIES = 10_000 if os.environ.get("DEEP", "") not in ("", "0") else 400
"""Hostile bodies in all; a sample unless everything is run."""

SECRETS = (CANARY, "Traceback", 'File "', "secret-key", "canary")

pytestmark = pytest.mark.filterwarnings("default")

VALID: dict[str, Any] = {
    "body": base64.b64encode(json.dumps([[1, 2], {}, {}]).encode()).decode(),
    "content-type": "application/json",
    "content-encoding": "utf-8",
    "headers": {
        "task": "t.add",
        "id": "the-id",
        "lang": "py",
        "root_id": "the-id",
        "parent_id": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "timelimit": [None, None],
        "argsrepr": CANARY,
    },
    "properties": {
        "correlation_id": "the-id",
        "delivery_info": {"exchange": "", "routing_key": "default"},
        "body_encoding": "base64",
        "delivery_tag": "tag",
        "priority": 0,
    },
}


def share(part: int) -> settings:
    """Return settings for one of so many parts of the bodies."""
    return settings(
        max_examples=BODIES // part,
        deadline=None,
        database=None,
        # A failure that a sample finds once is found again; in full it looks further.
        derandomize=BODIES < 10_000,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.function_scoped_fixture,
        ],
    )


@pytest.fixture(scope="module")
def world():
    return World(push_worker_deduplicate=False, push_worker_secret="secret-key")


@pytest.fixture
def ended():
    """Collect what came to an end, as Celery's signals tell."""
    names: list[Any] = []

    def receive(sender=None, **_):
        names.append(sender.name)

    used = (signals.task_postrun, signals.task_revoked)
    for signal in used:
        signal.connect(receive, weak=False)
    yield names
    for signal in used:
        signal.disconnect(receive)


def post(world, ended, raw):
    world.purge()
    ended.clear()
    RAN.clear()
    response = world.post_raw(raw)
    assert not RAN, "hostile content was executed"
    assert set(ended) <= set(world.app.tasks)
    text = response.body.decode()
    for message in response.json.get("messages", []):
        # The caller's own id of a message is given back.
        text = text.replace(json.dumps(message.get("message_id")), "")
    assert not [secret for secret in SECRETS if secret in text]
    return response


def test_how_many_bodies_are_tried():
    print(f"{BODIES} hostile bodies (10,000 with DEEP=1)")


@share(2)
@given(text=strategies.texts(VALID))
def test_a_message_is_done_or_not_answered_so(world, ended, text):
    response = post(world, ended, json.dumps(build_event([text])).encode())

    check_answer(world, ended, response)


@share(4)
@given(one=strategies.texts(VALID), other=strategies.texts(VALID))
def test_one_message_of_two_does_not_hide_the_other(world, ended, one, other):
    response = post(world, ended, json.dumps(build_event([one, other])).encode())

    check_answer(world, ended, response)


@share(4)
@given(raw=strategies.events(build_event([json.dumps(VALID)])))
def test_a_request_is_answered_whatever_it_is(world, ended, raw):
    response = post(world, ended, raw)

    if response.status != 400:
        check_answer(world, ended, response)


def check_answer(world, ended, response):
    outcomes = [message["outcome"] for message in response.json["messages"]]
    assert outcomes.count("done") <= len(ended)
    assert outcomes.count("delayed") <= len(world.take())
    assert "duplicate" not in outcomes
    if all(outcome in ("done", "delayed") for outcome in outcomes):
        assert response.status == 200
    else:
        assert response.status in (500, 503)
