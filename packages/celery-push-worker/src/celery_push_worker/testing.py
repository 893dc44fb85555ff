"""For tests of one's own tasks: they run as in the cloud, without a queue.

``post(app, add.s(2, 3))`` builds the trigger's event for a signature and executes it
by a worker, in this process. What the task publishes goes to the app's broker, which a
test sets to ``memory://``.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

from kombu import serialization

from .worker import PushWorker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery, Signature

    from ._outcomes import Verdict

__all__ = ["build_event", "build_message", "post"]


def post(app: Celery, *signatures: Signature[Any]) -> list[Verdict]:
    """Execute the signatures as one request, and return a verdict for each."""
    from ._events import parse_event

    worker = PushWorker(app)
    event = build_event([build_message(app, signature) for signature in signatures])
    return worker.handle(parse_event(json.dumps(event).encode()))


def build_message(
    app: Celery, signature: Signature[Any], *, wrapped: bool = True, **headers: Any
) -> str:
    """Return a message's body as the app would publish the signature.

    :param wrapped: whether the outer base64 is around it.
    :param headers: replace what the app would set.
    """
    options = dict(signature.options)
    task_id = options.pop("task_id", None) or str(uuid.uuid4())
    message = app.amqp.create_task_message(
        task_id, signature.task, signature.args, signature.kwargs, **options
    )
    content_type, encoding, content = serialization.dumps(
        message.body, serializer=app.conf.task_serializer
    )
    content = content.encode() if isinstance(content, str) else content
    envelope = {
        "body": base64.b64encode(content).decode(),
        "content-type": content_type,
        "content-encoding": encoding,
        "headers": {**message.headers, **headers},
        "properties": {
            **message.properties,
            "body_encoding": "base64",
            "delivery_info": {
                "exchange": "",
                "routing_key": app.conf.task_default_queue,
            },
            "delivery_mode": 2,
            "delivery_tag": str(uuid.uuid4()),
            "priority": 0,
        },
    }
    text = json.dumps(envelope)
    return base64.b64encode(text.encode()).decode() if wrapped else text


def build_event(bodies: Sequence[str]) -> dict[str, Any]:
    """Return the trigger's event for messages with these bodies."""
    return {"messages": [build_entry(body) for body in bodies]}


def build_entry(body: str) -> dict[str, Any]:
    message_id = str(uuid.uuid4())
    return {
        "event_metadata": {
            "event_id": message_id,
            "event_type": "yandex.cloud.events.messagequeue.QueueMessage",
            "created_at": "2026-01-01T00:00:00Z",
            "cloud_id": "cloud",
            "folder_id": "folder",
        },
        "details": {
            "queue_id": "yrn:yc:ymq:ru-central1:folder:default",
            "message": {
                "message_id": message_id,
                "md5_of_body": "",
                "body": body,
                "attributes": {},
                "message_attributes": {},
                "md5_of_message_attributes": "",
            },
        },
    }
