"""Publishes for the worker: tasks that are not due yet, and tasks of timers."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from ._delays import HOPS_HEADER
from .exceptions import Reason, UndeliverableError

if TYPE_CHECKING:
    from celery import Celery

    from ._events import TimerFired
    from ._messages import TaskMessage

KEPT_PROPERTIES = ("correlation_id", "reply_to", "priority", "message_attributes")
"""Properties that are kept; the others belong to the delivered message."""


def republish(
    app: Celery, message: TaskMessage, *, queue: str | None, hops: int, delay: int
) -> None:
    """Publish the message unchanged, to be delayed by the queue from which it came.

    :param queue: the cloud's name of that queue, if it is known.
    :param delay: seconds, up to 900.
    """
    envelope = message.envelope
    properties = {
        name: value
        for name, value in envelope.properties.items()
        if name in KEPT_PROPERTIES
    }
    with app.producer_or_acquire() as producer:
        producer.publish(
            envelope.content,
            exchange="",
            routing_key=find_queue(app, queue, envelope.delivery_info),
            content_type=envelope.content_type,
            content_encoding=envelope.content_encoding,
            headers={**envelope.headers, HOPS_HEADER: hops},
            retry=True,
            retry_policy=app.conf.task_publish_retry_policy,
            DelaySeconds=delay,
            **properties,
        )


def find_queue(app: Celery, queue: str | None, sent_to: dict[str, Any]) -> str:
    """Return Celery's name of the queue from which a message came.

    :param queue: the cloud's name of it, which is the end of its URL.
    :param sent_to: the message's exchange and routing key, which may be anything.
    """
    options = app.conf.broker_transport_options or {}
    predefined = options.get("predefined_queues") or {}
    named = [
        name
        for name, entry in predefined.items()
        if queue and str(entry.get("url")).endswith(f"/{queue}")
    ]
    name = sent_to.get("routing_key")
    if name in (named or [*app.amqp.queues, *predefined]):
        return str(name)
    return named[0] if named else str(app.conf.task_default_queue)


def plan_entry(app: Celery, timer: TimerFired) -> dict[str, Any]:
    """Return the timer's task, with arguments and options.

    :raises UndeliverableError: the payload is invalid, or the task not registered.
    """
    entry = parse_payload(timer.payload)
    if entry["task"] not in app.tasks:
        raise UndeliverableError(
            Reason.UNKNOWN_TASK, f"No task '{entry['task']}' is registered"
        )
    # The trigger may retry: the same run of a timer gets the same task id.
    task_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"timer:{timer.message_id}"))
    entry["options"] = {"task_id": task_id, **entry.get("options", {})}
    return entry


def publish_entry(app: Celery, entry: dict[str, Any]) -> None:
    app.tasks[entry["task"]].apply_async(
        entry.get("args", []), entry.get("kwargs", {}), **entry["options"]
    )


def parse_payload(payload: str) -> dict[str, Any]:
    try:
        entry = json.loads(payload)
    except (ValueError, RecursionError):
        entry = None
    shape = {"args": list, "kwargs": dict, "options": dict}
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("task"), str)
        or not all(isinstance(entry.get(k, t()), t) for k, t in shape.items())
    ):
        raise UndeliverableError(
            Reason.BAD_BODY, "The timer's payload does not name a task"
        )
    return entry
