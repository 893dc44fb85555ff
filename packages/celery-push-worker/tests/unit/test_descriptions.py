from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from celery.exceptions import Ignore, Reject, Retry, TimeLimitExceeded
from celery.utils.serialization import get_pickleable_exception

from celery_push_worker._descriptions import (
    describe_arguments,
    describe_delivery,
    describe_failure,
    describe_task,
    format_time,
)
from celery_push_worker._events import Delivery
from celery_push_worker._messages import decode_message

DUE = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)


def delivery(**fields):
    return Delivery(message_id="m", body="", **fields)


def decode(world, signature):
    return decode_message(world.body(signature), world.app)


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_what_the_event_does_not_say_is_left_out():
    assert describe_delivery(delivery()) == {}


def test_a_delivery_says_when_it_was_sent_and_how_often_it_came():
    found = describe_delivery(delivery(sent_at=1569285804.456, receive_count=3))

    assert found.pop("queue_latency_seconds") > 0
    assert found == {"sent_at": "2019-09-24T00:43:24.456Z", "receive_count": 3}


def test_a_message_from_the_future_has_waited_no_time():
    found = describe_delivery(delivery(sent_at=time.time() + 60))

    assert found["queue_latency_seconds"] == 0


def test_a_time_beyond_all_years_is_no_time():
    assert format_time(999_999_999_999) is None
    assert "sent_at" not in describe_delivery(delivery(sent_at=999_999_999_999.0))


def test_a_task_says_its_family_and_its_queue(world):
    signature = world.tasks.add.s(1, 2).set(
        task_id="t", root_id="r", parent_id="p", group_id="g", eta=DUE
    )

    assert describe_task(world.app, decode(world, signature), delivery()) == {
        "task_id": "t",
        "task_name": "t.add",
        "queue": "default",
        "attempt": 1,
        "hops": 0,
        "eta": "2026-01-05T12:00:00+00:00",
        "root_id": "r",
        "parent_id": "p",
        "group_id": "g",
    }


def test_a_task_without_family_says_none(world):
    message = decode(world, world.tasks.add.s(1, 2).set(task_id="t"))
    message.headers.update(root_id="", parent_id=None)

    found = describe_task(world.app, message, delivery())

    assert {"root_id", "parent_id", "group_id"}.isdisjoint(found)


def test_a_task_that_was_sent_again_names_the_first(world):
    message = decode(world, world.tasks.add.s(1, 2))
    message.headers["repeats_id"] = "old"

    assert describe_task(world.app, message, delivery())["repeats_id"] == "old"


def test_a_projects_own_header_of_that_name_is_not_logged(world):
    message = decode(world, world.tasks.add.s(1, 2))
    message.headers["repeats_id"] = {"card": 4111}

    assert "repeats_id" not in describe_task(world.app, message, delivery())


def test_the_queue_has_celerys_name_not_the_clouds(make_world):
    queues = {"mail": {"url": "https://q/b1/e1/shop-mail"}}
    world = make_world(broker_transport_options={"predefined_queues": queues})
    message = decode(world, world.tasks.add.s(1, 2))

    found = describe_task(world.app, message, delivery(queue="shop-mail"))

    assert found["queue"] == "mail"


def test_arguments_are_celerys_own_text_of_them(world):
    message = decode(world, world.tasks.add.s("Анна", y=2))

    assert describe_arguments(message) == {"args": "('Анна',)", "kwargs": "{'y': 2}"}


def test_arguments_that_the_publisher_hides_stay_hidden(world):
    hidden = world.tasks.add.s("secret", y="secret").set(
        argsrepr="(***)", kwargsrepr="{***}"
    )

    found = describe_arguments(decode(world, hidden))

    assert found == {"args": "(***)", "kwargs": "{***}"}


def test_arguments_without_celerys_text_are_described_here(world):
    message = decode(world, world.tasks.add.s("x" * 9_000, y=2))
    del message.headers["argsrepr"], message.headers["kwargsrepr"]

    found = describe_arguments(message)

    assert found["args"].startswith("['xxx")
    assert "..." in found["args"]
    assert len(found["args"]) < 1_100
    assert found["kwargs"] == "{'y': 2}"


def test_a_text_that_is_too_long_says_what_is_missing(world):
    long = world.tasks.add.s(1, 2).set(argsrepr="x" * 5_000)

    found = describe_arguments(decode(world, long))

    assert found["args"] == "x" * 4_096 + "… 904 more characters"


class Local(Exception):
    def __init__(self, one, two):
        super().__init__()


@pytest.mark.parametrize(
    ("exc", "name"),
    [
        (ValueError("secret"), "ValueError"),
        (TimeLimitExceeded(3), "billiard.exceptions.TimeLimitExceeded"),
        (Local(1, 2), f"{__name__}.Local"),
        (get_pickleable_exception(Local(1, 2)), f"{__name__}.Local"),
    ],
)
def test_an_error_is_told_by_its_type_alone(exc, name):
    assert describe_failure(exc) == {"exception_type": name}


def test_who_ignores_or_rejects_has_not_failed():
    assert describe_failure(Ignore()) == {}
    assert describe_failure(Reject("secret")) == {}


def test_a_retry_says_why_and_when():
    found = describe_failure(Retry(exc=KeyError("secret"), when=30))

    assert found.pop("exception_type") == "KeyError"
    assert seconds(found.pop("next_attempt_at")) == pytest.approx(
        time.time() + 30, abs=5
    )
    assert found == {}


@pytest.mark.parametrize("zone", [None, timezone.utc, timezone(timedelta(hours=3))])
def test_a_retry_may_name_a_date(zone):
    due = DUE.replace(tzinfo=zone)

    found = describe_failure(Retry(when=due))

    hour = 9 if zone and zone.utcoffset(None) else 12
    assert found == {"next_attempt_at": f"2026-01-05T{hour:02}:00:00.000Z"}


@pytest.mark.parametrize("when", [None, "soon", float("nan"), 1e300])
def test_a_retry_without_a_time_says_none(when):
    assert describe_failure(Retry(when=when)) == {}
