from __future__ import annotations

import base64
import json

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from celery_push_worker._messages import decode_message
from celery_push_worker.exceptions import Reason, UndeliverableError
from celery_push_worker.testing import build_bodies


@pytest.fixture(scope="module")
def app():
    app = Celery("unit", set_as_current=False)
    app.conf.update(task_default_queue="default")

    @app.task(name="t.add", shared=False)
    def add(x, y):
        return x + y

    return app


def build(app, *, wrapped=True):
    (body,) = build_bodies(app.tasks["t.add"].s(2, 3), wrapped=wrapped)
    return body


def refused(app, body):
    with pytest.raises(UndeliverableError) as caught:
        decode_message(body, app)
    return caught.value.reason


def envelope(app, **changes):
    wrapped = json.loads(build(app, wrapped=False))
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            wrapped[part][name] = value
        else:
            wrapped[part.replace("_", "-") if part != "body" else part] = value
    return json.dumps(wrapped)


def content(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_outer_base64_may_be_there_or_not(app, wrapped):
    body = build(app, wrapped=wrapped)
    message = decode_message(body, app)

    assert (message.name, message.body[0]) == ("t.add", [2, 3])


@pytest.mark.parametrize(
    "body", ["", "x", "{", "[]", "null", "e30=", "{}", '{"headers": {}}', "====", "é"]
)
def test_what_is_no_envelope_is_told_so(app, body):
    assert refused(app, body) is Reason.BAD_ENVELOPE


def test_trailing_bytes_are_no_envelope(app):
    body = build(app)

    assert refused(app, body + "!") is Reason.BAD_ENVELOPE
    assert refused(app, envelope(app) + "x") is Reason.BAD_ENVELOPE


@pytest.mark.parametrize(
    "value",
    [
        [],
        [1, 2],
        [[], {}, {}, {}],
        [1, {}, {}],
        [[], 1, {}],
        [[], {}, 1],
        "text",
        1,
        None,
    ],
)
def test_arguments_of_another_shape_are_told_so(app, value):
    assert refused(app, envelope(app, body=content(value))) is Reason.BAD_BODY


def test_arguments_that_cannot_be_decoded_are_told_so(app):
    assert refused(app, envelope(app, body="bm90IGpzb24=")) is Reason.BAD_BODY
    compressed = envelope(app, headers__compression="application/x-gzip")
    assert refused(app, compressed) is Reason.BAD_BODY
    unknown = envelope(app, headers__compression="application/x-unknown")
    assert refused(app, unknown) is Reason.BAD_BODY


@pytest.mark.parametrize(
    "content_type",
    ["application/x-python-serialize", "application/x-yaml", "application/unknown"],
)
def test_a_serializer_that_is_not_accepted_is_refused(app, content_type):
    body = envelope(app, content_type=content_type)

    assert refused(app, body) is Reason.REFUSED_CONTENT


def test_raw_content_is_no_tasks_arguments(app):
    assert (
        refused(app, envelope(app, content_type="application/data")) is Reason.BAD_BODY
    )


@pytest.mark.parametrize(
    "header",
    [
        {"task": 1},
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"retries": "many"},
        {"timelimit": [1]},
        {"timelimit": ["a", "b"]},
        {"timelimit": [-1, None]},
        {"timelimit": [None, float("nan")]},
        {"timelimit": [float("inf"), 1e300]},
        {"eta": 12},
        {"expires": {}},
        {"group": []},
        {"shadow": 3},
    ],
)
def test_headers_with_which_no_task_can_run_are_told_so(app, header):
    ((name, value),) = header.items()

    assert (
        refused(app, envelope(app, **{f"headers__{name}": value}))
        is Reason.INVALID_TASK
    )


@pytest.mark.parametrize("name", ["os.system", "t.add ", "", "__import__"])
def test_a_task_is_found_in_the_registry_only(app, name):
    assert refused(app, envelope(app, headers__task=name)) is Reason.UNKNOWN_TASK


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda c: st.lists(c, max_size=4) | st.dictionaries(st.text(max_size=5), c),
    max_leaves=8,
)
hostile_envelopes = st.fixed_dictionaries(
    {},
    optional={
        "body": values | st.binary().map(lambda b: base64.b64encode(b).decode()),
        "content-type": st.sampled_from(
            ["application/json", "application/data", "text/plain", None, 3]
        ),
        "content-encoding": st.sampled_from(
            ["utf-8", "binary", "base64", "x", None, 1]
        ),
        "headers": st.dictionaries(
            st.sampled_from(
                ["task", "id", "retries", "eta", "compression", "timelimit"]
            ),
            st.sampled_from(["t.add", "application/x-gzip"]) | values,
        ),
        "properties": st.dictionaries(
            st.sampled_from(["body_encoding", "delivery_info", "delivery_tag"]),
            st.just("base64") | values,
        ),
    },
)


@given(hostile_envelopes.map(json.dumps) | st.text() | values.map(json.dumps))
def test_any_body_is_a_message_or_undeliverable(app, body):
    for text in (body, base64.b64encode(body.encode(errors="replace")).decode()):
        try:
            message = decode_message(text, app)
        except UndeliverableError:
            continue
        assert message.name == "t.add"
