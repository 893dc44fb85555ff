"""Runs one task in this thread, and listens to what Celery's machinery says about it.

Stands where ``celery worker`` has its pool of processes. Nothing is decided by states
or results: a message is done when the machinery acknowledges it.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from billiard.einfo import (  # type: ignore[attr-defined]  # one is not in the stubs
    ExceptionInfo,
    ExceptionWithTraceback,
)
from celery import _state, signals, states
from celery.concurrency.base import BasePool
from celery.exceptions import (
    Ignore,
    Reject,
    Retry,
    TimeLimitExceeded,
    WorkerLostError,
)
from kombu.exceptions import EncodeError

from ._faults import blame_traceback, is_lost_retry, is_raised_by_server
from ._limits import HardTimeLimitReached, time_limits
from ._logs import log
from ._outcomes import Outcome
from .exceptions import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["InlinePool", "Run", "blocking_joins"]


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


class InlinePool(BasePool):
    """Runs one task in this thread, as the solo pool does, and within its limits."""

    def __init__(
        self,
        *,
        app: Any,
        request: Any,
        run: Run,
        grace_seconds: float,
        on_abandon: Callable[[], None],
    ) -> None:
        super().__init__(app=app)
        self.request = request
        self.run = run
        self.grace_seconds = grace_seconds
        self.on_abandon = on_abandon

    def on_apply(
        self,
        target: Any,
        args: Any,
        kwargs: Any,
        *,
        soft_timeout: float | None = None,
        timeout: float | None = None,
        **callbacks: Any,
    ) -> None:
        on_timeout = callbacks["timeout_callback"]
        callbacks["accept_callback"](os.getpid(), time.monotonic())
        try:
            with time_limits(
                soft_timeout,
                timeout,
                grace=self.grace_seconds,
                on_soft=lambda: on_timeout(True, soft_timeout),  # noqa: FBT003  Celery's signature
                on_stuck=lambda: self.abandon(timeout),
                name=self.request.name,
            ):
                result = target(*args, **kwargs)
        except HardTimeLimitReached:
            self.fail_by_limit(timeout)
            self.run.end_by_limit()
            return
        except SystemExit as exc:
            if is_raised_by_server(exc):
                raise
            self.run.state = states.FAILURE
            callbacks["error_callback"](describe_exit(exc))
            return
        self.observe(*result[:2])
        callbacks["callback"](result)

    def observe(self, failed: Any, retval: ExceptionInfo) -> None:
        """Note the state, and whether it is the task's own."""
        if not failed:
            self.run.state = states.SUCCESS
            return
        exc = unwrap(retval.exception)
        self.run.state = name_state(exc)
        if is_lost_retry(exc):
            self.run.lost = Reason.BROKER_FAILED
        elif not isinstance(exc, (EncodeError, Ignore, Reject, Retry)):
            self.run.lost = blame_traceback(retval.tb)

    def fail_by_limit(self, timeout: float | None) -> None:
        """Record the failure, and tell it: Celery does so itself since 5.7."""
        task_id, told = self.request.id, []

        def receive(**details: Any) -> None:
            told.append(details.get("task_id"))

        signals.task_failure.connect(receive, weak=False)
        try:
            self.request.on_timeout(False, timeout)  # noqa: FBT003  Celery's signature
        finally:
            signals.task_failure.disconnect(receive)
        if task_id not in told:
            signals.task_failure.send(
                sender=self.request.task,
                task_id=task_id,
                args=self.request.args,
                kwargs=self.request.kwargs,
                **describe_limit(timeout),
            )

    def abandon(self, timeout: float | None) -> None:
        """Record the failure of a task that will not end; the process ends next."""
        self.fail_by_limit(timeout)
        if self.run.acknowledged:
            self.on_abandon()
        log.critical(
            "A task did not end at its time limit: the process ends",
            extra={"fields": self.run.fields},
        )


@contextmanager
def blocking_joins() -> Iterator[None]:
    """Refuse to wait for a task inside a task, as every worker does."""
    state: Any = _state
    before = state.task_join_will_block()
    state._set_task_join_will_block(True)  # noqa: SLF001, FBT003  as a pool at its start
    try:
        yield
    finally:
        state._set_task_join_will_block(before)  # noqa: SLF001


def unwrap(exc: Any) -> BaseException:
    inner: BaseException = exc.exc if isinstance(exc, ExceptionWithTraceback) else exc
    return inner


def name_state(exc: BaseException) -> str:
    for kind, state in (
        (Retry, states.RETRY),
        (Ignore, states.IGNORED),
        (Reject, states.REJECTED),
    ):
        if isinstance(exc, kind):
            return state
    return states.FAILURE


def describe_limit(timeout: float | None) -> dict[str, Any]:
    try:
        raise TimeLimitExceeded(timeout)  # noqa: TRY301  ExceptionInfo() reads what is being handled
    except TimeLimitExceeded as exc:
        einfo = ExceptionInfo()
        return {"exception": exc, "traceback": exc.__traceback__, "einfo": einfo}


def describe_exit(exc: SystemExit) -> ExceptionInfo:
    try:
        raise WorkerLostError(f"Task exited prematurely: {exc!r}") from exc  # noqa: TRY301  ExceptionInfo() reads what is being handled
    except WorkerLostError:
        return ExceptionInfo()
