"""THE FENCE: one message goes through Celery's own machinery, a verdict comes out.

Together with the pool the only code that knows how a worker executes.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signals, states
from celery.exceptions import NotRegistered
from celery.utils.imports import symbol_by_name
from celery.utils.objects import Bunch
from celery.worker.state import revoked, revoked_stamps, task_reserved

from ._chords import recount
from ._deduplication import Past
from ._delays import HOPS_HEADER, count_hops, plan_delay
from ._events import TimerFired
from ._lifecycle import build_tracers
from ._logs import log
from ._messages import TaskMessage, UnknownTaskError, decode_message
from ._outages import blamed_on, tolerating
from ._outcomes import Outcome, Verdict
from ._pool import InlinePool, Run, blocking_joins
from ._publishing import plan_entry, publish_entry, republish
from .exceptions import Reason, RetryLaterError, UndeliverableError

if TYPE_CHECKING:
    from ._deduplication import Ledger
    from ._events import Delivery, Event
    from ._lifecycle import WorkerIdentity
    from ._settings import Settings

__all__ = ["Executor"]

PATIENCE_SECONDS = 1.0
"""A task that is due sooner than this is waited for; the queue knows whole seconds."""


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
                return self.fire(event, run), None
            return self.deliver(event, run, alone=alone)
        except UndeliverableError as exc:
            run.fields["problem"] = str(exc)
            return Outcome.DEAD, exc.reason
        except RetryLaterError as exc:
            return Outcome.RETRY_LATER, exc.reason
        except Exception as exc:  # noqa: BLE001  the next message has nothing to do with it
            # Nothing was run, and the next delivery would meet the same.
            log.exception("A message cannot be handled")
            run.fields["problem"] = f"{type(exc).__name__} was raised"
            return Outcome.DEAD, Reason.INTERNAL_ERROR

    def fire(self, timer: TimerFired, run: Run) -> Outcome:
        """Publish the task of a timer."""
        entry = plan_entry(self.app, timer)
        run.fields |= {
            "task_name": entry["task"],
            "task_id": entry["options"]["task_id"],
            "entry": entry.get("entry"),
        }
        with blamed_on(Reason.BROKER_FAILED, "The task of a timer cannot be published"):
            publish_entry(self.app, entry)
        return Outcome.DONE

    def deliver(
        self, delivery: Delivery, run: Run, *, alone: bool
    ) -> tuple[Outcome, Reason | None]:
        """Execute the task of a message, unless it was done or is not due."""
        try:
            message = decode_message(delivery.body, self.app)
        except UnknownTaskError as exc:
            self.report_unknown(exc.task_message, run)
            raise
        request = self.build_request(message, run)
        describe(request, message, delivery, run)
        remaining = 0.0 if is_expired(request) else find_remaining(request)
        if remaining > PATIENCE_SECONDS:
            return self.delay(message, remaining, run), None
        past = self.look_up(delivery, request, alone=alone)
        if past.done:
            self.recount(request, past)
            return Outcome.DUPLICATE, None
        if remaining:  # To sleep for no time still gives the processor away.
            time.sleep(remaining)
        self.execute(request, run, delivery)
        outcome, reason = run.plan_outcome()
        if outcome.is_done and past.needs_note:
            self.note(delivery)
        return outcome, reason

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
                headers=drop_own(message.headers),
                decoded=True,
                utc=message.utc,
            )
        except Exception as exc:
            # The class may be the project's own. It has only read headers so far.
            raise UndeliverableError(
                Reason.INVALID_TASK, "The headers make no request of it"
            ) from exc

    def delay(self, message: TaskMessage, remaining: float, run: Run) -> Outcome:
        hops = count_hops(message.headers) + 1
        run.fields |= {"hops": hops, "due_in_seconds": round(remaining, 3)}
        with blamed_on(Reason.BROKER_FAILED, "A task cannot be published again"):
            republish(self.app, message, hops=hops, delay=plan_delay(remaining))
        return Outcome.DELAYED

    def look_up(self, delivery: Delivery, request: Any, *, alone: bool) -> Past:
        with tolerating(Reason.STORE_FAILED, "The result store cannot be read"):
            return self.ledger.look_up(
                delivery.message_id,
                request.id,
                retries=request.request_dict.get("retries") or 0,
                stores_result=not request.ignore_result,
                alone=alone,
            )
        return Past()

    def recount(self, request: Any, past: Past) -> None:
        """Count a chord's member that may have been stored and not counted."""
        if past.meta is None or not request.chord or not request.group:
            return
        with tolerating(Reason.STORE_FAILED, "A chord's member was not counted"):
            recount(request.task.backend, request._context, past.meta.get("result"))  # noqa: SLF001  what Celery passes on itself

    def note(self, delivery: Delivery) -> None:
        with (
            suppress(RetryLaterError),
            tolerating(Reason.STORE_FAILED, "What was done cannot be noted"),
        ):
            self.ledger.mark([delivery.message_id])

    def execute(self, request: Any, run: Run, delivery: Delivery) -> None:
        """Do what a worker does with a request that it has received."""
        note_done = partial(self.ledger.mark, [run.fields["message_id"]])
        pool = InlinePool(
            app=self.app,
            request=request,
            run=run,
            grace_seconds=self.settings.grace_seconds,
            on_abandon=note_done,
        )
        with blamed_on(Reason.STORE_FAILED, "A task was not recorded"):
            received = partial(
                signals.task_received.send, sender=self.identity, request=request
            )
            if is_expired(request) and was_waiting(request, delivery):
                received()  # A worker has it before it is due, and before it expires.
            if is_revocable(request) and request.revoked():
                run.state = states.REVOKED
                return
            received()
            if request.task.__trace__ is None:
                build_tracers(self.app, self.identity.hostname)
            task_reserved(request)
            with blocking_joins():
                request.execute_using_pool(pool)

    def report_unknown(self, message: TaskMessage, run: Run) -> None:
        """Tell about an unknown task in the ways in which a worker does."""
        run.fields |= {"task_id": message.id, "task_name": message.name}
        request = Bunch(
            name=message.name,
            chord=None,
            root_id=message.headers.get("root_id"),
            correlation_id=message.envelope.properties.get("correlation_id"),
            reply_to=message.envelope.properties.get("reply_to"),
            errbacks=None,
        )
        with tolerating(Reason.STORE_FAILED, "An unknown task cannot be recorded"):
            self.app.backend.mark_as_failure(
                message.id, NotRegistered(message.name), request=request
            )
        signals.task_unknown.send(
            sender=self.identity,
            message=message.message,
            exc=KeyError(message.name),  # What a worker looks up in vain.
            name=message.name,
            id=message.id,
        )


def drop_own(headers: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only we have put there: a retry would take it along."""
    if HOPS_HEADER not in headers:
        return headers
    return {name: value for name, value in headers.items() if name != HOPS_HEADER}


def is_revocable(request: Any) -> bool:
    return bool(request.expires or request.id in revoked or revoked_stamps)


def is_expired(request: Any) -> bool:
    return bool(request.expires) and time.time() > request.expires.timestamp()


def was_waiting(request: Any, delivery: Delivery) -> bool:
    """Tell a task that has expired in the queue, until it was due."""
    if not request.eta:
        return False
    sent_at = delivery.sent_at
    return sent_at is None or bool(request.expires.timestamp() > sent_at)


def find_remaining(request: Any) -> float:
    try:
        return max(0.0, request.eta.timestamp() - time.time()) if request.eta else 0.0
    except (OverflowError, ValueError) as exc:
        raise UndeliverableError(Reason.INVALID_TASK, "'eta' is out of range") from exc


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
