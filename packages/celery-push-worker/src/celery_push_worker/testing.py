"""For tests of one's own tasks: they run as in the cloud, without a queue.

``post(app, add.s(2, 3))`` builds the trigger's event for a signature and executes it
by a worker, in this process. What the task publishes goes to the app's broker, which a
test sets to ``memory://``.
"""

from __future__ import annotations

import base64
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kombu import Connection
from kombu.pools import ProducerPool
from kombu.transport import memory

from .worker import PushWorker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery import Celery, Signature

    from ._outcomes import MessageResult

__all__ = ["build_bodies", "build_event", "post"]


def post(app: Celery, *signatures: Signature[Any]) -> list[MessageResult]:
    """Execute the signatures as one request, and return a result for each message."""
    from ._events import parse_event

    worker = PushWorker(app)
    bodies = [body for s in signatures for body in build_bodies(s)]
    return worker.handle(parse_event(json.dumps(build_event(bodies)).encode()))


def build_bodies(signature: Signature[Any], *, wrapped: bool = True) -> list[str]:
    """Return the bodies that publishing the signature would put into the queue.

    One for a task or a chain; one for each member of a group or of a chord's header.

    :param wrapped: whether the outer base64 is around them.
    """
    with capture(signature.app) as published:
        signature.apply_async()
    texts = [json.dumps(message) for message in published]
    return [base64.b64encode(t.encode()).decode() for t in texts] if wrapped else texts


@contextmanager
def capture(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """Catch what the app publishes inside, in the form in which a queue holds it."""
    published: list[dict[str, Any]] = []
    with Connection(transport=make_transport(published)) as connection:
        amqp: Any = app.amqp
        before = amqp._producer_pool  # noqa: SLF001  a chain takes no other producer
        amqp._producer_pool = ProducerPool(connection.Pool(2), limit=2)  # noqa: SLF001
        try:
            yield published
        finally:
            amqp._producer_pool = before  # noqa: SLF001


def make_transport(published: list[dict[str, Any]]) -> Any:
    """Return a transport that lists messages where others send them."""

    class Channel(memory.Channel):
        def _put(self, queue: str, message: Any, **_: Any) -> None:  # noqa: ARG002
            published.append(message)

    return type("Transport", (memory.Transport,), {"Channel": Channel})


def build_event(bodies: Sequence[str]) -> dict[str, Any]:
    """Return the trigger's event for messages with these bodies: what is read of it."""
    return {"messages": [build_entry(body) for body in bodies]}


def build_entry(body: str) -> dict[str, Any]:
    message_id = str(uuid.uuid4())
    return {
        "event_metadata": {"event_id": message_id},
        "details": {
            "message": {"message_id": message_id, "body": body, "attributes": {}}
        },
    }
