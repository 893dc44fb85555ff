"""What somebody could put into the queue, or POST, who means harm or knows no better."""

from __future__ import annotations

import base64
import bz2
import json
import pickle
import zlib
from typing import Any

from hypothesis import strategies as st

CANARY = "canary-that-nobody-may-see"

RAN: list[str] = []
"""What hostile content has made this process do."""


class Bomb:
    """Does something as soon as somebody unpickles it."""

    def __reduce__(self) -> Any:
        return RAN.append, ("pickle",)


YAML_BOMB = b"!!python/object/apply:hostile.strategies.RAN.append ['yaml']"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            CANARY,
            "",
            "0",
            "t.add",
            "os.system",
            "__import__",
            "celery.backend_cleanup",
            "2020-01-01T00:00:00",
            "9999-12-31T23:59:59+00:00",
            "0001-01-01",
            "nan",
            "\x00",
            "\ud800",
            "../../etc/passwd",
            "base64",
            "utf-8",
            "application/json",
        ]
    ),
)

values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)

HEADERS = [
    "task",
    "id",
    "root_id",
    "parent_id",
    "group",
    "group_index",
    "retries",
    "eta",
    "expires",
    "timelimit",
    "origin",
    "argsrepr",
    "kwargsrepr",
    "shadow",
    "ignore_result",
    "replaced_task_nesting",
    "stamps",
    "stamped_headers",
    "compression",
    "push_worker_hops",
    "lang",
    "headers",
    "chord",
    "callbacks",
    "errbacks",
    "args",
    "kwargs",
    "utc",
    "meth",
    "delivery_info",
    "reply_to",
    "correlation_id",
    "priority",
    "signature",
    "__class__",
    "hostname",
    "is_eager",
    "called_directly",
    "loglevel",
    "logfile",
]

PROPERTIES = [
    "delivery_tag",
    "delivery_info",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "body_encoding",
    "message_attributes",
    "redelivered",
    "app_id",
]

CONTENT_TYPES = [
    "application/json", "application/x-python-serialize", "pickle", "application/data",
    "application/x-yaml", "yaml", "application/x-msgpack", "text/plain", "binary",
    "APPLICATION/X-PYTHON-SERIALIZE", "application/x-python-serialize ", "", CANARY,
]  # fmt: skip

bodies = st.one_of(
    st.binary(max_size=60),
    values.map(lambda value: dump(value)),  # noqa: PLW0108  defined below
    st.just(pickle.dumps(Bomb())),
    st.just(pickle.dumps([[Bomb()], {}, {}])),
    st.just(YAML_BOMB),
    st.sampled_from([zlib, bz2]).map(lambda m: m.compress(pickle.dumps(Bomb()))),
    st.tuples(values, values, values).map(lambda value: dump(list(value))),
    st.just(b"[" * 5000),
)


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def mutate(part: dict[str, Any], changes: dict[str, Any], gone: list[str]) -> Any:
    return {k: v for k, v in {**part, **changes}.items() if k not in gone}


@st.composite
def envelopes(draw: Any, valid: dict[str, Any]) -> Any:
    """Return a valid envelope with up to a few parts that are not."""
    envelope = dict(valid)
    if draw(st.booleans()):
        envelope["headers"] = mutate(
            valid["headers"],
            draw(st.dictionaries(st.sampled_from(HEADERS), values, max_size=3)),
            draw(st.lists(st.sampled_from(HEADERS), max_size=2)),
        )
    if draw(st.booleans()):
        envelope["properties"] = mutate(
            valid["properties"],
            draw(st.dictionaries(st.sampled_from(PROPERTIES), values, max_size=3)),
            draw(st.lists(st.sampled_from(PROPERTIES), max_size=2)),
        )
    if draw(st.integers(0, 3)) == 0:
        envelope["body"] = base64.b64encode(draw(bodies)).decode()
    if draw(st.integers(0, 3)) == 0:
        envelope["content-type"] = draw(st.sampled_from(CONTENT_TYPES))
    if draw(st.integers(0, 7)) == 0:
        key = draw(st.sampled_from(list(envelope)))
        envelope[key] = draw(values)
    return envelope


@st.composite
def texts(draw: Any, valid: dict[str, Any]) -> str:
    """Return a message's body, which may be no envelope at all."""
    kind = draw(st.integers(0, 12))
    if kind == 0:
        return draw(st.text(max_size=200))
    text = json.dumps(draw(envelopes(valid)))
    if kind == 1:
        text = text[: draw(st.integers(0, len(text)))]
    return base64.b64encode(text.encode()).decode() if draw(st.booleans()) else text


@st.composite
def events(draw: Any, valid: dict[str, Any]) -> bytes:
    """Return a request's body, most often an event of the trigger."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=300))
    if kind == 1:
        return dump(draw(values))
    event = valid
    path = draw(
        st.lists(
            st.sampled_from(
                ["messages", 0, "details", "message", "body", "event_metadata",
                 "message_id", "attributes", "SentTimestamp", "payload", "event_id"]
            ),
            min_size=1,
            max_size=5,
        )
    )  # fmt: skip
    return dump(put(event, path, draw(values)))


def put(target: Any, path: list[Any], value: Any) -> Any:
    """Return the target with the value at the path, as far as the path exists."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(target, list) and target:
        return [put(target[0], path if step != 0 else rest, value), *target[1:]]
    if isinstance(target, dict) and step in target:
        return {**target, step: put(target[step], rest, value)}
    if isinstance(target, dict):
        return {**target, str(step): value}
    return value
