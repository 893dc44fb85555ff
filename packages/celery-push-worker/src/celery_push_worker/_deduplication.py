"""Finds messages that were done before, so that they are not done again.

A standard queue may deliver a message twice: the result store tells whether its task
has succeeded. A request of several messages comes back whole if one of them has to:
what was done of it is remembered here, and recorded in the result store for other
instances.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.base import DisabledBackend
from celery.exceptions import TimeLimitExceeded

from ._spared_read import Row, covers, try_follow

if TYPE_CHECKING:
    from celery import Celery

    from ._settings import Settings

CAPACITY = 1_000
"""How many done messages of failed requests one process remembers."""

NOTE_PREFIX = "push-worker-done-"
"""Prefix of the task id under which the result store keeps a record."""

RERUN_STATES = frozenset({states.FAILURE, states.RETRY, states.REVOKED})
"""States after which a task may have to run again, or may be finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What earlier deliveries have left of a message."""

    done: bool = False
    meta: dict[str, Any] | None = None
    """The task's row in the result store, if it shows that the message was done."""
    row_tells: bool = True
    """Whether the row will show that this message was done."""
    row: Row | None = None
    """Follows what the task writes to its row."""

    @property
    def needs_note(self) -> bool:
        """Whether a message that is done now needs a record of its own."""
        return not self.row_tells or bool(self.row and self.row.is_early)


class Deduplicator:
    """Remembers what was done, in this process and in the result store."""

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

        Costs at most one read of the result store, and a second one only if the first
        finds a failure, a retry, or the success of another message.

        :param retries: the message's own number of retries.
        :param stores_result: whether the task stores its result.
        :param alone: whether it is the only message of the request.
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
            # Other stores cannot mark a row.
            if covers(meta, retries) if row else not retries:
                return Lookup(done=True, meta=meta)
            # The task published a retry and succeeded all the same, or stored a success
            # itself: the row keeps that, and tells nothing about other messages.
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
        """Remember done messages, for this process and others."""
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
        # A process that exits because a task ignores its time limit cannot respond.
        result = meta.get("result")
        return state == states.FAILURE and isinstance(result, TimeLimitExceeded)
    return state in RERUN_STATES
