"""Records messages as a release of Celery publishes them.

    pip install celery==5.4.0 kombu==5.4.2 boto3 msgpack pyyaml
    AWS_ENDPOINT_URL_SQS=http://localhost:5000 python record.py

Writes a folder named after the release, with one file per message, as the queue holds
it. Needs an SQS-compatible server that is empty.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import boto3
import celery
import kombu
from celery import Celery, chain, chord
from celery.utils import nodenames

# Celery writes the publisher's host name into each message.
nodenames.gethostname = lambda: "golden"

HERE = Path(__file__).parent
LATER = datetime(2100, 1, 1, tzinfo=timezone.utc)

sqs = boto3.client("sqs")
QUEUE = sqs.create_queue(QueueName="golden")["QueueUrl"]


def make_app(**conf):
    app = Celery("golden", broker="sqs://", backend="cache+memory://")
    options = {"predefined_queues": {"default": {"url": QUEUE}}}
    options.update(conf.pop("options", {}))
    app.conf.update(
        task_default_queue="default",
        broker_transport_options=options,
        accept_content=["json", "pickle", "yaml", "msgpack"],
        **conf,
    )

    @app.task(name="t.add")
    def add(x, y):
        return x + y

    @app.task(name="t.total")
    def total(numbers):
        return sum(numbers)

    return app, add, total


def take():
    bodies = []
    while True:
        answer = sqs.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return bodies
        for message in answer["Messages"]:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=QUEUE, ReceiptHandle=message["ReceiptHandle"])


def cases():
    _, add, total = make_app()
    yield "plain", lambda: add.delay(2, 3)
    yield "keywords", lambda: add.apply_async(kwargs={"x": 2, "y": 3})
    yield (
        "options",
        lambda: add.apply_async(
            (2, 3),
            expires=LATER,
            priority=3,
            time_limit=60,
            soft_time_limit=50,
            shadow="shown",
            headers={"tenant": "a"},
            ignore_result=True,
        ),
    )
    yield "eta", lambda: add.apply_async((2, 3), eta=LATER)
    yield "link", lambda: add.apply_async((2, 3), link=add.s(4), link_error=add.s(5))
    yield "chain", lambda: chain(add.s(2, 3), add.s(4), add.s(5)).apply_async()
    yield "chord", lambda: chord([add.s(1, 1), add.s(2, 2)])(total.s())
    yield "zlib", lambda: add.apply_async((2, 3), compression="zlib")
    for serializer in ("pickle", "yaml", "msgpack"):
        yield serializer, lambda s=serializer: add.apply_async((2, 3), serializer=s)
    _, old, _ = make_app(task_protocol=1)
    yield "protocol-1", lambda: old.apply_async((2, 3), countdown=0)
    _, bare, _ = make_app(options={"sqs_base64_encoding": False})
    yield "bare", lambda: bare.delay(2, 3)


def main():
    folder = HERE / ".".join(celery.__version__.split(".")[:2])
    folder.mkdir(exist_ok=True)
    for name, publish in cases():
        publish()
        for number, body in enumerate(take()):
            suffix = f"-{number}" if number else ""
            file = folder / f"{name}{suffix}.txt"
            file.write_text(body + "\n", encoding="utf-8")
    versions = {"celery": celery.__version__, "kombu": kombu.__version__}
    text = json.dumps(versions, indent=2) + "\n"
    (folder / "versions.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
