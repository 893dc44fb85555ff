"""A queue and a table on a stand-in server, reached over HTTP by the real clients."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import boto3
import pytest

moto_server = pytest.importorskip("moto.server")


@pytest.fixture(scope="session")
def endpoint():
    server = moto_server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _environment(monkeypatch, endpoint):
    for name, value in {
        "MOTO_ALLOW_NONEXISTENT_REGION": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "ru-central1",
        "AWS_ENDPOINT_URL_SQS": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _forget_clients():
    """Kombu keeps the clients of predefined queues for every app of the process."""
    yield
    from kombu.transport import SQS

    SQS.Channel._predefined_queue_clients.clear()


class Queue:
    """The queue as its trigger and its operator see it."""

    def __init__(self, name: str) -> None:
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def take(self, wait: int = 0) -> list[str]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    def count(self, kind: str = "") -> int:
        name = f"ApproximateNumberOfMessages{kind}"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def peek(self):
        """Look at what is delayed: only the stand-in itself can tell."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sqs.models import sqs_backends

        name = self.url.rpartition("/")[2]
        region = sqs_backends[DEFAULT_ACCOUNT_ID]["ru-central1"]
        return [
            (message.body, message.delayed_until / 1000 - time.time())
            for message in region.queues[name]._messages
        ]


@pytest.fixture
def queue(request):
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return Queue(name[:80])


@pytest.fixture
def world(make_world, queue):
    return make_world(
        broker_url="sqs://",
        broker_transport_options={"predefined_queues": {"default": {"url": queue.url}}},
        result_backend="dynamodb://@ru-central1/celery?ttl_seconds=600",
    )


def later(seconds: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)
