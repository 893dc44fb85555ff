"""Which messages were done before, so that they are not done again.

Two questions, two sources. A standard queue may deliver a message twice: the result
store tells whether its task has succeeded. A request of several messages comes back
whole when one of them has to: what was done of it is remembered here, and noted in the
result store for other instances.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.base import DisabledBackend
from celery.exceptions import TimeLimitExceeded

from ._spared_read import Row, covers, try_follow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from celery import Celery

    from ._settings import Settings

CAPACITY = 1_000
"""Done messages of failed requests that one process remembers."""

NOTE_PREFIX = "push-worker-done-"
"""Begins the id under which the result store keeps a note."""

RERUN_STATES = frozenset({states.FAILURE, states.RETRY, states.REVOKED})
"""States in which a task may have to run again, or may be done with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What is known of a message from before."""

    done: bool = False
    meta: dict[str, Any] | None = None
    """The row of the task's success, where it is this that tells."""
    row_tells: bool = True
    """The row will tell of this message when it is done."""
    row: Row | None = None
    """Follows what the task writes of its row."""

    @property
    def needs_note(self) -> bool:
        """Whether a message that is done now has to be noted elsewhere."""
        return not self.row_tells or bool(self.row and self.row.is_early)


class Deduplicator:
    """Remembers what was done."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        self.app = app
        self.deduplicate = settings.deduplicate
        self.done: OrderedDict[str, None] = OrderedDict()

    def look_up(
        self,
        message_id: str,
        task_id: str,
        *,
        retries: int,
        stores_result: bool,
        alone: bool,
    ) -> Lookup:
        """Return whether the message was done before.

        Costs one read of the result store at most, and a second one only where the
        first has found a failure, a retry, or the success of another message.

        :param retries: how often the task was retried before this message.
        :param stores_result: whether the task leaves a result.
        :param alone: whether the request has no other message.
        """
        if message_id in self.done:
            return Lookup(done=True)
        if not self.has_store:
            return Lookup()
        if not stores_result:
            return Lookup(done=not alone and self.has_note(message_id))
        if not self.deduplicate and alone:
            return Lookup()
        return self.look_up_row(message_id, task_id, retries=retries, alone=alone)

    def look_up_row(
        self, message_id: str, task_id: str, *, retries: int, alone: bool
    ) -> Lookup:
        meta = self.read(task_id)
        state = meta.get("status")
        succeeded = state == states.SUCCESS
        row = try_follow(self.app.backend)
        if row:
            row.begin(task_id, has_succeeded=succeeded)
        if succeeded and self.deduplicate:
            # Other stores leave no room for a mark.
            if covers(meta, retries) if row else not retries:
                return Lookup(done=True, meta=meta)
            # A task that has published a retry and succeeded all the same, or has
            # stored a success itself: its row keeps that, and tells nothing of others.
            return Lookup(done=self.has_note(message_id), row_tells=False)
        worth = is_worth_asking(state, meta, alone=alone)
        return Lookup(
            done=worth and self.has_note(message_id),
            row_tells=not retries or row is not None,
            row=row,
        )

    @property
    def has_store(self) -> bool:
        backend = self.app.backend
        return not isinstance(backend, DisabledBackend) and bool(backend.persistent)

    def mark(self, message_ids: Iterable[str]) -> None:
        """Remember messages of a request that will come back, for all processes."""
        for message_id in message_ids:
            self.done[message_id] = None
            if self.has_store:
                self.app.backend.store_result(
                    NOTE_PREFIX + message_id, None, states.SUCCESS
                )
        while len(self.done) > CAPACITY:
            self.done.popitem(last=False)

    def has_note(self, message_id: str) -> bool:
        status = self.read(NOTE_PREFIX + message_id).get("status")
        return bool(status == states.SUCCESS)

    def read(self, task_id: str) -> dict[str, Any]:
        meta: dict[str, Any] = self.app.backend.get_task_meta(task_id, cache=False)
        return meta


def is_worth_asking(state: Any, meta: dict[str, Any], *, alone: bool) -> bool:
    if alone:
        # A process that a task would not leave at its time limit could not answer.
        result = meta.get("result")
        return state == states.FAILURE and isinstance(result, TimeLimitExceeded)
    return state in RERUN_STATES
