"""Outcomes of single messages come in, the answer to the request goes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageResult:
    """One message and what becomes of it."""

    message_id: str
    outcome: Outcome
    reason: Reason | None = None
    state: str | None = None
    """The task's state, where it was executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body of an HTTP response."""

    status: int
    body: bytes


def plan_answer(results: Sequence[MessageResult]) -> Answer:
    """Return 200 only when nothing has to come back.

    The trigger deletes every message of the request after a 2xx and none otherwise.
    """
    outcomes = {result.outcome for result in results}
    if all(outcome.is_done for outcome in outcomes):
        status = HTTPStatus.OK
    elif Outcome.RETRY_LATER in outcomes:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Answer(status=status, body=render_results(results))


def render_results(results: Sequence[MessageResult]) -> bytes:
    messages = [render_result(result) for result in results]
    return json.dumps({"messages": messages}).encode()


def render_result(result: MessageResult) -> dict[str, str]:
    parts = {
        "message_id": result.message_id,
        "outcome": result.outcome.value,
        "reason": result.reason and result.reason.value,
        "state": result.state,
    }
    return {key: value for key, value in parts.items() if value}
