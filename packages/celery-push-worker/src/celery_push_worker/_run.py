"""What Celery's machinery has said about one message: acknowledged, rejected, lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from celery import states

from ._outcomes import Outcome
from .exceptions import Reason


@dataclass(slots=True, kw_only=True)
class Run:
    """What the machinery has said about one message."""

    acknowledged: bool = False
    requeue: bool | None = None
    """Set when the message was rejected."""
    state: str | None = None
    lost: Reason | None = None
    """Set when the store or the broker failed: the message must come back."""
    fields: dict[str, Any] = field(default_factory=dict)

    def on_ack(self, *_: Any, **__: Any) -> None:
        self.acknowledged = True

    def on_reject(self, _log: Any, _errors: Any, requeue: Any = False) -> None:  # noqa: FBT002  Celery calls it so
        self.requeue = bool(requeue)

    def end(self) -> None:
        """Be done with a message for which the machinery has found no end."""
        if self.requeue is None:
            self.acknowledged = True

    def end_by_limit(self) -> None:
        self.state = states.FAILURE
        # Some releases leave a late message alone that is not to be acknowledged: the
        # queue delivers it again.
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
