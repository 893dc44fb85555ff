"""The line of each message, and what must never be in any line."""

from __future__ import annotations

import io
import json
import logging
from datetime import datetime, timedelta, timezone

import pytest
from celery import Celery, chain, chord, group

from celery_push_worker._log_setup import QUIET, take_over_logging
from celery_push_worker.testing import build_bodies
from support.world import World

PRIVATE = "Анна-z4111-1111\x1b[2J\x9b31m\u2028"
"""Of a person, and of somebody who attacks the terminal that shows it."""

# With a letter that no random id has.
TRACES = ("z4111", "\\u0410\\u043d\\u043d\\u0430", "Анна")


@pytest.fixture
def lines():
    """All that a worker logs at the lowest level."""
    stream = io.StringIO()
    names = ("", "celery.task", *QUIET)
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    take_over_logging(Celery(set_as_current=False), "DEBUG")
    for logger in loggers[:2]:
        logger.handlers[0].setStream(stream)
    yield lambda: check(stream.getvalue())
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def check(text):
    """Parse the lines, each of which is one object and harmless to a terminal."""
    assert not [c for c in text if c != "\n" and (c < " " or "\x7f" <= c <= "\x9f")]
    assert text.splitlines() == text.split("\n")[:-1]
    return [json.loads(line) for line in text.splitlines()]


def verdicts(lines):
    return [line for line in lines if "outcome" in line]


def only(lines):
    (line,) = verdicts(lines)
    return line


def send(world, event):
    """Deliver an event as it is, with whatever attributes its messages have."""
    return world.post_raw(json.dumps(event).encode())


def test_a_success_says_all_that_is_known_of_its_message(world, lines):
    signature = world.tasks.add.s(2, 3).set(task_id="t", root_id="r", parent_id="p")
    (body,) = build_bodies(signature)
    attributes = {"SentTimestamp": "1569285804456", "ApproximateReceiveCount": "2"}
    message = {"message_id": "m", "body": body, "attributes": attributes}

    send(world, {"messages": [{"details": {"message": message}}]})

    line = only(lines())
    assert line.pop("duration_seconds") >= 0
    assert line.pop("queue_latency_seconds") > 0
    assert line == {
        "level": "INFO",
        "message": "t.add[t]: SUCCESS",
        "logger": "celery_push_worker",
        "message_id": "m",
        "task_id": "t",
        "task_name": "t.add",
        "queue": "default",
        "sent_at": "2019-09-24T00:43:24.456Z",
        "receive_count": 2,
        "attempt": 1,
        "hops": 0,
        "root_id": "r",
        "parent_id": "p",
        "outcome": "done",
        "state": "SUCCESS",
    }


def test_a_failure_names_the_type_of_its_error(world, lines):
    world.handle(world.tasks.fail.s())

    assert only(lines())["exception_type"] == "ValueError"


def test_a_task_that_leaves_names_what_it_raised(world, lines):
    world.handle(world.tasks.leave.s())

    line = only(lines())
    assert (line["state"], line["exception_type"]) == ("FAILURE", "SystemExit")


def test_a_task_at_its_hard_limit_says_so(world, lines):
    world.handle(world.tasks.sleep.s(5).set(time_limit=0.2))

    assert only(lines())["exception_type"].endswith("TimeLimitExceeded")


def test_a_retry_says_when_it_is_due_again(world, lines):
    before = datetime.now(timezone.utc)

    world.handle(world.tasks.retry.s(countdown=60))

    line = only(lines())
    due = datetime.fromisoformat(line["next_attempt_at"].replace("Z", "+00:00"))
    assert line["state"] == "RETRY"
    assert timedelta(seconds=59) < due - before < timedelta(seconds=90)


def test_the_attempts_of_a_retry_are_counted(world, lines):
    world.handle(world.tasks.retry.s())
    world.run_all()

    assert [line["attempt"] for line in verdicts(lines())] == [1, 2, 3]


def test_the_members_of_a_chain_name_their_root_and_parent(world, lines):
    add = world.tasks.add
    chain(add.s(1, 2).set(task_id="a"), add.s(3).set(task_id="b")).apply_async()
    world.run_all()

    first, second = verdicts(lines())
    assert (first["root_id"], first.get("parent_id")) == ("a", None)
    assert (second["root_id"], second["parent_id"]) == ("a", "a")


def test_the_members_of_a_group_name_it(world, lines):
    group(world.tasks.add.s(i, i) for i in range(2)).apply_async(task_id="g")
    world.run_all()

    assert [line["group_id"] for line in verdicts(lines())] == ["g", "g"]


def test_an_unknown_task_says_what_its_message_says(world, lines):
    signature = world.tasks.add.s(1, 2).set(task_id="t", root_id="r")
    body = world.body(signature)
    del world.app.tasks["t.add"]

    world.handle(body)

    line = only(lines())
    assert (line["task_name"], line["root_id"]) == ("t.add", "r")
    assert (line["queue"], line["reason"]) == ("default", "unknown_task")


def everything(world):
    """Have tasks of every kind executed whose arguments and results are private."""

    @world.app.task(name="t.echo", shared=False)
    def echo(*args, **kwargs):
        return [PRIVATE, args, kwargs]

    @world.app.task(name="t.broken", shared=False)
    def broken(*_args, **_kwargs):
        raise ValueError("no reason")

    @world.app.task(name="t.again", bind=True, max_retries=1, shared=False)
    def again(self, *_args, **_kwargs):
        raise self.retry(countdown=0, exc=ValueError("no reason"))

    @world.app.task(name="t.unacked", acks_late=True, shared=False)
    def unacked(*_args):
        from celery.exceptions import Reject

        raise Reject("no reason", requeue=False)

    @world.app.task(name="t.odd", shared=False)
    def odd(*_args):
        return {PRIVATE: object()}

    @world.app.task(name="t.slow", shared=False)
    def slow(*_args):
        import time

        time.sleep(5)

    for task in (echo, broken, again, unacked, odd):
        world.handle(task.s(PRIVATE, key=PRIVATE) if task is echo else task.s(PRIVATE))
    world.handle(slow.s(PRIVATE).set(time_limit=0.2))
    world.handle(echo.s(PRIVATE).set(expires=-1))
    chain(echo.s(PRIVATE), echo.s(), broken.s()).apply_async()
    chord([echo.s(PRIVATE), echo.s(PRIVATE)])(echo.s(PRIVATE))
    group(echo.s(PRIVATE), broken.s(PRIVATE)).apply_async()
    echo.apply_async((PRIVATE,), link=echo.s(), link_error=broken.s(PRIVATE))
    world.run_all()
    world.handle(echo.s(PRIVATE).set(countdown=3_600))
    unknown = world.body(echo.s(PRIVATE))
    del world.app.tasks["t.echo"]
    world.handle(unknown)
    for body in (PRIVATE, json.dumps({"body": PRIVATE}), unknown[:-40]):
        world.handle(body)
    return lambda found: {line.get("task_name") for line in verdicts(found)}


def test_arguments_and_results_are_in_no_line(world, lines):
    names = everything(world)

    found = lines()
    assert names(found) >= {"t.echo", "t.broken", "t.again", "t.unacked", "t.odd"}
    for line in found:
        text = json.dumps(line, ensure_ascii=False)
        assert not any(trace in text for trace in TRACES), line


def test_arguments_are_in_the_line_if_the_project_asks_for_them(lines):
    world = World(push_worker_log_arguments=True)

    everything(world)

    texts = [line["args"] for line in verdicts(lines()) if line.get("args")]
    assert any("z4111" in text for text in texts)


def test_arguments_that_were_asked_for_fit_into_the_line(lines):
    world = World(push_worker_log_arguments=True)
    text = "\x1b" * 200_000

    world.handle(world.tasks.quiet.s(text).set(argsrepr=text))

    assert only(lines())["args"].endswith("more characters")
