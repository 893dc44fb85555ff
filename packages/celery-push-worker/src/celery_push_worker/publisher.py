"""What a publisher has to do so that the trigger delivers its tasks, and on time.

``install(app)`` in the module of the app is all: from then on a task with ``countdown``
or ``eta`` is held back by the queue, and a message that the trigger would never deliver
is refused. Nothing happens on import.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kombu import serialization
from kombu.compression import compress
from kombu.utils.json import dumps

from ._delays import find_remaining, plan_delay
from ._settings import MAX_MESSAGE_BYTES
from .exceptions import MessageTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

__all__ = ["install"]

ENVELOPE_BYTES = 400
"""What the transport adds to body, headers and properties, rounded up."""

MARK = "push_worker_installed"


def install(app: Celery) -> None:
    """Make the app publish for a trigger; a second call changes nothing.

    The app is not configured by this: it may stand right after the app's creation.
    """
    from celery.utils.imports import symbol_by_name

    base = app.amqp_cls
    if isinstance(base, type) and getattr(base, MARK, False):
        return

    class PushAMQP(symbol_by_name(base)):  # type: ignore[misc]  # the app's own choice
        push_worker_installed = True

        def _create_task_sender(self) -> Callable[..., Any]:
            return wrap_sender(super()._create_task_sender(), self.app)

    app.amqp_cls = PushAMQP
    if "amqp" in vars(app):
        app.amqp.send_task_message = wrap_sender(app.amqp.send_task_message, app)


def wrap_sender(send: Callable[..., Any], app: Celery) -> Callable[..., Any]:
    def send_task_message(
        producer: Any, name: str, message: Any, **options: Any
    ) -> Any:
        if publishes_to_sqs(app):
            delay = plan_delay(find_remaining(find_eta(message), time.time()))
            if delay:
                options.setdefault("DelaySeconds", delay)
            check_size(app, name, message, options)
        return send(producer, name, message, **options)

    return send_task_message


def find_eta(message: Any) -> object:
    if "eta" in message.headers:
        return message.headers["eta"]
    return message.body.get("eta") if isinstance(message.body, dict) else None


def publishes_to_sqs(app: Celery) -> bool:
    url = app.conf.broker_write_url or app.conf.broker_url or ""
    return str(url).startswith("sqs")


def check_size(app: Celery, name: str, message: Any, options: dict[str, Any]) -> None:
    """Refuse what the trigger would never deliver.

    :raises MessageTooLargeError: with the message's size and the limit.
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
    _, _, content = serialization.dumps(message.body, serializer=serializer)
    content = content.encode() if isinstance(content, str) else content
    if compression:
        content, _ = compress(content, compression)
    headers = dumps({"headers": message.headers, "properties": message.properties})
    return base64_length(len(content)) + len(headers.encode()) + ENVELOPE_BYTES


def base64_length(size: int) -> int:
    return -(-size // 3) * 4
