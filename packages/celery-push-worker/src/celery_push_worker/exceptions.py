"""The package's errors, by whose fault they are.

PushWorkerError
├── ConfigurationError      the operator's: raised at start
├── ScheduleError           the operator's: raised by the export, entry by entry
├── MessageTooLargeError    the publisher's: raised where the task is sent
├── UnknownQueueError       the publisher's: the same
├── UnboundExchangeError    the publisher's: the same
├── ResultRefusedError      the task's: recorded instead of its result
├── RequestError            the caller's: has the status of the response
├── UndeliverableError      the message's: it can never succeed
└── RetryLaterError         that of store, broker or database: it must come back
"""

from __future__ import annotations

import json
import re
from enum import Enum

__all__ = [
    "ConfigurationError",
    "MessageTooLargeError",
    "PushWorkerError",
    "Reason",
    "RequestError",
    "ResultRefusedError",
    "RetryLaterError",
    "ScheduleError",
    "UnboundExchangeError",
    "UndeliverableError",
    "UnknownQueueError",
]


class Reason(str, Enum):
    """Why a message was not done; the same word in responses and in the log."""

    BAD_ENVELOPE = "bad_envelope"
    """The body is not a message that Celery publishes."""
    BAD_BODY = "bad_body"
    """The task's arguments cannot be decoded."""
    REFUSED_CONTENT = "refused_content"
    """The serializer is not in ``accept_content``."""
    UNKNOWN_TASK = "unknown_task"
    """No task of that name is registered."""
    INVALID_TASK = "invalid_task"
    """A header has an invalid value."""
    REJECTED = "rejected"
    """The task rejected the message, or failed without being acknowledged."""
    REQUEUED = "requeued"
    """The task asked for the message to be delivered again."""
    STORE_FAILED = "store_failed"
    """The result store cannot be reached."""
    BROKER_FAILED = "broker_failed"
    """The broker cannot be reached."""
    DATABASE_FAILED = "database_failed"
    """The database of the periodic tasks cannot be reached."""
    NO_SCHEDULER = "no_scheduler"
    """The timer asks for django-celery-beat, and it is not installed."""
    INTERNAL_ERROR = "internal_error"
    """An unexpected error outside the task's own code."""
    NOT_STARTED = "not_started"
    """An earlier message of the same request met an outage of store or broker."""


class PushWorkerError(Exception):
    """Base class of the package's errors."""

    def __repr__(self) -> str:
        """Tell the whole: Celery records some errors by this."""
        return f"{type(self).__name__}({str(self)!r})"


class ConfigurationError(PushWorkerError):
    """The worker cannot start with these settings."""


class ScheduleError(PushWorkerError):
    """Entries of ``beat_schedule`` cannot be exported as timers.

    :param problems: one sentence per entry, which begins with its name.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class MessageTooLargeError(PushWorkerError):
    """The message fits into the queue, but the trigger would never deliver it.

    :param size: of the whole message, in bytes.
    :param limit: in bytes.
    """

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(name, size, limit)
        self.name = name
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"The message of task '{self.name}' has {self.size} bytes, and the trigger "
            f"delivers at most {self.limit}. Store large data in a bucket or the "
            "database, and send a reference."
        )


class ResultRefusedError(PushWorkerError):
    """The result store cannot hold a task's result."""

    @classmethod
    def of(cls, task: str, refusal: BaseException) -> ResultRefusedError:
        """Return the error for a task's name and the store's own error."""
        return cls(
            f"The result store rejected the result of task '{task}': {refusal} "
            "(DynamoDB holds 400 KB per item, Redis 512 MB). Store large data in a "
            "bucket or the database, and return a reference."
        )


class UnknownQueueError(PushWorkerError):
    """The task is sent to a queue that the stack does not have."""

    def __init__(self, task: str, queue: str, known: list[str]) -> None:
        super().__init__(task, queue, known)
        self.queue = queue
        self.known = known

    def __str__(self) -> str:
        """Name the queue, the existing ones, and both fixes."""
        task, queue, known = self.args
        names = ", ".join(f"'{name}'" for name in known)
        return (
            f"Task '{task}' is sent to queue '{queue}', which does not exist (known: "
            f"{names}). Add it to config.ts ({render_queue_line(queue)}), or remove "
            f"'{queue}' from the task's route, 'task_routes', the call's 'queue=' or "
            "'task_default_queue'."
        )


def render_queue_line(queue: str) -> str:
    """Return the line of ``config.ts`` that adds a queue."""
    key = queue if re.fullmatch(r"[A-Za-z_]\w*", queue) else json.dumps(queue)
    return f"queues: {{ {key}: {{}} }}"


class UnboundExchangeError(PushWorkerError):
    """The task is sent to an exchange that leads to no queue: it would be lost."""

    def __init__(self, task: str, exchange: str, routing_key: str | None) -> None:
        super().__init__(task, exchange, routing_key)

    def __str__(self) -> str:
        task, exchange, routing_key = self.args
        return (
            f"Task '{task}' is sent to exchange '{exchange}' with routing key "
            f"'{routing_key}', to which no queue is bound. Bind one in 'task_queues', "
            "or route the task by 'queue'."
        )


class RequestError(PushWorkerError):
    """The request is not an event of a trigger.

    :param status: HTTP status of the response.
    :param headers: additional headers of the response.
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return self.message


class UndeliverableError(PushWorkerError):
    """The message can never succeed, however often it is delivered."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class RetryLaterError(PushWorkerError):
    """The message was not done, and a later delivery may succeed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason.value
