"""Runs one task in this thread, in place of a worker's pool of processes.

Nothing is decided by states or results: a message is done when Celery acknowledges it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

from ._descriptions import describe_error, describe_failure
from ._logs import log, logged
from ._outages import (
    blame,
    find_lost_retry,
    find_refusal,
    is_outage,
    is_raised_by_server,
)
from ._time_limits import HardTimeLimitReached, can_be_enforced, time_limits
from .exceptions import Reason, ResultRefusedError

if TYPE_CHECKING:
    from ._outcomes import Run


class InlinePool(BasePool):
    """Runs one task in this thread, as the solo pool does, within its time limits."""

    _does_debug = False
    """Celery's own line about it has the arguments, which are private."""

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
        if (soft_timeout or timeout) and not can_be_enforced(self.request.name):
            soft_timeout = timeout = None
        try:
            with time_limits(
                soft_timeout,
                timeout,
                grace=self.grace_seconds,
                on_soft=lambda: on_timeout(True, soft_timeout),  # noqa: FBT003  Celery's signature
                on_stuck=lambda: self.abandon(timeout),
            ):
                result = target(*args, **kwargs)
        except HardTimeLimitReached:
            self.tell(self.fail_by_limit, timeout)
            self.run.end_by_limit()
            return
        except BaseException as exc:
            if is_raised_by_server(exc):
                raise
            self.fail(exc, callbacks["error_callback"])
            return
        self.observe(*result[:2])
        retry_lost_to = self.find_lost_retry(result)
        if retry_lost_to:
            self.fail(retry_lost_to, callbacks["error_callback"])
        else:
            self.tell(callbacks["callback"], result)

    def observe(self, failed: Any, retval: ExceptionInfo) -> None:
        """Record the state, and whether store or broker caused it."""
        if not failed:
            self.run.state = states.SUCCESS
            return
        exc = unwrap(retval.exception)
        self.run.state = name_state(exc)
        self.run.fields |= describe_failure(exc)
        if reason := find_lost_retry(exc):
            self.run.lost = Reason.BROKER_FAILED if is_outage(reason) else None
        elif not isinstance(exc, (EncodeError, Ignore, Reject, Retry)):
            self.run.lost = blame(exc, retval.tb, self.request.task)
            if refusal := find_refusal(exc, retval.tb, self.request.task):
                error = ResultRefusedError.of(self.request.name, refusal)
                self.run.fields |= {"problem": str(error), **describe_error(error)}
                self.record(error)

    def find_lost_retry(self, result: Any) -> BaseException | None:
        """Return why a retry can never be published, if so."""
        if self.run.lost or not result[0]:
            return None
        return find_lost_retry(unwrap(result[1].exception))

    def fail(self, exc: BaseException, error_callback: Any) -> None:
        """Fail a task by an error outside its body, as a pool of processes does."""
        self.run.state = states.FAILURE
        self.run.fields |= describe_error(exc)
        if isinstance(exc, Exception):
            self.run.lost = blame(exc, exc.__traceback__, self.request.task)
        if self.run.lost:
            log.error("A task was not recorded", exc_info=exc)
            return
        if not self.tell(error_callback, describe(exc)):
            self.record(exc)

    def tell(self, callback: Any, what: Any) -> bool:
        """Tell the request how its task ended; return False if that raised an error."""
        try:
            callback(what)
        except Exception as exc:  # noqa: BLE001  whatever hooks and errbacks raise
            log.exception("A callback after a task failed")
            self.run.lost = blame(exc, exc.__traceback__, self.request.task)
            self.run.end()
            return False
        return True

    def record(self, exc: BaseException) -> None:
        """Store a failure, and count it if a chord waits for the task."""
        with logged("A failure cannot be recorded"):
            self.app.backend.mark_as_failure(
                self.request.id,
                exc,
                request=self.request._context,  # noqa: SLF001  as Celery's request does
                store_result=self.request.store_errors,
                call_errbacks=False,
            )

    def fail_by_limit(self, timeout: float | None) -> None:
        """Record the failure and signal it, which Celery does itself since 5.7."""
        task_id, told = self.request.id, []
        self.run.fields |= describe_error(TimeLimitExceeded(timeout))

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
        """Record the failure of a task that does not stop; the process exits next."""
        self.fail_by_limit(timeout)
        if self.run.acknowledged:
            self.on_abandon()
        log.critical(
            "A task did not stop at its time limit: the process exits",
            extra={"fields": self.run.fields},
        )


@contextmanager
def blocking_joins() -> Iterator[None]:
    """Forbid waiting for a task inside a task, as every worker does."""
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
    kinds = {Retry: states.RETRY, Ignore: states.IGNORED, Reject: states.REJECTED}
    found = (state for kind, state in kinds.items() if isinstance(exc, kind))
    return next(found, states.FAILURE)


def describe_limit(timeout: float | None) -> dict[str, Any]:
    try:
        raise TimeLimitExceeded(timeout)  # noqa: TRY301  ExceptionInfo() reads what is being handled
    except TimeLimitExceeded as exc:
        einfo = ExceptionInfo()
        return {"exception": exc, "traceback": exc.__traceback__, "einfo": einfo}


def describe(exc: BaseException) -> ExceptionInfo:
    """Return what a pool would report; ``SystemExit`` would end its process."""
    lost = exc
    if not isinstance(exc, Exception):
        lost = WorkerLostError(f"Task exited prematurely: {exc!r}")
        lost.__cause__ = exc
    return ExceptionInfo((type(lost), lost, exc.__traceback__))
