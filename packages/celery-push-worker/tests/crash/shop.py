"""A worker that ends itself, once, at the point that ``KILL_AT`` names.

Nothing is closed and nothing said, as when the platform takes an instance away.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from celery_push_worker import PushWorker

VICTIM = "victim"

app = Celery("crash", set_as_current=True)
app.conf.update(
    broker_url="sqs://",
    broker_transport_options={
        "region": os.environ["AWS_DEFAULT_REGION"],
        "predefined_queues": {"default": {"url": os.environ["SQS_QUEUE"]}},
    },
    result_backend="dynamodb://@{}/{}".format(
        os.environ["AWS_DEFAULT_REGION"], os.environ["RESULTS_TABLE"]
    ),
    task_default_queue="default",
)


def reach(point: str, label: Any = VICTIM) -> None:
    """End the process if this is the point, and it is the first time."""
    if point != os.environ.get("KILL_AT") or label != VICTIM:
        return
    try:
        os.close(os.open(os.environ["KILL_MARK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(9)


def leave_trace(word: str, label: str) -> None:
    with open(os.environ["TRACES"], "a") as stream:
        stream.write(f"{word} {label}\n")


@app.task
def work(label: str) -> str:
    reach("start of the body", label)
    leave_trace("work", label)
    reach("end of the body", label)
    return label


@app.task(ignore_result=True)
def quiet(label: str) -> None:
    work.run(label)


@app.task
def follow(label: str) -> str:
    leave_trace("follow", label)
    return label


@app.task
def total(labels: list[str]) -> list[str]:
    leave_trace("total", str(len(labels)))
    return labels


def find_label(kwargs: dict[str, Any]) -> Any:
    task = kwargs.get("task") or kwargs.get("sender")
    request = kwargs.get("request") or getattr(task, "request", None)
    args = kwargs.get("args") or getattr(request, "args", None) or [None]
    return args[0]


def watch(name: str) -> None:
    def receive(sender: Any = None, **kwargs: Any) -> None:
        reach(name, find_label({"sender": sender, **kwargs}))

    getattr(signals, name).connect(receive, weak=False)


for signal_name in ("task_received", "task_prerun", "task_success", "task_postrun"):
    watch(signal_name)


@signals.before_task_publish.connect
def before_publish(body: Any = None, **_: Any) -> None:
    reach("before what follows is published", body[0][0] if body[0] else VICTIM)


@signals.after_task_publish.connect
def after_publish(body: Any = None, **_: Any) -> None:
    reach("after what follows is published", body[0][0] if body[0] else VICTIM)


store = app.backend.store_result


def store_result(
    task_id: str, result: Any, state: str, *args: Any, **kwargs: Any
) -> Any:
    label = result if state == "SUCCESS" else None
    reach("before the result is stored", label)
    stored = store(task_id, result, state, *args, **kwargs)
    reach("after the result is stored", label)
    return stored


app.backend.store_result = store_result

worker = PushWorker(app)


def application(environ: Any, start_response: Any) -> Any:
    if environ["REQUEST_METHOD"] != "POST":
        return worker(environ, start_response)
    reach("start of the request")
    chunks = list(worker(environ, start_response))
    reach("before the answer")
    return chunks
