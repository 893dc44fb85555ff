"""Outcomes of single messages, and the response to a request that follows from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

from celery import states

from .exceptions import Reason


class Outcome(str, Enum):
    """What becomes of a message in the queue."""

    DONE = "done"
    """It may be deleted: success, a recorded failure, a republished retry, expired."""
    DELAYED = "delayed"
    """It may be deleted: it was published again, to arrive when it is due."""
    DUPLICATE = "duplicate"
    """It may be deleted: it had been done before."""
    RETRY_LATER = "retry_later"
    """It must come back: a later delivery may succeed."""
    DEAD = "dead"
    """It must not be deleted, and will end among the dead letters."""

    @property
    def is_done(self) -> bool:
        return self in (Outcome.DONE, Outcome.DELAYED, Outcome.DUPLICATE)


@dataclass(slots=True, kw_only=True)
class Run:
    """What Celery's machinery has said about one message."""

    acknowledged: bool = False
    requeue: bool | None = None
    """Set if the message was rejected: whether it is to be requeued."""
    state: str | None = None
    lost: Reason | None = None
    """Set if the store or broker failed: the message must come back."""
    is_logged: bool = False
    """Whether the log has said all of it already."""
    fields: dict[str, Any] = field(default_factory=dict)

    def on_ack(self, *_: Any, **__: Any) -> None:
        self.acknowledged = True

    def on_reject(self, _log: Any, _errors: Any, requeue: Any = False) -> None:  # noqa: FBT002  Celery calls it so
        self.requeue = bool(requeue)

    def end(self) -> None:
        """Acknowledge a message that the machinery has left without an end."""
        if self.requeue is None:
            self.acknowledged = True

    def end_by_limit(self) -> None:
        self.state = states.FAILURE
        # Some releases neither acknowledge nor reject a late message: requeue it.
        if not self.acknowledged and self.requeue is None:
            self.requeue = True

    def plan_outcome(self) -> tuple[Outcome, Reason | None]:
        if self.lost:
            return Outcome.RETRY_LATER, self.lost
        if self.acknowledged:
            return Outcome.DONE, None
        if self.requeue is None:
            return Outcome.RETRY_LATER, Reason.INTERNAL_ERROR
        if self.requeue:
            return Outcome.RETRY_LATER, Reason.REQUEUED
        return Outcome.DEAD, Reason.REJECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageResult:
    """What became of one message."""

    message_id: str
    outcome: Outcome
    reason: Reason | None = None
    state: str | None = None
    """The task's state in Celery, if it was executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body of an HTTP response."""

    status: int
    body: bytes


def plan_answer(results: Sequence[MessageResult]) -> Answer:
    """Return 200 only if nothing has to come back; otherwise 503 or 500.

    The trigger deletes every message of the request after a 2xx and none otherwise.
    """
    outcomes = {result.outcome for result in results}
    if all(outcome.is_done for outcome in outcomes):
        status = HTTPStatus.OK
    elif Outcome.RETRY_LATER in outcomes:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    body = {"messages": [render_result(result) for result in results]}
    return Answer(status=status, body=json.dumps(body).encode())


def render_result(result: MessageResult) -> dict[str, str]:
    parts = {
        "message_id": result.message_id,
        "outcome": result.outcome.value,
        "reason": result.reason and result.reason.value,
        "state": result.state,
    }
    return {key: value for key, value in parts.items() if value}
