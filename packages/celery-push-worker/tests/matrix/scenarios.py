"""What is published in each scenario: the same on both sides, with the same ids.

``SCENARIOS`` lists them by name. A scenario's function gets a ``Desk``: the app, the
names of tasks in the scenario's way of acknowledgement, and ids that follow from the
scenario's name. Run as a program, this publishes a profile's scenarios.
"""

from __future__ import annotations

import base64
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

SPACE = uuid.UUID("5f0c8a58-64b8-4d2c-8a35-0d5d7d8c9f11")


@dataclass(frozen=True)
class Scenario:
    name: str
    run: Callable[[Desk], None]
    mode: str = "early"
    profile: str = "plain"
    pool: str = "solo"
    """Of the reference: time limits are the pool of processes' work."""

    @property
    def lane(self) -> str:
        """Which pair of workers it runs in."""
        return f"{self.profile}-{self.pool}"


SCENARIOS: dict[str, Scenario] = {}


def make_id(scenario: str, label: str) -> str:
    return str(uuid.uuid5(SPACE, f"{scenario}/{label}"))


class Desk:
    """What a scenario publishes with."""

    def __init__(self, app: Any, scenario: Scenario) -> None:
        self.app = app
        self.scenario = scenario
        self.labels: list[str] = []
        self.raw: dict[str, str] = {}

    def id(self, label: str) -> str:
        self.labels.append(label)
        return make_id(self.scenario.name, label)

    def task(self, task: str) -> str:
        return f"{self.scenario.mode}.{task}"

    def s(self, task: str, *args: Any, **kwargs: Any) -> Any:
        """Return a signature whose id is named after its label, which is ``_label``."""
        label = kwargs.pop("_label", task)
        signature = self.app.signature(self.task(task), args, kwargs)
        return signature.set(task_id=self.id(label))

    def send(self, task: str, *args: Any, _label: str = "root", **options: Any) -> None:
        kwargs = options.pop("kwargs", {})
        self.app.tasks[self.task(task)].apply_async(
            args, kwargs, task_id=self.id(_label), **options
        )

    def send_raw(self, body: str, label: str = "raw") -> None:
        """Send a body that no publisher of Celery's would."""
        import boto3

        answer = boto3.client("sqs").send_message(
            QueueUrl=self.app.conf.broker_transport_options["predefined_queues"][
                "default"
            ]["url"],
            MessageBody=body,
        )
        self.raw[answer["MessageId"]] = label

    def envelope(self, task: str = "add", **changes: Any) -> dict[str, Any]:
        """Return a message's envelope that a scenario changes before it is sent."""
        task_id = self.id("root")
        body = json.dumps([[1, 2], {}, {}]).encode()
        headers = {
            "lang": "py",
            "task": self.task(task),
            "id": task_id,
            "root_id": task_id,
            "parent_id": None,
            "group": None,
            "retries": 0,
            "eta": None,
            "expires": None,
            "timelimit": [None, None],
            "origin": "test",
            **changes.pop("headers", {}),
        }
        return {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {k: v for k, v in headers.items() if v != "absent"},
            "properties": {
                "correlation_id": task_id,
                "reply_to": None,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "default"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": task_id,
                **changes.pop("properties", {}),
            },
            **changes,
        }

    def send_envelope(self, envelope: Any, *, wrapped: bool = True) -> None:
        text = json.dumps(envelope)
        self.send_raw(base64.b64encode(text.encode()).decode() if wrapped else text)


def scenario(
    name: str, *modes: str, profile: str = "plain", pool: str = "solo"
) -> Callable[[Any], Any]:
    """Add a scenario, once for each way of acknowledgement."""

    def add(run: Any) -> Any:
        for mode in modes or ("early",):
            prefix = "" if profile == "plain" else f"{profile}/"
            full = f"{prefix}{mode}/{name}"
            SCENARIOS[full] = Scenario(full, run, mode, profile, pool)
        return run

    return add


def simple(name: str, task: str, *args: Any, modes: Any = ("early",), **options: Any):
    """Add a scenario of one task."""
    where = {k: options.pop(k) for k in ("profile", "pool") if k in options}

    @scenario(name, *modes, **where)
    def run(desk: Desk) -> None:
        desk.send(task, *args, **options)


ALL = ("early", "late", "strict")

# Ways of acknowledgement times outcomes.

simple("success", "add", 2, 3, modes=ALL)
simple("failure", "fail", modes=ALL)
simple("ignored result", "quiet", modes=ALL)
simple("failure with ignored result", "fail_quietly", modes=ALL)
simple("retry until success", "retry", modes=ALL)
simple("retry exhausted", "exhaust", modes=ALL)
simple("retry exhausted with its error", "exhaust_with", modes=("early", "strict"))
simple("automatic retry exhausted", "autoretry", modes=ALL)
simple("reject", "reject", modes=ALL)
simple("reject and requeue", "reject", modes=ALL, kwargs={"requeue": True})
simple("ignore", "ignore", modes=ALL)
simple("unserializable result", "unserializable", modes=ALL)
simple("expired", "add", 1, 1, expires=-60, modes=("early", "late"))
simple("own error", "fail_specially")
simple("expected error", "two", 1, 2)

# Options and what the task sees of them.

simple("request", "context", 1, modes=("early", "late"), kwargs={"a": [1, {"b": None}]})
simple("priority", "context", priority=7)
simple("headers", "context", headers={"x-trace": "abc", "nested": {"a": [1]}})
simple("shadow", "context", shadow="another name")
simple("reply to", "context", reply_to="some-queue")
simple("time limits in the message", "context", time_limit=30, soft_time_limit=20)
simple("ignored result by the message", "add", 1, 1, ignore_result=True)
simple("kept result by the message", "quiet", ignore_result=False)
simple("representations", "context", argsrepr="(hidden)", kwargsrepr="{hidden}")
simple("expires later", "context", expires=3600)
simple("root and parent given", "context", root_id="r" * 8, parent_id="p" * 8)
simple("stamps", "context", stamped_headers=["who"], who="me")
simple("bound task's retries", "retry_changed", modes=("early", "late"))
simple("hooks on success", "hooked", "ok")
simple("hooks on failure", "hooked", "fail", modes=("early", "strict"))
simple("hooks on retry", "hooked", "retry")
simple("hook that fails", "bad_hook", modes=("early", "late"))
simple("after_return that fails", "bad_after", modes=("early", "late"))
simple("progress", "progress")
simple("ignore after own state", "ignore_after_update")
simple("tracked start", "tracked")
simple("rate limit", "limited")
simple("large result", "large", 150_000)
simple("large arguments", "echo", "y" * 60_000)
simple("nested arguments", "echo", {"a": [{"b": [None, True, 1.5, "ü"]}]}, [[[]]])
simple("waits inside a task", "wait")
simple("eager inside a task", "spawn_eagerly")
simple("children", "spawn", modes=("early", "late"))

# Serializers and compressions.

for compression in ("zlib", "bzip2", "lzma"):
    simple(f"compressed by {compression}", "echo", "z" * 2000, compression=compression)
simple("pickle refused", "add", 1, 1, serializer="pickle", modes=("early", "late"))
simple("yaml refused", "add", 1, 1, serializer="yaml")

# Shapes.


@scenario("chain", "early", "late")
def chain_of_three(desk: Desk) -> None:
    s = desk.s
    chain = s("add", 1, 2, _label="a") | s("add", 10, _label="b")
    (chain | s("add", 100, _label="c")).apply_async()


@scenario("chain that breaks", "early", "late", "strict")
def chain_that_breaks(desk: Desk) -> None:
    s = desk.s
    chain = s("add", 1, 2, _label="a") | s("fail", _label="b")
    (chain | s("add", 100, _label="c")).apply_async(
        link_error=s("old_errback", _label="errback")
    )


@scenario("chain with a retry")
def chain_with_a_retry(desk: Desk) -> None:
    (desk.s("retry", _label="a") | desk.s("echo", _label="b")).apply_async()


@scenario("chain with immutable parts")
def chain_with_immutable_parts(desk: Desk) -> None:
    (
        desk.s("add", 1, 2, _label="a")
        | desk.s("context", _label="b").set(immutable=True, priority=5)
    ).apply_async()


def members(desk: Desk, n: int = 3) -> list[Any]:
    return [desk.s("add", i, i, _label=f"m{i}") for i in range(n)]


@scenario("group", "early", "late")
def plain_group(desk: Desk) -> None:
    from celery import group

    group(members(desk)).apply_async()


@scenario("chord", "early", "late")
def plain_chord(desk: Desk) -> None:
    from celery import chord

    chord(members(desk))(desk.s("total", _label="body"))


@scenario("chord with a failing member", "early", "late")
def failing_chord(desk: Desk) -> None:
    from celery import chord

    chord([*members(desk, 2), desk.s("fail", _label="bad")])(
        desk.s("total", _label="body")
    )


@scenario("chord with a failing member and an errback")
def failing_chord_with_errback(desk: Desk) -> None:
    from celery import chord

    body = desk.s("total", _label="body").on_error(desk.s("errback", _label="err"))
    chord([desk.s("fail", _label="bad"), *members(desk, 2)])(body)


@scenario("chord whose body fails")
def chord_whose_body_fails(desk: Desk) -> None:
    from celery import chord

    chord(members(desk, 2))(desk.s("fail", _label="body"))


@scenario("chord with a retried member", "early", "late")
def chord_with_a_retry(desk: Desk) -> None:
    from celery import chord

    chord([desk.s("retry", _label="r"), *members(desk, 1)])(
        desk.s("echo", _label="body")
    )


@scenario("chord of one")
def chord_of_one(desk: Desk) -> None:
    from celery import chord

    chord(members(desk, 1))(desk.s("total", _label="body"))


@scenario("chord that grows")
def chord_that_grows(desk: Desk) -> None:
    from celery import chord

    chord([desk.s("add_to_chord", 1, _label="g"), *members(desk, 1)])(
        desk.s("echo", _label="body")
    )


@scenario("chain into a group")
def chain_into_a_group(desk: Desk) -> None:
    from celery import group

    more = [desk.s("add", i, _label=f"g{i}") for i in range(2)]
    (desk.s("add", 1, 1, _label="a") | group(more)).apply_async()


@scenario("group into a task", "early", "late")
def group_into_a_task(desk: Desk) -> None:
    from celery import group

    (
        group(members(desk, 2))
        | desk.s("total", _label="t")
        | desk.s("add", 1000, _label="end")
    ).apply_async()


@scenario("chord of chains")
def chord_of_chains(desk: Desk) -> None:
    from celery import chord

    header = [
        desk.s("add", i, 1, _label=f"a{i}") | desk.s("add", 10, _label=f"b{i}")
        for i in range(2)
    ]
    chord(header)(desk.s("total", _label="body"))


@scenario("map, starmap and chunks")
def built_in(desk: Desk) -> None:
    add, echo = desk.app.tasks[desk.task("add")], desk.app.tasks[desk.task("echo")]
    add.starmap([(1, 1), (2, 2)]).apply_async(task_id=desk.id("starmap"))
    echo.map([1, 2]).apply_async(task_id=desk.id("map"))


@scenario("link", "early", "late")
def link(desk: Desk) -> None:
    desk.send(
        "add",
        1,
        2,
        link=[
            desk.s("add", 10, _label="first"),
            desk.s("echo", "x", _label="second"),
        ],
    )


@scenario("link of a failure")
def link_of_a_failure(desk: Desk) -> None:
    desk.send(
        "fail",
        link=desk.s("echo", _label="never"),
        link_error=desk.s("errback", _label="errback"),
    )


@scenario("old errback", *ALL)
def old_errback(desk: Desk) -> None:
    desk.send("fail", link_error=desk.s("old_errback", _label="errback"))


@scenario("errback after retries")
def errback_after_retries(desk: Desk) -> None:
    desk.send("exhaust", link_error=desk.s("old_errback", _label="errback"))


@scenario("link of a retry")
def link_of_a_retry(desk: Desk) -> None:
    desk.send("retry", link=desk.s("echo", _label="after"))


simple("replace", "replace", 1, 2, modes=("early", "late"))
simple("replace by a chain", "replace_chain")
simple("replace by a group", "replace_group")


@scenario("replace within a chain")
def replace_within_a_chain(desk: Desk) -> None:
    (desk.s("replace", 1, 2, _label="a") | desk.s("add", 5, _label="b")).apply_async()


@scenario("revoked", "early", "late")
def revoked(desk: Desk) -> None:
    target = make_id(desk.scenario.name, "target")
    desk.send("revoke", target, _label="revoker")
    desk.send("add", 1, 1, _label="target")


@scenario("expired within a chain")
def expired_within_a_chain(desk: Desk) -> None:
    (
        desk.s("add", 1, 1, _label="a")
        | desk.s("add", 1, _label="b").set(expires=-5)
        | desk.s("add", 1, _label="c")
    ).apply_async()


# What no publisher of a project sends by itself.


@scenario("unknown task")
def unknown_task(desk: Desk) -> None:
    desk.app.send_task("early.not_there", (1,), task_id=desk.id("root"))


@scenario("unknown task with an errback")
def unknown_task_with_an_errback(desk: Desk) -> None:
    desk.app.send_task(
        "early.not_there",
        (1,),
        task_id=desk.id("root"),
        link_error=desk.s("old_errback", _label="errback"),
    )


@scenario("wrong arguments", "early", "strict")
def wrong_arguments(desk: Desk) -> None:
    desk.app.send_task(desk.task("two"), (1,), task_id=desk.id("root"))


@scenario("protocol 1", "early", "late")
def protocol_1(desk: Desk) -> None:
    for label, task in (("ok", "add"), ("bad", "fail"), ("again", "retry")):
        send_protocol_1(desk, label, task, [1, 2] if task == "add" else [])


def send_protocol_1(desk: Desk, label: str, task: str, args: list[Any]) -> None:
    task_id = desk.id(label)
    message = desk.app.amqp.as_task_v1(task_id, desk.task(task), args, {})
    with desk.app.producer_pool.acquire(block=True) as producer:
        desk.app.amqp.send_task_message(producer, desk.task(task), message)


@scenario("without the outer base64")
def not_wrapped(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(), wrapped=False)


@scenario("few headers")
def few_headers(desk: Desk) -> None:
    names = "lang root_id parent_id group retries eta expires timelimit origin"
    few = dict.fromkeys(names.split(), "absent")
    desk.send_envelope(desk.envelope(headers=few))


@scenario("unknown headers and properties")
def unknown_headers(desk: Desk) -> None:
    desk.send_envelope(
        desk.envelope(
            "context",
            headers={"x-unknown": {"a": 1}},
            properties={"app_id": "x"},
        )
    )


@scenario("inner body that is no JSON")
def inner_body(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(body=base64.b64encode(b"{no json").decode()))


@scenario("content type that nobody knows")
def unknown_content_type(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(**{"content-type": "application/x-strange"}))


@scenario("body that is not compressed as it says")
def wrong_compression(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(headers={"compression": "application/x-gzip"}))


@scenario("expires that is no time")
def bad_expires(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(headers={"expires": "someday"}))


@scenario("eta that is no time")
def bad_eta(desk: Desk) -> None:
    desk.send_envelope(desk.envelope(headers={"eta": "someday"}))


@scenario("delivered twice", "early", "late")
def delivered_twice(desk: Desk) -> None:
    envelope = desk.envelope()
    desk.send_envelope(envelope)
    desk.send_envelope(envelope)


# Another configuration: late acknowledgement for all, extended results, more content.

E = {"profile": "extended", "modes": ("early",)}
simple("success", "add", 2, 3, **E)
simple("failure", "fail", **E)
simple("failure with ignored result", "fail_quietly", **E)
simple("ignored result", "quiet", **E)
simple("retry until success", "retry", **E)
simple("started is stored", "state_of_itself", **E)
simple("request", "context", 1, kwargs={"b": 2}, **E)
simple("reject", "reject", **E)
simple("expired", "add", 1, 1, expires=-60, **E)
simple("pickle allowed", "echo", (1, 2), {3: 4}, serializer="pickle", **E)
simple("yaml allowed", "echo", [1, {"a": "b"}], serializer="yaml", **E)
simple("msgpack allowed", "echo", [1, {"a": "b"}], serializer="msgpack", **E)
simple("priority", "context", priority=2, **E)
simple("children", "spawn", **E)


@scenario("chord", profile="extended")
def extended_chord(desk: Desk) -> None:
    plain_chord(desk)


@scenario("chain", profile="extended")
def extended_chain(desk: Desk) -> None:
    chain_of_three(desk)


# Further queues, by name and by topic: what moves between them, and what stays.

N = {"profile": "queues", "modes": ("early",)}
T = {"profile": "topics", "modes": ("early",)}
simple("request in a queue", "context", queue="heavy", **N)
simple("retry in a queue", "retry", queue="heavy", **N)
simple(
    "late retry in a queue", "retry", queue="heavy", profile="queues", modes=("late",)
)
simple("automatic retry in a queue", "autoretry", queue="mail", **N)
simple("delayed retry in a queue", "retry", 1, queue="heavy", **N)
simple("task with a queue of its own", "own_queue", **N)
simple("task of another queue sent to one", "own_queue", queue="mail", **N)
simple("task with a route", "total", [1, 2], **N)
simple("retry to other queues", "move", "mail", "default", queue="heavy", **N)
simple("replace in another queue", "replace_elsewhere", "mail", queue="heavy", **N)
simple("replace without a queue", "replace", 1, 2, queue="heavy", **N)
simple("replace by a chain in a queue", "replace_chain", queue="heavy", **N)
simple("children without a queue", "spawn", queue="heavy", **N)
simple("children in a queue", "spawn_elsewhere", kwargs={"queue": "mail"}, **N)
simple("reject in a queue", "reject", queue="mail", **N)
simple(
    "reject and requeue in a queue",
    "reject",
    kwargs={"requeue": True},
    queue="heavy",
    **N,
)

simple("topic", "context", **T)
simple("topic of a queue", "context", queue="heavy", routing_key="heavy.now", **T)
simple("retry of a topic", "retry", queue="heavy", routing_key="heavy.now", **T)
simple(
    "delayed retry of a topic", "retry", 1, queue="heavy", routing_key="heavy.now", **T
)
simple(
    "retry of a topic in another queue",
    "move",
    "mail",
    queue="heavy",
    routing_key="heavy.now",
    **T,
)
simple(
    "retry by another key", "move", "heavy", kwargs={"routing_key": "heavy.later"}, **T
)
simple("direct queue", "retry", queue="mail", **T)
simple("task with a route by topic", "total", [1, 2], **T)
simple(
    "child of a topic",
    "spawn_elsewhere",
    kwargs={"exchange": "tasks", "routing_key": "heavy.child"},
    **T,
)
simple(
    "child of a direct exchange",
    "spawn_elsewhere",
    kwargs={"exchange": "mail", "routing_key": "letter"},
    **T,
)
simple("reject of a topic", "reject", queue="heavy", routing_key="heavy.now", **T)


def move(desk: Desk, task: str, *args: Any, _label: str, **options: Any) -> Any:
    return desk.s(task, *args, _label=_label).set(**options)


@scenario("chain over queues", profile="queues")
def chain_over_queues(desk: Desk) -> None:
    (
        move(desk, "add", 1, 2, _label="a", queue="heavy")
        | move(desk, "add", 10, _label="b")
        | move(desk, "context", _label="c", queue="mail")
    ).apply_async()


@scenario("chain in one queue", profile="queues")
def chain_in_one_queue(desk: Desk) -> None:
    chain = desk.s("add", 1, 2, _label="a") | desk.s("retry", _label="b").set(
        immutable=True
    )
    (chain | desk.s("context", _label="c")).apply_async(queue="heavy")


@scenario("chord over queues", profile="queues")
def chord_over_queues(desk: Desk) -> None:
    from celery import chord

    header = [
        move(desk, "add", 1, 1, _label="a", queue="heavy"),
        # Behind the other one, so that it always ends last: the body is its child.
        move(desk, "move", "mail", "default", _label="b", queue="heavy"),
    ]
    chord(header)(desk.s("echo", _label="body").set(queue="heavy"))


@scenario("chord whose body has a route", profile="queues")
def chord_whose_body_has_a_route(desk: Desk) -> None:
    from celery import chord

    chord(members(desk, 2), queue="heavy")(desk.s("total", _label="body"))


@scenario("group in a queue", profile="queues")
def group_in_a_queue(desk: Desk) -> None:
    from celery import group

    group([*members(desk, 2), desk.s("own_queue", _label="own")]).apply_async(
        queue="mail"
    )


@scenario("links over queues", profile="queues")
def links_over_queues(desk: Desk) -> None:
    desk.send(
        "add",
        1,
        2,
        queue="heavy",
        link=[
            move(desk, "context", _label="first", queue="mail"),
            move(desk, "context", _label="second"),
        ],
    )


@scenario("errbacks over queues", profile="queues")
def errbacks_over_queues(desk: Desk) -> None:
    desk.send(
        "fail",
        queue="heavy",
        link_error=[
            desk.s("old_errback", _label="routed"),
            desk.s("errback", _label="plain"),
        ],
    )


@scenario("chain of topics", profile="topics")
def chain_of_topics(desk: Desk) -> None:
    (
        move(desk, "add", 1, 2, _label="a", queue="heavy", routing_key="heavy.a")
        | move(desk, "add", 10, _label="b")
        | move(desk, "context", _label="c", exchange="tasks", routing_key="heavy.c")
    ).apply_async()


@scenario("chord of topics", profile="topics")
def chord_of_topics(desk: Desk) -> None:
    from celery import chord

    header = [
        move(desk, "add", 1, 1, _label="a", queue="heavy", routing_key="heavy.a"),
        move(desk, "move", "mail", _label="b", queue="heavy", routing_key="heavy.c"),
    ]
    body = move(desk, "echo", _label="body", queue="heavy", routing_key="heavy.total")
    chord(header)(body)


# Delays: published last, so that they are not over when the workers start.

simple("countdown", "add", 1, 1, countdown=4, modes=("early", "late"))
simple("eta in the past", "add", 1, 1, eta=datetime(2020, 1, 1, tzinfo=timezone.utc))
simple("retry with countdown", "retry", 1, modes=("early", "late"))
simple("automatic retry with backoff", "backoff")
simple("countdown and expires later", "add", 1, 1, countdown=4, expires=600)

# Time limits and lost workers: the reference is a pool of processes.

P = {"pool": "prefork"}
simple("soft time limit", "sleep_limited", 4, modes=ALL, **P)
simple("soft time limit caught", "tidy", 4, modes=("early", "late"), **P)
simple("hard time limit", "sleep", 6, modes=ALL, time_limit=0.5, **P)
simple("soft limit in the message", "sleep", 4, soft_time_limit=0.4, **P)
simple("within the limits", "sleep", 0.1, soft_time_limit=3, time_limit=5, **P)
simple("the task leaves", "leave", modes=("early", "late"), **P)


@scenario("hard time limit with an errback", pool="prefork")
def hard_limit_with_an_errback(desk: Desk) -> None:
    desk.send(
        "sleep", 6, time_limit=0.5, link_error=desk.s("old_errback", _label="errback")
    )


def publish(lane: str, log_path: str) -> None:
    from laboratory import app

    told: dict[str, Any] = {}
    for scenario_ in SCENARIOS.values():
        if scenario_.lane == lane:
            desk = Desk(app, scenario_)
            scenario_.run(desk)
            told[scenario_.name] = {"labels": desk.labels, "raw": desk.raw}
    with open(log_path, "w") as stream:
        json.dump(told, stream)


if __name__ == "__main__":
    publish(*sys.argv[1:])
