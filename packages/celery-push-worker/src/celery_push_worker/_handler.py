"""Decides what becomes of one message: it is run, delayed, or was done before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ._chords import recount
from ._deduplication import Lookup
from ._delays import count_hops, plan_delay
from ._descriptions import describe_arguments, describe_delivery, describe_task
from ._events import TimerFired
from ._execution import Executor, find_remaining, is_expired
from ._logs import log, logged
from ._messages import TaskMessage, UnknownTaskError, decode_message
from ._outages import blamed_on, tolerating
from ._outcomes import MessageResult, Outcome, Run
from ._periodic import PAYLOAD, PeriodicTasks
from ._publishing import plan_entry, publish_entry, republish
from .exceptions import Reason, RetryLaterError, UndeliverableError

if TYPE_CHECKING:
    from ._deduplication import Deduplicator
    from ._events import Delivery, Event
    from ._lifecycle import WorkerIdentity
    from ._settings import Settings

PATIENCE_SECONDS = 1.0
"""A task that is due sooner is waited for: the queue delays by whole seconds."""


class MessageHandler:
    """Handles the messages of one app, one after the other."""

    def __init__(
        self,
        identity: WorkerIdentity,
        settings: Settings,
        deduplicator: Deduplicator,
    ) -> None:
        self.app = identity.app
        self.log_arguments = settings.log_arguments
        self.deduplicator = deduplicator
        self.executor = Executor(identity, settings, deduplicator)
        self.periodic = PeriodicTasks(identity.app)

    def handle(
        self, event: Event, *, alone: bool, fields: dict[str, Any]
    ) -> MessageResult:
        """Do what the event asks for, log one line about it, and return the result.

        A timer that found tasks in the database has a line for each of them instead.

        :param alone: whether it is the only message of the request.
        :param fields: additional fields of the log line.
        """
        run = Run(fields={**fields, "message_id": event.message_id})
        started = time.monotonic()
        outcome, reason = self.attempt(event, run, alone=alone)
        run.fields["duration_seconds"] = round(time.monotonic() - started, 6)
        if not run.is_logged:
            log_result(run, outcome, reason)
        return MessageResult(
            message_id=event.message_id, outcome=outcome, reason=reason, state=run.state
        )

    def attempt(
        self, event: Event, run: Run, *, alone: bool
    ) -> tuple[Outcome, Reason | None]:
        try:
            if isinstance(event, TimerFired):
                fire = self.publish_due if event.payload == PAYLOAD else self.fire
                return fire(event, run), None
            return self.deliver(event, run, alone=alone)
        except UndeliverableError as exc:
            run.fields["problem"] = str(exc)
            return Outcome.DEAD, exc.reason
        except RetryLaterError as exc:
            return Outcome.RETRY_LATER, exc.reason
        except Exception as exc:  # noqa: BLE001  other messages must not suffer
            # Nothing was run, and the next delivery would fail in the same way.
            log.exception("A message cannot be handled")
            run.fields["problem"] = f"{type(exc).__name__} was raised"
            return Outcome.DEAD, Reason.INTERNAL_ERROR

    def fire(self, timer: TimerFired, run: Run) -> Outcome:
        entry = plan_entry(self.app, timer)
        run.fields |= {
            "task_name": entry["task"],
            "task_id": entry["options"]["task_id"],
            "entry": entry.get("entry"),
        }
        with blamed_on(Reason.BROKER_FAILED, "A timer's task cannot be published"):
            publish_entry(self.app, entry)
        return Outcome.DONE

    def publish_due(self, timer: TimerFired, run: Run) -> Outcome:
        for published in self.periodic.publish_due(timer.fired_at):
            one = Run(fields={**run.fields, **published.fields})
            if published.refusal:
                one.fields["problem"] = str(published.refusal)
                log_result(one, Outcome.DEAD, Reason.INTERNAL_ERROR)
            else:
                log_result(one, Outcome.DONE, None)
        run.is_logged = True
        return Outcome.DONE

    def deliver(
        self, delivery: Delivery, run: Run, *, alone: bool
    ) -> tuple[Outcome, Reason | None]:
        """Execute a message's task, unless it was done or is not due."""
        run.fields |= describe_delivery(delivery)
        try:
            message = decode_message(delivery.body, self.app)
        except UnknownTaskError as exc:
            self.describe(exc.task_message, delivery, run)
            self.executor.report_unknown(exc.task_message)
            raise
        self.describe(message, delivery, run)
        request = self.executor.build_request(message, run)
        remaining = 0.0 if is_expired(request) else find_remaining(request)
        if remaining > PATIENCE_SECONDS:
            return self.delay(message, delivery, remaining, run), None
        past = self.look_up(delivery, request, alone=alone)
        if past.done:
            self.count_again(request, past)
            return Outcome.DUPLICATE, None
        if remaining:  # Even sleep(0) would give up the processor.
            time.sleep(remaining)
        self.executor.execute(request, run, delivery)
        outcome, reason = run.plan_outcome()
        if outcome.is_done and past.needs_note:
            with logged("A done message cannot be recorded"):
                self.deduplicator.mark([delivery.message_id])
        return outcome, reason

    def describe(self, message: TaskMessage, delivery: Delivery, run: Run) -> None:
        run.fields |= describe_task(self.app, message, delivery)
        if self.log_arguments:
            run.fields |= describe_arguments(message)

    def delay(
        self, message: TaskMessage, delivery: Delivery, remaining: float, run: Run
    ) -> Outcome:
        hops = count_hops(message.headers) + 1
        run.fields |= {"hops": hops, "due_in_seconds": round(remaining, 3)}
        with blamed_on(Reason.BROKER_FAILED, "A task cannot be republished"):
            republish(
                self.app,
                message,
                queue=delivery.queue,
                hops=hops,
                delay=plan_delay(remaining),
            )
        return Outcome.DELAYED

    def look_up(self, delivery: Delivery, request: Any, *, alone: bool) -> Lookup:
        with tolerating(Reason.STORE_FAILED, "The result store cannot be read"):
            return self.deduplicator.look_up(
                delivery.message_id,
                request.id,
                retries=request.request_dict.get("retries") or 0,
                stores_result=not request.ignore_result,
                alone=alone,
            )
        return Lookup()

    def count_again(self, request: Any, past: Lookup) -> None:
        """Count a chord member whose result was stored, but perhaps not counted."""
        if past.meta is None or not request.chord or not request.group:
            return
        with tolerating(Reason.STORE_FAILED, "A chord member was not counted"):
            recount(request.task.backend, request._context, past.meta.get("result"))  # noqa: SLF001  what Celery passes on itself


def log_result(run: Run, outcome: Outcome, reason: Reason | None) -> None:
    fields = {**run.fields, "outcome": outcome.value}
    fields |= {"state": run.state} if run.state else {}
    fields |= {"reason": reason.value} if reason else {}
    what = f"{fields.get('task_name', 'Message')}[{fields.get('task_id', '?')}]"
    write = log.info if outcome.is_done else log.error
    write(
        "%s: %s", what, run.state or (reason or outcome).value, extra={"fields": fields}
    )
