"""THE FENCE: one message goes through Celery's own request machinery, a verdict comes out.

The only file that knows how a worker executes. It never decides by states or results
what becomes of a message, but by what the machinery does with it: acknowledge, reject,
or neither.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import _state, signals, states
from celery.app.task import Task
from celery.concurrency.base import BasePool
from celery.exceptions import (
    Ignore,
    InvalidTaskError,
    NotRegistered,
    Reject,
    Retry,
    WorkerLostError,
)
from celery.utils.imports import symbol_by_name
from celery.utils.objects import Bunch
from celery.worker.state import task_reserved

from ._delays import HOPS_HEADER, count_hops, plan_delay
from ._events import TimerFired
from ._lifecycle import build_tracers
from ._limits import HardTimeLimitReached, time_limits
from ._logs import log
from ._messages import TaskMessage, UnknownTaskError, decode_message
from ._outcomes import Outcome, Verdict
from .exceptions import Reason, UndeliverableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billiard.einfo import ExceptionInfo

    from ._events import Delivery, Event
    from ._ledger import Ledger
    from ._lifecycle import WorkerIdentity
    from ._settings import Settings

__all__ = ["Executor"]

PATIENCE_SECONDS = 1.0
"""A task that is due sooner than this is waited for; the queue knows whole seconds."""

MACHINERY = ("celery.", "billiard.", "vine.", "kombu.", "contextlib", __package__)
"""Modules that run tasks and are no task."""

STORE_AND_BROKER = ("celery.backends.", "kombu.")
"""Modules in which a failure is not the task's."""


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


class Executor:
    """Executes the messages of one app, one after the other."""

    def __init__(
        self, identity: WorkerIdentity, settings: Settings, ledger: Ledger
    ) -> None:
        self.identity = identity
        self.app = identity.app
        self.settings = settings
        self.ledger = ledger

    def handle(self, event: Event, *, alone: bool, fields: dict[str, Any]) -> Verdict:
        """Do what the event asks for, log it in one line, and return its verdict.

        :param alone: whether the request has no other message.
        :param fields: what the log line has besides.
        """
        run = Run(fields={**fields, "message_id": event.message_id})
        started = time.monotonic()
        outcome, reason = self.attempt(event, run, alone=alone)
        run.fields["duration_seconds"] = round(time.monotonic() - started, 6)
        log_verdict(run, outcome, reason)
        return Verdict(
            message_id=event.message_id, outcome=outcome, reason=reason, state=run.state
        )

    def attempt(
        self, event: Event, run: Run, *, alone: bool
    ) -> tuple[Outcome, Reason | None]:
        try:
            if isinstance(event, TimerFired):
                return self.publish_timer(event, run)
            return self.deliver(event, run, alone=alone)
        except UndeliverableError as exc:
            run.fields["problem"] = str(exc)
            return Outcome.DEAD, exc.reason

    # One message of the queue.

    def deliver(
        self, delivery: Delivery, run: Run, *, alone: bool
    ) -> tuple[Outcome, Reason | None]:
        try:
            message = decode_message(delivery.body, self.app)
        except UnknownTaskError as exc:
            self.report_unknown(exc.task_message, run)
            raise
        request = self.build_request(message, run)
        describe(request, message, delivery, run)
        remaining = find_remaining(request)
        if remaining > PATIENCE_SECONDS and not is_expired(request):
            return self.delay(message, remaining, run)
        done = self.find_out(delivery, request, alone=alone)
        if done is not None:
            return done
        if remaining and not is_expired(request):
            time.sleep(remaining)
        return self.execute(request, run)

    def find_out(
        self, delivery: Delivery, request: Any, *, alone: bool
    ) -> tuple[Outcome, Reason | None] | None:
        try:
            is_done = self.ledger.is_done(
                delivery.message_id,
                request.id,
                stores_result=not request.ignore_result,
                alone=alone,
            )
        except Exception:
            log.exception("The result store cannot be read")
            return Outcome.RETRY_LATER, Reason.STORE_FAILED
        return (Outcome.DUPLICATE, None) if is_done else None

    def build_request(self, message: TaskMessage, run: Run) -> Any:
        task = self.app.tasks[message.name]
        request_class = symbol_by_name(task.Request)
        try:
            return request_class(
                message.message,
                on_ack=run.on_ack,
                on_reject=run.on_reject,
                app=self.app,
                hostname=self.identity.hostname,
                task=task,
                body=message.body,
                headers=message.headers,
                decoded=True,
                utc=message.utc,
            )
        except (InvalidTaskError, ValueError, TypeError, OverflowError) as exc:
            raise UndeliverableError(Reason.INVALID_TASK, "A time is no time") from exc

    def execute(self, request: Any, run: Run) -> tuple[Outcome, Reason | None]:
        pool = InlinePool(
            app=self.app, run=run, request=request, settings=self.settings
        )
        pool.on_abandon = partial(self.ledger.mark, [run.fields["message_id"]])
        try:
            if (request.expires or is_revoked(request)) and request.revoked():
                run.state = states.REVOKED
                return run.plan_outcome()
            signals.task_received.send(sender=self.identity, request=request)
            if request.task.__trace__ is None:
                build_tracers(self.app, self.identity.hostname)
            task_reserved(request)
            with blocking_joins():
                request.execute_using_pool(pool)
        except Exception as exc:
            log.exception("Task %s[%s] was not recorded", request.name, request.id)
            run.lost = run.lost or blame(exc)
        return run.plan_outcome()

    # A task that is not due yet.

    def delay(
        self, message: TaskMessage, remaining: float, run: Run
    ) -> tuple[Outcome, Reason | None]:
        hops = count_hops(message.headers) + 1
        run.fields |= {"hops": hops, "due_in_seconds": round(remaining, 3)}
        try:
            self.republish(message, hops, plan_delay(remaining))
        except Exception:
            log.exception("A task that is not due cannot be published again")
            return Outcome.RETRY_LATER, Reason.BROKER_FAILED
        return Outcome.DELAYED, None

    def republish(self, message: TaskMessage, hops: int, delay: int) -> None:
        envelope = message.envelope
        queue = self.find_queue(envelope.delivery_info.get("routing_key"))
        kept = ("correlation_id", "reply_to", "priority", "message_attributes")
        properties = {k: v for k, v in envelope.properties.items() if k in kept}
        with self.app.producer_or_acquire() as producer:
            producer.publish(
                envelope.content,
                exchange="",
                routing_key=queue.name,
                declare=[queue],
                content_type=envelope.content_type,
                content_encoding=envelope.content_encoding,
                headers={**envelope.headers, HOPS_HEADER: hops},
                retry=True,
                retry_policy=self.app.conf.task_publish_retry_policy,
                DelaySeconds=delay,
                **properties,
            )

    def find_queue(self, name: Any) -> Any:
        # The name is the publisher's word: only a queue that is known is published to.
        queues = self.app.amqp.queues
        options = self.app.conf.broker_transport_options or {}
        known = {*queues, *(options.get("predefined_queues") or {})}
        return queues[name if name in known else self.app.conf.task_default_queue]

    # A timer.

    def publish_timer(
        self, timer: TimerFired, run: Run
    ) -> tuple[Outcome, Reason | None]:
        entry = parse_timer_payload(timer.payload)
        name = entry["task"]
        run.fields |= {"task_name": name, "entry": entry.get("entry")}
        if name not in self.app.tasks:
            raise UndeliverableError(
                Reason.UNKNOWN_TASK, f"No task '{name}' is registered"
            )
        options = {"task_id": name_run(timer), **entry.get("options", {})}
        run.fields["task_id"] = options["task_id"]
        try:
            self.app.tasks[name].apply_async(
                entry.get("args", []), entry.get("kwargs", {}), **options
            )
        except Exception:
            log.exception("The task of a timer cannot be published")
            return Outcome.RETRY_LATER, Reason.BROKER_FAILED
        return Outcome.DONE, None

    def report_unknown(self, message: TaskMessage, run: Run) -> None:
        """Tell about an unknown task in the ways in which a worker does."""
        run.fields |= {"task_id": message.id, "task_name": message.name}
        exc = NotRegistered(message.name)
        request = Bunch(
            name=message.name,
            chord=None,
            root_id=message.headers.get("root_id"),
            correlation_id=message.envelope.properties.get("correlation_id"),
            reply_to=message.envelope.properties.get("reply_to"),
            errbacks=None,
        )
        try:
            self.app.backend.mark_as_failure(message.id, exc, request=request)
        except Exception:
            log.exception("The failure of an unknown task cannot be stored")
        signals.task_unknown.send(
            sender=self.identity,
            message=message.message,
            exc=exc,
            name=message.name,
            id=message.id,
        )


class InlinePool(BasePool):
    """Runs one task in this thread, as the solo pool does, and within its limits."""

    def __init__(self, *, app: Any, run: Run, request: Any, settings: Settings) -> None:
        super().__init__(app=app)
        self.run = run
        self.request = request
        self.settings = settings
        self.on_abandon: Any = None

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
                grace=self.settings.grace_seconds,
                on_soft=lambda: on_timeout(True, soft_timeout),  # noqa: FBT003  Celery's signature
                on_stuck=lambda: self.abandon(on_timeout, timeout),
            ):
                result = target(*args, **kwargs)
        except HardTimeLimitReached:
            on_timeout(False, timeout)  # noqa: FBT003  Celery's signature
            self.run.state = states.FAILURE
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
        exc = getattr(retval.exception, "exc", None) if is_wrapped(retval) else None
        exc = exc or retval.exception
        self.run.state = name_state(exc)
        if is_lost_retry(exc):
            self.run.lost = Reason.BROKER_FAILED
        elif not isinstance(exc, (Ignore, Reject, Retry)):
            self.run.lost = blame_traceback(retval.tb)

    def abandon(self, on_timeout: Any, timeout: float | None) -> None:
        """Record the failure of a task that will not end; the process ends next."""
        on_timeout(False, timeout)  # noqa: FBT003  Celery's signature
        if self.run.acknowledged and self.on_abandon:
            self.on_abandon()
        log.critical(
            "Task %s[%s] did not end at its time limit: the process ends",
            self.request.name,
            self.request.id,
            extra={"fields": self.run.fields},
        )


@contextmanager
def blocking_joins() -> Iterator[None]:
    """Refuse to wait for a task inside a task, as every worker does."""
    before = _state.task_join_will_block()
    _state._set_task_join_will_block(True)  # noqa: SLF001, FBT003  what a pool does at its start
    try:
        yield
    finally:
        _state._set_task_join_will_block(before)  # noqa: SLF001


def is_wrapped(retval: Any) -> bool:
    return type(retval.exception).__name__ == "ExceptionWithTraceback"


def name_state(exc: BaseException) -> str:
    for kind, state in (
        (Retry, states.RETRY),
        (Ignore, states.IGNORED),
        (Reject, states.REJECTED),
    ):
        if isinstance(exc, kind):
            return state
    return states.FAILURE


def is_lost_retry(exc: BaseException) -> bool:
    """Tell a retry that could not be published from a task that rejects its message."""
    reason = getattr(exc, "reason", None) if isinstance(exc, Reject) else None
    traceback = getattr(reason, "__traceback__", None)
    return traceback is not None and traceback.tb_frame.f_code is Task.retry.__code__


def blame(exc: BaseException) -> Reason:
    return blame_traceback(exc.__traceback__) or Reason.INTERNAL_ERROR


def blame_traceback(traceback: Any) -> Reason | None:
    """Return whether store or broker failed before any line of the task was to blame."""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.startswith("celery.backends."):
            return Reason.STORE_FAILED
        if module.startswith("kombu."):
            return Reason.BROKER_FAILED
        if not module.startswith(MACHINERY):
            return None
        traceback = traceback.tb_next
    return None


def is_raised_by_server(exc: BaseException) -> bool:
    """Tell a server that ends the process from a task that calls ``sys.exit``."""
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals.get("__name__", "") if traceback else ""
    return str(module).startswith("gunicorn.")


def describe_exit(exc: SystemExit) -> ExceptionInfo:
    from billiard.einfo import ExceptionInfo

    try:
        raise WorkerLostError(f"Task exited prematurely: {exc!r}") from exc
    except WorkerLostError:
        return ExceptionInfo()


def is_revoked(request: Any) -> bool:
    from celery.worker.state import revoked, revoked_stamps

    return request.id in revoked or bool(revoked_stamps)


def is_expired(request: Any) -> bool:
    return bool(request.expires) and time.time() > request.expires.timestamp()


def find_remaining(request: Any) -> float:
    try:
        return max(0.0, request.eta.timestamp() - time.time()) if request.eta else 0.0
    except (OverflowError, ValueError) as exc:
        raise UndeliverableError(Reason.INVALID_TASK, "'eta' is out of range") from exc


def parse_timer_payload(payload: str) -> dict[str, Any]:
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
        raise UndeliverableError(Reason.BAD_BODY, "The timer's payload names no task")
    return entry


def name_run(timer: TimerFired) -> str:
    # The trigger may try again: the same run of a timer gets the same task id.
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"timer:{timer.message_id}"))


def describe(request: Any, message: TaskMessage, delivery: Delivery, run: Run) -> None:
    run.fields |= {
        "task_id": request.id,
        "task_name": request.name,
        "attempt": (message.headers.get("retries") or 0) + 1,
        "hops": count_hops(message.headers),
    }
    if delivery.sent_at is not None:
        latency = max(0.0, time.time() - delivery.sent_at)
        run.fields["queue_latency_seconds"] = round(latency, 3)


def log_verdict(run: Run, outcome: Outcome, reason: Reason | None) -> None:
    fields = {**run.fields, "outcome": outcome.value}
    fields |= {"state": run.state} if run.state else {}
    fields |= {"reason": reason.value} if reason else {}
    what = f"{fields.get('task_name', 'Message')}[{fields.get('task_id', '?')}]"
    write = log.info if outcome.is_done else log.error
    write(
        "%s: %s", what, run.state or (reason or outcome).value, extra={"fields": fields}
    )
