"""Runs one message through Celery's own request, as a worker's consumer does.

With ``_pool.py`` and ``_lifecycle.py``, the code that depends on Celery's internals.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signals, states
from celery.exceptions import NotRegistered
from celery.utils.imports import symbol_by_name
from celery.utils.objects import Bunch
from celery.worker.state import revoked, revoked_stamps, task_reserved

from ._delays import HOPS_HEADER
from ._lifecycle import build_tracers
from ._outages import blamed_on, tolerating
from ._pool import InlinePool, blocking_joins
from .exceptions import Reason, UndeliverableError

if TYPE_CHECKING:
    from ._deduplication import Deduplicator
    from ._events import Delivery
    from ._lifecycle import WorkerIdentity
    from ._messages import TaskMessage
    from ._outcomes import Run
    from ._settings import Settings


class Executor:
    """Executes the tasks of one app."""

    def __init__(
        self,
        identity: WorkerIdentity,
        settings: Settings,
        deduplicator: Deduplicator,
    ) -> None:
        self.identity = identity
        self.app = identity.app
        self.settings = settings
        self.deduplicator = deduplicator

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
            # The class may be the project's own; so far it has only read headers.
            raise UndeliverableError(
                Reason.INVALID_TASK, "No request can be built from the headers"
            ) from exc

    def execute(self, request: Any, run: Run, delivery: Delivery) -> None:
        """Do what a worker does with a request that it has received."""
        pool = InlinePool(
            app=self.app,
            request=request,
            run=run,
            grace_seconds=self.settings.grace_seconds,
            on_abandon=partial(self.deduplicator.mark, [run.fields["message_id"]]),
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

    def report_unknown(self, message: TaskMessage) -> None:
        """Record and signal an unknown task as a worker does."""
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
            exc=KeyError(message.name),  # As from a worker's look-up.
            name=message.name,
            id=message.id,
        )


def drop_own(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers without our own, which a retry would inherit."""
    if HOPS_HEADER not in headers:
        return headers
    return {name: value for name, value in headers.items() if name != HOPS_HEADER}


def is_revocable(request: Any) -> bool:
    return bool(request.expires or request.id in revoked or revoked_stamps)


def is_expired(request: Any) -> bool:
    return bool(request.expires) and time.time() > request.expires.timestamp()


def was_waiting(request: Any, delivery: Delivery) -> bool:
    """Return whether a task that has expired was in the queue before it expired."""
    if not request.eta:
        return False
    sent_at = delivery.sent_at
    return sent_at is None or bool(request.expires.timestamp() > sent_at)


def find_remaining(request: Any) -> float:
    try:
        return max(0.0, request.eta.timestamp() - time.time()) if request.eta else 0.0
    except (OverflowError, ValueError) as exc:
        raise UndeliverableError(Reason.INVALID_TASK, "'eta' is out of range") from exc
