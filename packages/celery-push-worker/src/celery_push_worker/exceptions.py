"""What can go wrong, split by whose fault it is.

PushWorkerError
├── ConfigurationError      the operator's: told at start
├── ScheduleError           the operator's: told by the export, entry by entry
├── MessageTooLargeError    the publisher's: told where the task is sent
├── UnknownQueueError       the publisher's: the same
├── ResultRefusedError      the task's: recorded in place of its result
├── RequestError            the caller's: carries the answer's status
├── UndeliverableError      the message's: it can never succeed
└── RetryLaterError         the store's or the broker's: the message must come back
"""

from __future__ import annotations

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
    "UndeliverableError",
    "UnknownQueueError",
]


class Reason(str, Enum):
    """Why a message was not done; the same word in answers and in the log."""

    BAD_ENVELOPE = "bad_envelope"
    """The body is not a message as Celery publishes it."""
    BAD_BODY = "bad_body"
    """The task's arguments cannot be decoded."""
    REFUSED_CONTENT = "refused_content"
    """The serializer is not in ``accept_content``."""
    UNKNOWN_TASK = "unknown_task"
    """No task of that name is registered."""
    INVALID_TASK = "invalid_task"
    """A header has a value with which no task can run."""
    REJECTED = "rejected"
    """The task rejected the message, or failed without being acknowledged."""
    REQUEUED = "requeued"
    """The task asked for the message to be delivered again."""
    STORE_FAILED = "store_failed"
    """The result store cannot be reached."""
    BROKER_FAILED = "broker_failed"
    """The broker cannot be reached."""
    INTERNAL_ERROR = "internal_error"
    """Something outside the task's own code failed."""
    NOT_STARTED = "not_started"
    """An earlier message of the same request found the store or broker down."""


class PushWorkerError(Exception):
    """The base of every error of this package."""


class ConfigurationError(PushWorkerError):
    """A setting makes it impossible to start."""


class ScheduleError(PushWorkerError):
    """Entries of ``beat_schedule`` that no timer can express.

    :param problems: one sentence per entry, which begins with the entry's name.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class MessageTooLargeError(PushWorkerError):
    """The message fits into the queue, but the trigger would never deliver it."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(name, size, limit)
        self.name = name
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"The message of task '{self.name}' has {self.size} bytes and the trigger "
            f"delivers at most {self.limit}. Put what is large into a bucket or the "
            "database, and send its name."
        )


class ResultRefusedError(PushWorkerError):
    """The result store can never hold a task's result."""

    @classmethod
    def of(cls, task: str, refusal: BaseException) -> ResultRefusedError:
        """Return the error for a task's name and what the store has said."""
        return cls(
            f"The result of task '{task}' is refused by the result store: {refusal} "
            "(DynamoDB holds 400 KB in an item, Redis 512 MB). Put what is large into "
            "a bucket or the database, and return its name."
        )


class UnknownQueueError(PushWorkerError):
    """The task is sent to a queue that is not there, where nothing would take it."""

    def __init__(self, task: str, queue: str, known: list[str]) -> None:
        super().__init__(task, queue, known)
        self.queue = queue

    def __str__(self) -> str:
        """Name the queue, those that there are, and the fix."""
        task, queue, known = self.args
        names = ", ".join(f"'{name}'" for name in known)
        return (
            f"Task '{task}' is sent to queue '{queue}', which is not there (there is: "
            f"{names}). Take '{queue}' out of the task's route, 'task_routes' or the "
            "call's 'queue='; or out of 'task_default_queue'."
        )


class RequestError(PushWorkerError):
    """The request is no event of a trigger.

    :param status: the HTTP status of the answer.
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
