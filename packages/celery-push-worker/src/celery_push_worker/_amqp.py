"""Celery's AMQP class, extended: tasks are delayed by the queue, and checked when sent.

Celery imports it by name when an app publishes for the first time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery._state import get_current_task
from celery.app.amqp import AMQP
from kombu import serialization
from kombu.compression import compress
from kombu.utils.json import dumps

from ._delays import find_remaining, plan_delay
from ._platform import MAX_MESSAGE_BYTES
from ._routing import check_route
from .exceptions import MessageTooLargeError

if TYPE_CHECKING:
    from celery import Celery

RETRIED_MARK = "push_worker_has_retried"
"""Set on the request of a task that has published itself again."""

ENVELOPE_BYTES = 400
"""What the transport adds to body, headers and properties, rounded up."""


def extend(base: type) -> type:
    """Return a subclass whose sender is wrapped by ours."""

    class Extended(base):  # type: ignore[misc]  # the app's own choice
        push_worker_installed = True

        def _create_task_sender(self) -> Callable[..., Any]:
            return wrap_sender(super()._create_task_sender(), self.app)

    return Extended


PushAMQP = extend(AMQP)
"""What ``Celery.amqp_cls`` names when a project has not chosen a class itself."""


def wrap_sender(send: Callable[..., Any], app: Celery) -> Callable[..., Any]:
    def send_task_message(
        producer: Any, name: str, message: Any, **options: Any
    ) -> Any:
        mark_retry(message)
        if publishes_to_sqs(app):
            check_route(app, name, options)
            eta = find_header(message, "eta")
            delay = plan_delay(find_remaining(eta, time.time()))
            if delay:
                options.setdefault("DelaySeconds", delay)
            check_size(app, name, message, options)
        return send(producer, name, message, **options)

    return send_task_message


def mark_retry(message: Any) -> None:
    """Mark the running task's request when the task publishes itself again."""
    request = getattr(get_current_task(), "request", None)
    if request is not None and find_header(message, "id") == request.id:
        setattr(request, RETRIED_MARK, True)


def find_header(message: Any, name: str) -> object:
    if name in message.headers:
        return message.headers[name]
    return message.body.get(name) if isinstance(message.body, dict) else None


def publishes_to_sqs(app: Celery) -> bool:
    url = app.conf.broker_write_url or app.conf.broker_url or ""
    first = next(iter(url), "") if isinstance(url, (list, tuple)) else str(url)
    return str(first).strip().lower().startswith("sqs")


def check_size(app: Celery, name: str, message: Any, options: dict[str, Any]) -> None:
    """Reject a message that the trigger would never deliver.

    :raises MessageTooLargeError: with the message's size and the limit, in bytes.
    """
    limit = app.conf.get("push_worker_max_message_bytes") or MAX_MESSAGE_BYTES
    wraps = (app.conf.broker_transport_options or {}).get("sqs_base64_encoding", True)
    size = measure(
        message,
        serializer=options.get("serializer") or app.conf.task_serializer,
        compression=options.get("compression") or app.conf.task_compression,
    )
    size = base64_length(size) if wraps else size
    if size > limit:
        raise MessageTooLargeError(name, size, limit)


def measure(message: Any, *, serializer: str, compression: str | None) -> int:
    content = encode(message.body, serializer, compression)
    headers = dumps({"headers": message.headers, "properties": message.properties})
    return base64_length(len(content)) + len(headers.encode()) + ENVELOPE_BYTES


def encode(body: Any, serializer: str, compression: str | None) -> bytes:
    content: Any = serialization.dumps(body, serializer=serializer)[2]
    content = content.encode() if isinstance(content, str) else content
    packed: Any = compress(content, compression)[0] if compression else content
    return bytes(packed)


def base64_length(size: int) -> int:
    return -(-size // 3) * 4
