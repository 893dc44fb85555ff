"""The app of both workers, one task per behaviour, and a recorder of their signals.

``app`` is configured by the environment alone, as a project's is. Every task exists
once per way of acknowledgement: ``early.add``, ``late.add``, ``strict.add``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from typing import Any

from celery import Celery, Task, signals
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from kombu import Exchange, Queue

MODES: dict[str, dict[str, Any]] = {
    "early": {},
    "late": {"acks_late": True},
    "strict": {"acks_late": True, "acks_on_failure_or_timeout": False},
}

PROFILES: dict[str, dict[str, Any]] = {
    "plain": {},
    "extended": {
        "result_extended": True,
        "task_track_started": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_store_errors_even_if_ignored": True,
        "accept_content": ["json", "pickle", "yaml", "msgpack"],
        "task_send_sent_event": True,
        "worker_send_task_events": False,
    },
}

TOPICS = Exchange("tasks", type="topic")

PROFILES |= {
    "queues": {
        "task_routes": {"*.total": "mail", "*.old_errback": {"queue": "mail"}},
    },
    "topics": {
        "task_default_exchange": "tasks",
        "task_default_exchange_type": "topic",
        "task_default_routing_key": "task.default",
        "task_create_missing_queues": False,
        "task_queues": [
            Queue("default", TOPICS, routing_key="task.#"),
            Queue("heavy", TOPICS, routing_key="heavy.*"),
            Queue("mail", Exchange("mail"), routing_key="letter"),
        ],
        "task_routes": {"*.total": {"queue": "heavy", "routing_key": "heavy.total"}},
    },
}
"""The same tasks with two queues more: by name, and by exchange and routing key."""

URLS = json.loads(os.environ.get("LABORATORY_QUEUES", "{}"))

TOPICS_OF_QUEUES = ["task-_", "task-default", "heavy-_", "heavy-a", "heavy-c"]
TOPICS_OF_QUEUES += ["heavy-child", "heavy-later", "heavy-now", "heavy-total", "letter"]
"""Routing keys, as SQS names a queue. Kombu looks for a queue of that name when it
acknowledges a message, if only for its client: a worker ends where there is none."""

app = Celery("laboratory", set_as_current=True)
app.conf.update(
    broker_url="sqs://",
    broker_transport_options={
        "region": os.environ.get("AWS_DEFAULT_REGION"),
        "predefined_queues": {
            name: {"url": URLS.get(name, URLS.get("default"))}
            for name in [*URLS, *(TOPICS_OF_QUEUES if len(URLS) > 1 else [])]
        },
        "wait_time_seconds": 1,
        "polling_interval": 0.05,
    },
    result_backend="dynamodb://@{}/{}".format(
        os.environ.get("AWS_DEFAULT_REGION"), os.environ.get("RESULTS_TABLE")
    ),
    task_default_queue="default",
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    enable_utc=True,
    task_publish_retry=False,
    # How long the pool of processes waits for the result of a process that ended.
    worker_lost_wait=0.5,
    push_worker_grace_seconds=1.0,
    **PROFILES[os.environ.get("LABORATORY_PROFILE", "plain")],
)

seen: Counter[str] = Counter()
"""How often this process has run a task of an id."""


class Special(Exception):
    """An error of the project's own, with arguments."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code


class Hooked(Task):
    """Tells when its hooks are called."""

    abstract = True

    def before_start(self, task_id: str, *_: Any) -> None:
        note("hook", task_id, hook="before_start")

    def on_success(self, _result: Any, task_id: str, *_: Any) -> None:
        note("hook", task_id, hook="on_success")

    def on_failure(self, _exc: Any, task_id: str, *_: Any) -> None:
        note("hook", task_id, hook="on_failure")

    def on_retry(self, _exc: Any, task_id: str, *_: Any) -> None:
        note("hook", task_id, hook="on_retry")

    def after_return(self, status: str, _result: Any, task_id: str, *_: Any) -> None:
        note("hook", task_id, hook="after_return", status=status)


def register(mode: str, options: dict[str, Any]) -> None:
    def task(name: str, **more: Any) -> Any:
        return app.task(name=f"{mode}.{name}", **{**options, **more})

    @task("add")
    def add(x, y):
        return x + y

    @task("total")
    def total(numbers):
        return sum(numbers)

    @task("echo")
    def echo(*args, **kwargs):
        return {"args": list(args), "kwargs": kwargs}

    @task("quiet", ignore_result=True)
    def quiet(*_args):
        return "not stored"

    @task("fail")
    def fail(*_args):
        raise ValueError("fails always")

    @task("fail_quietly", ignore_result=True)
    def fail_quietly():
        raise ValueError("fails quietly")

    @task("fail_specially")
    def fail_specially():
        raise Special(7, "own error")

    @task("retry", bind=True, max_retries=2)
    def retry(self, countdown=0):
        if self.request.retries < 2:
            raise self.retry(countdown=countdown)
        return f"after {self.request.retries}"

    @task("retry_changed", bind=True)
    def retry_changed(self, word="first", *, other=None):
        if word == "first":
            raise self.retry(
                args=["second"], kwargs={"other": "given"}, countdown=0, priority=3
            )
        return [word, other]

    @task("exhaust", bind=True, max_retries=1)
    def exhaust(self):
        raise self.retry(countdown=0)

    @task("exhaust_with", bind=True, max_retries=1)
    def exhaust_with(self):
        try:
            raise KeyError("inner")
        except KeyError as exc:
            raise self.retry(exc=exc, countdown=0) from exc

    @task(
        "autoretry",
        autoretry_for=(KeyError,),
        max_retries=1,
        retry_backoff=False,
        default_retry_delay=0,
    )
    def autoretry():
        raise KeyError("again")

    @task(
        "backoff",
        bind=True,
        autoretry_for=(KeyError,),
        retry_backoff=1,
        retry_jitter=False,
        max_retries=3,
    )
    def backoff(self):
        if not self.request.retries:
            raise KeyError("once")
        return "passed"

    @task("reject", bind=True)
    def reject(self, *, requeue=False):
        seen[self.request.id] += 1
        if requeue and seen[self.request.id] > 1:
            return "accepted"
        raise Reject("unwanted", requeue=requeue)

    @task("ignore")
    def ignore():
        raise Ignore

    @task("ignore_after_update", bind=True)
    def ignore_after_update(self):
        self.update_state(state="CUSTOM", meta={"step": 1})
        raise Ignore

    @task("unserializable")
    def unserializable():
        return object()

    @task("progress", bind=True)
    def progress(self):
        self.update_state(state="PROGRESS", meta={"done": 1})
        return "through"

    @task("large")
    def large(size):
        return "x" * size

    @task("context", bind=True)
    def context(self, *_args, **_kwargs):
        return describe_request(self.request)

    @task("replace", bind=True)
    def replace(self, x, y):
        return self.replace(app.signature(f"{mode}.add", (x, y)))

    @task("replace_chain", bind=True)
    def replace_chain(self):
        add = app.signature(f"{mode}.add")
        return self.replace(add.clone((1, 2)) | add.clone((10,)))

    @task("replace_group", bind=True)
    def replace_group(self):
        from celery import group

        add = app.signature(f"{mode}.add")
        return self.replace(group(add.clone((1, 1)), add.clone((2, 2))))

    @task("add_to_chord", bind=True)
    def add_to_chord(self, x):
        self.add_to_chord(app.signature(f"{mode}.add", (x, 100)))
        return x

    @task("spawn")
    def spawn():
        app.tasks[f"{mode}.add"].delay(1, 1)
        app.tasks[f"{mode}.echo"].apply_async(("spawned",), priority=4)
        return "spawned"

    @task("spawn_eagerly")
    def spawn_eagerly():
        return app.tasks[f"{mode}.add"].apply((1, 1)).result

    @task("wait")
    def wait():
        return app.tasks[f"{mode}.add"].delay(1, 1).get(timeout=5)

    @task("errback", ignore_result=False)
    def errback(request, exc, traceback):
        return [request.id, type(exc).__name__, str(exc), bool(traceback)]

    @task("old_errback")
    def old_errback(task_id):
        return task_id

    @task("hooked", base=Hooked, bind=True)
    def hooked(self, outcome):
        if outcome == "fail":
            raise ValueError("hooked")
        if outcome == "retry" and not self.request.retries:
            raise self.retry(countdown=0)
        return outcome

    @task("bad_hook", on_success=lambda *_: 1 / 0)
    def bad_hook():
        return "done before the hook"

    @task("bad_after", after_return=lambda *_: 1 / 0)
    def bad_after():
        return "done before the hook"

    @task("two", throws=(KeyError,))
    def two(a, b):
        raise KeyError("expected")

    @task("revoke")
    def revoke(task_id):
        from celery.worker.state import revoked

        revoked.add(task_id)

    @task("sleep")
    def sleep(seconds):
        time.sleep(seconds)
        return "slept"

    @task("sleep_limited", soft_time_limit=0.4, time_limit=5)
    def sleep_limited(seconds):
        time.sleep(seconds)
        return "slept"

    @task("tidy", soft_time_limit=0.4, time_limit=5)
    def tidy(seconds):
        try:
            time.sleep(seconds)
        except SoftTimeLimitExceeded:
            return "tidied"
        return "slept"

    @task("tracked", track_started=True, bind=True)
    def tracked(self):
        meta = self.backend.get_task_meta(self.request.id, cache=False)
        return meta["status"]

    @task("state_of_itself", bind=True)
    def state_of_itself(self):
        meta = self.backend.get_task_meta(self.request.id, cache=False)
        return meta["status"]

    @task("leave")
    def leave():
        sys.exit(3)

    @task("own_queue", bind=True, queue="heavy", max_retries=1)
    def own_queue(self, *_args):
        if not self.request.retries:
            raise self.retry(countdown=0)
        return describe_request(self.request)["delivery_info"]

    @task("move", bind=True, max_retries=2)
    def move(self, *queues, **options):
        """Retry in each queue, one after the other."""
        if queues:
            raise self.retry(args=queues[1:], countdown=0, queue=queues[0], **options)
        return describe_request(self.request)["delivery_info"]

    @task("replace_elsewhere", bind=True)
    def replace_elsewhere(self, queue):
        return self.replace(app.signature(f"{mode}.context").set(queue=queue))

    @task("spawn_elsewhere")
    def spawn_elsewhere(**options):
        app.tasks[f"{mode}.context"].apply_async((), **options)

    @task("limited", rate_limit="600/m")
    def limited():
        return "in time"


for mode_name, mode_options in MODES.items():
    register(mode_name, mode_options)


REQUEST_FIELDS = [
    "id",
    "task",
    "args",
    "kwargs",
    "root_id",
    "parent_id",
    "group",
    "group_index",
    "retries",
    "eta",
    "expires",
    "is_eager",
    "called_directly",
    "timelimit",
    "reply_to",
    "correlation_id",
    "headers",
    "shadow",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
    "callbacks",
    "errbacks",
    "chain",
    "chord",
    "utc",
    "priority",
]


def describe_request(request: Any) -> dict[str, Any]:
    found = {name: getattr(request, name, "absent") for name in REQUEST_FIELDS}
    info = request.delivery_info or {}
    names = ("exchange", "routing_key", "priority", "redelivered")
    found["delivery_info"] = {name: info.get(name, "absent") for name in names}
    found["headers"] = request.headers
    found["has_hostname"] = bool(request.hostname)
    found["has_origin"] = bool(request.origin)
    return json.loads(json.dumps(found, default=repr))


# The recorder.


def note(event: str, task_id: Any = None, **more: Any) -> None:
    path = os.environ.get("LABORATORY_LOG")
    if not path:
        return
    line = {"time": time.time(), "signal": event, "id": task_id, **more}
    data = json.dumps(line, default=repr).encode() + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)


def watch(name: str, pick: Any) -> None:
    def receive(sender: Any = None, **kwargs: Any) -> None:
        note(name, **pick(sender, kwargs))

    getattr(signals, name).connect(receive, weak=False)


def name_of(sender: Any) -> Any:
    return getattr(sender, "name", None) or type(sender).__name__


def show(value: Any) -> Any:
    return f"{type(value).__name__}: {value!r:.200}"


PICKS: dict[str, Any] = {
    "before_task_publish": lambda s, k: {
        "id": find_id(k),
        "sender": s,
        "routing_key": k.get("routing_key"),
        "retry": bool(k.get("retry_policy")),
    },
    "after_task_publish": lambda s, k: {"id": find_id(k), "sender": s},
    "task_received": lambda _, k: {
        "id": k["request"].id,
        "sender": "a consumer",
        "task": k["request"].name,
    },
    "task_prerun": lambda s, k: {
        "id": k["task_id"],
        "sender": name_of(s),
        "args": show(k["args"]),
        "kwargs": show(k["kwargs"]),
        "same": k["task"] is s,
    },
    "task_postrun": lambda s, k: {
        "id": k["task_id"],
        "sender": name_of(s),
        "state": k["state"],
        "retval": show(k["retval"]),
    },
    "task_success": lambda s, k: {
        "id": s.request.id,
        "sender": name_of(s),
        "result": show(k["result"]),
    },
    "task_failure": lambda s, k: {
        "id": k["task_id"],
        "sender": name_of(s),
        "exception": show(k["exception"]),
        "has_traceback": bool(k.get("traceback")),
        "has_einfo": bool(k.get("einfo")),
    },
    "task_retry": lambda s, k: {
        "id": k["request"].id,
        "sender": name_of(s),
        "reason": show(k["reason"]),
        "has_einfo": bool(k.get("einfo")),
    },
    "task_revoked": lambda s, k: {
        "id": k["request"].id,
        "sender": name_of(s),
        "terminated": k["terminated"],
        "signum": k["signum"],
        "expired": k["expired"],
    },
    "task_rejected": lambda _, k: {"id": None, "has_exc": bool(k.get("exc"))},
    "task_unknown": lambda _, k: {
        "id": k.get("id"),
        "name": k.get("name"),
        "exc": show(k.get("exc")),
        "has_message": bool(k.get("message")),
    },
    "task_internal_error": lambda s, k: {
        "id": k["task_id"],
        "sender": name_of(s),
        "exception": show(k["exception"]),
    },
}

LIFECYCLE = [
    "celeryd_init",
    "celeryd_after_setup",
    "worker_init",
    "worker_before_create_process",
    "worker_process_init",
    "worker_ready",
    "worker_shutting_down",
    "worker_process_shutdown",
    "worker_shutdown",
]


def find_id(published: dict[str, Any]) -> Any:
    headers, body = published.get("headers") or {}, published.get("body")
    return headers.get("id") or (body.get("id") if isinstance(body, dict) else None)


def bind_queues(**_: Any) -> None:
    """Give the producers' connection what a broker would keep for it."""
    with app.producer_or_acquire() as producer:
        for queue in app.amqp.queues.values():
            producer.maybe_declare(queue)


if os.environ.get("LABORATORY_BINDINGS"):
    signals.worker_init.connect(bind_queues, weak=False)
for signal_name, pick_fields in PICKS.items():
    watch(signal_name, pick_fields)
for signal_name in LIFECYCLE:
    if hasattr(signals, signal_name):
        watch(signal_name, lambda _sender, _kwargs: {})
