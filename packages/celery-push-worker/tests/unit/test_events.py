from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_push_worker._events import (
    Delivery,
    TimerFired,
    parse_event,
    parse_time,
)
from celery_push_worker.exceptions import RequestError

DOCUMENTED = {
    "messages": [
        {
            "event_metadata": {
                "event_id": "cce76685-5828-4304-a83d-95643c0507a0",
                "event_type": "yandex.cloud.events.messagequeue.QueueMessage",
                "created_at": "2019-09-24T00:54:28.980441Z",
            },
            "details": {
                "queue_id": "yrn:yc:ymq:ru-central1:21i6v06sqmsaoeon7nus:event-queue",
                "message": {
                    "message_id": "cce76685-5828-4304-a83d-95643c0507a0",
                    "md5_of_body": "d29343907090dff4cec4a9a0efb80d20",
                    "body": "message body",
                    "attributes": {
                        "SentTimestamp": "1569285804456",
                        "ApproximateReceiveCount": "2",
                    },
                    "message_attributes": {},
                },
            },
        },
        {
            "event_metadata": {
                "event_id": "a1s",
                "event_type": "yandex.cloud.events.serverless.triggers.TimerMessage",
                "created_at": "2019-12-04T12:05:14.227761Z",
            },
            "details": {"trigger_id": "a1s", "payload": '{"task": "t"}'},
        },
    ]
}


def test_messages_and_timers_are_read_in_their_order():
    delivery, timer = parse_event(json.dumps(DOCUMENTED).encode())

    assert delivery == Delivery(
        message_id="cce76685-5828-4304-a83d-95643c0507a0",
        body="message body",
        sent_at=1569285804.456,
        receive_count=2,
        queue="event-queue",
    )
    assert timer == TimerFired(
        message_id="a1s", payload='{"task": "t"}', fired_at=1575461114
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T00:00:59.999999999Z", 59),
        ("1970-01-01T00:01:00+03:00", None),
        ("1970-01-01T00:01:00", None),
        ("1970-01-01", None),
        (60, None),
        (None, None),
    ],
)
def test_the_time_of_a_timer_is_read_in_whole_seconds(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("queue_id", [None, 5, "", [], "yrn:yc:ymq:"])
def test_an_event_need_not_say_its_queue(queue_id):
    details = {"queue_id": queue_id, "message": {"body": "x"}}
    (delivery,) = parse_event(json.dumps({"messages": [{"details": details}]}).encode())

    assert delivery.queue is None


def test_a_message_without_an_id_is_known_by_its_body():
    event = {"messages": [{"details": {"message": {"body": "x"}}}] * 2}
    first, second = parse_event(json.dumps(event).encode())

    assert first.message_id == second.message_id != ""


@pytest.mark.parametrize("value", ["", "-1", "x", None, "1e9", "٣"])
def test_a_time_that_is_no_number_is_no_time(value):
    event = {
        "messages": [
            {
                "details": {
                    "message": {"body": "", "attributes": {"SentTimestamp": value}}
                }
            }
        ]
    }
    assert parse_event(json.dumps(event).encode())[0].sent_at is None


@pytest.mark.parametrize("value", ["", "-1", "x", None, "1" * 10])
def test_a_count_that_is_no_number_is_no_count(value):
    message = {"body": "", "attributes": {"ApproximateReceiveCount": value}}
    event = {"messages": [{"details": {"message": message}}]}

    assert parse_event(json.dumps(event).encode())[0].receive_count is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
keys = st.sampled_from(["messages", "details", "message", "body", "payload", "x"])
shaped = st.recursive(
    json_values,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(keys, children),
    max_leaves=20,
)


@given(shaped.map(lambda value: json.dumps(value).encode()) | st.binary())
def test_any_bytes_are_an_event_or_a_bad_request(raw):
    try:
        events = parse_event(raw)
    except RequestError as exc:
        assert exc.status == 400
    else:
        assert events
