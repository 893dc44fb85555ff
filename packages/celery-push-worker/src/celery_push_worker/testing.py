"""For testing your own tasks: they run as in the cloud, without a queue.

``post(app, add.s(2, 3))`` builds the trigger's event for a signature and executes it
with a worker, in this process. What the task publishes goes to the app's broker, which
a test should set to ``memory://``.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kombu import Connection
from kombu.pools import ProducerPool
from kombu.transport import memory

from .worker import PushWorker

if TYPE_CHECKING:
    from celery import Celery, Signature

    from ._outcomes import MessageResult

__all__ = ["build_bodies", "build_event", "post"]


def post(app: Celery, *signatures: Signature[Any]) -> list[MessageResult]:
    """Execute the signatures as one request, and return a result for each message.

    A result has ``message_id``, ``outcome`` (done, delayed, duplicate, retry_later or
    dead), and, if there is one, ``reason`` and the task's ``state``.
    """
    from ._events import parse_event

    worker = PushWorker(app)
    bodies = [body for s in signatures for body in build_bodies(s)]
    return worker.handle(parse_event(json.dumps(build_event(bodies)).encode()))


def build_bodies(signature: Signature[Any], *, wrapped: bool = True) -> list[str]:
    """Return the bodies of the messages that publishing the signature sends.

    One for a task or a chain; one for each member of a group or of a chord's header.

    :param wrapped: whether to encode them in base64, as kombu does by default.
    """
    with capture(signature.app) as published:
        signature.apply_async()
    texts = [json.dumps(message) for message in published]
    return [base64.b64encode(t.encode()).decode() for t in texts] if wrapped else texts


@contextmanager
def capture(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """Collect what the app publishes inside, as it would be in the queue."""
    published: list[dict[str, Any]] = []
    with Connection(transport=make_transport(published)) as connection:
        amqp: Any = app.amqp
        before = amqp._producer_pool  # noqa: SLF001  a chain ignores a given producer
        amqp._producer_pool = ProducerPool(connection.Pool(2), limit=2)  # noqa: SLF001
        try:
            yield published
        finally:
            amqp._producer_pool = before  # noqa: SLF001


def make_transport(published: list[dict[str, Any]]) -> Any:
    """Return a transport that collects messages instead of sending them."""

    class Channel(memory.Channel):
        def _put(self, queue: str, message: Any, **_: Any) -> None:  # noqa: ARG002
            published.append(message)

    return type("Transport", (memory.Transport,), {"Channel": Channel})


def build_event(bodies: Sequence[str]) -> dict[str, Any]:
    """Return a trigger's event with these bodies, without unused fields."""
    return {"messages": [build_entry(body) for body in bodies]}


def build_entry(body: str) -> dict[str, Any]:
    message_id = str(uuid.uuid4())
    return {
        "event_metadata": {"event_id": message_id},
        "details": {
            "message": {"message_id": message_id, "body": body, "attributes": {}}
        },
    }
