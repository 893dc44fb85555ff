"""The queue and the tables that a matrix runs against: a moto server with a memory.

Run as a program it serves until it is told to stop, and writes one line of JSON for
each message that is sent, received, deleted, hidden for a time, or moved to the dead
letters: the verdict on a message as the queue saw it. Started by ``StandIn``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

REGION = "ru-central1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret-key",
    "AWS_DEFAULT_REGION": REGION,
}
VISIBILITY_SECONDS = 661
"""A container's timeout of ten minutes, the trigger's cutoff, and a minute."""

MAX_RECEIVE_COUNT = 3
"""Less than the stack's ten, so that a message that never succeeds ends soon."""


class StandIn:
    """The server as a process, and what it has seen."""

    def __init__(self, folder: Path) -> None:
        self.log_path = folder / "queue.jsonl"
        self.log_path.touch()
        ready = folder / "port"
        with (folder / "stand-in.log").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(self.log_path), str(ready)],
                env={**os.environ, **KEYS, "MOTO_ALLOW_NONEXISTENT_REGION": "true"},
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
        self.port = int(wait_for(lambda: ready.exists() and ready.read_text()))
        self.url = f"http://127.0.0.1:{self.port}"
        self.names = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL_SQS": self.url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
        }

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def make_place(self, *further: str) -> Place:
        """Make queues with dead letters, and a table of results.

        :param further: Celery's names of queues beside ``default``.
        """
        self.names += 1
        return Place(self, f"run-{self.names}", further)

    def read_log(self) -> list[dict[str, Any]]:
        text = self.log_path.read_text()
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Place:
    """Queues with their dead letters, and one table."""

    def __init__(
        self, stand_in: StandIn, name: str, further: tuple[str, ...] = ()
    ) -> None:
        self.stand_in = stand_in
        self.name = name
        self.queues = {"default": name} | {each: f"{name}-{each}" for each in further}
        """The server's names by Celery's."""
        self.sqs = stand_in.client("sqs")
        self.urls = {
            queue: make_queue(self.sqs, known_as)
            for queue, known_as in self.queues.items()
        }
        self.url = self.urls["default"]
        self.dynamodb = stand_in.client("dynamodb")
        self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.stand_in.environment,
            "SQS_QUEUE": self.url,
            "RESULTS_TABLE": self.name,
        }

    def read_log(self) -> list[dict[str, Any]]:
        """Return what happened in the queues, which go by Celery's names here."""
        names = {known_as: queue for queue, known_as in self.queues.items()}
        names |= {f"{known_as}-dead": f"{q}-dead" for known_as, q in names.items()}
        return [
            {**line, "queue": names[line["queue"]]}
            for line in self.stand_in.read_log()
            if line["queue"] in names
        ]

    def read_rows(self) -> dict[str, dict[str, Any]]:
        """Return every result of the table by its key."""
        rows: dict[str, dict[str, Any]] = {}
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.name):
            for item in page["Items"]:
                if "result" in item:
                    key = item["id"]["S"].removeprefix("b'").removesuffix("'")
                    rows[key] = json.loads(item["result"]["B"])
        return rows

    def lapse(self) -> int:
        """Let the time pass after which undeleted messages are delivered again."""
        handles: dict[str, tuple[str, str]] = {}
        for line in self.read_log():
            if line["event"] == "receive":
                url = self.urls[line["queue"]]
                handles[line["message_id"]] = url, line["handle"]
            elif line["event"] in ("delete", "dead"):
                handles.pop(line["message_id"], None)
        for url, handle in handles.values():
            self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        return len(handles)


def make_queue(sqs: Any, name: str) -> str:
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": MAX_RECEIVE_COUNT,
    }
    attributes = {
        "VisibilityTimeout": str(VISIBILITY_SECONDS),
        "RedrivePolicy": json.dumps(policy),
    }
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def wait_for(condition: Any, seconds: float = 120, *, what: str = "a process") -> Any:
    """Return the condition's first true value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {seconds} s for {what}")
        time.sleep(0.05)
    return value


# The program.


def serve(log_path: str, ready_path: str) -> None:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    remember(log_path)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    Path(ready_path + ".new").write_text(str(port))
    Path(ready_path + ".new").rename(ready_path)
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    told = signal.sigwaitinfo(ending)
    print(f"Ended by signal {told.si_signo} of process {told.si_pid}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(0)


def remember(log_path: str) -> None:
    """Put the log around the backend's own methods."""
    from moto.sqs import models

    lock = threading.Lock()
    stream = Path(log_path).open("a", buffering=1)  # noqa: SIM115  open until the end

    def write(event: str, queue: str, message: Any, **more: Any) -> None:
        line = {"event": event, "queue": queue, "message_id": message.id, **more}
        with lock:
            stream.write(json.dumps({"time": time.time(), **line}) + "\n")

    original_add = models.Queue.add_message
    original_delete = models.Queue.delete_message
    original_receive = models.SQSBackend.receive_message
    original_hide = models.SQSBackend.change_message_visibility

    def add_message(queue: Any, message: Any) -> None:
        moved = message.approximate_receive_count > 0
        delay = max(0.0, message.delayed_until / 1000 - time.time())
        write(
            "dead" if moved else "send",
            queue.name,
            message,
            body=message.body,
            delay=round(delay),
        )
        original_add(queue, message)

    def delete_message(queue: Any, receipt_handle: str) -> None:
        for message in list(queue._messages):
            if message.had_receipt_handle(receipt_handle):
                write("delete", queue.name, message)
        original_delete(queue, receipt_handle)

    def receive_message(
        backend: Any, queue_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        received = original_receive(backend, queue_name, *args, **kwargs)
        for message in received:
            write("receive", queue_name, message, handle=message.receipt_handle)
        return received

    def change_message_visibility(
        backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        original_hide(backend, queue_name, receipt_handle, visibility_timeout)
        for message in backend.get_queue(queue_name)._messages:
            if message.had_receipt_handle(receipt_handle):
                write("hide", queue_name, message, seconds=int(visibility_timeout))

    models.Queue.add_message = add_message
    models.Queue.delete_message = delete_message
    models.SQSBackend.receive_message = receive_message
    models.SQSBackend.change_message_visibility = change_message_visibility


if __name__ == "__main__":
    serve(*sys.argv[1:])
