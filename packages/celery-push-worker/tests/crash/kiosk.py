"""A worker whose timer fires when a line comes in: the time at which it is fired.

It answers with the response's status. Its broker is a folder. ``KILL_AT`` names a point
at which the process ends; nothing is closed and nothing said then.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import django
from celery import Celery, signals
from django.conf import settings

from celery_push_worker import PushWorker

queue = Path(os.environ["QUEUE"])

settings.configure(
    DATABASES={"default": json.loads(os.environ["DATABASE"])},
    INSTALLED_APPS=["django_celery_beat"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

app = Celery("kiosk", set_as_current=True)
app.conf.update(
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(queue.parent / "control"),
    },
    task_default_queue="default",
    push_worker_json_logs=False,
)


@app.task(name="sell")
def sell() -> None:
    """Sell a newspaper."""


@signals.before_task_publish.connect
def before_publish(**_: object) -> None:
    if os.environ.get("KILL_AT") == "claimed":
        os._exit(9)


@signals.after_task_publish.connect
def after_publish(**_: object) -> None:
    if os.environ.get("KILL_AT") == "published":
        os._exit(9)


def fire(worker: PushWorker, time: str) -> str:
    event = {
        "event_metadata": {"event_id": time, "created_at": time},
        "details": {"payload": '{"schedule":"database"}'},
    }
    body = json.dumps({"messages": [event]}).encode()
    statuses: list[str] = []
    worker(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        },
        lambda status, _headers: statuses.append(status),  # type: ignore[arg-type,return-value]
    )
    return statuses[0]


def serve() -> None:
    worker = PushWorker(app)
    print("ready", flush=True)
    for line in sys.stdin:
        print(fire(worker, line.strip()), flush=True)


if __name__ == "__main__":
    serve()
