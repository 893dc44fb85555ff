"""Saves one of the two reads of the result store that a task would cost.

Celery reads a task's row before it writes one, to leave a success alone. The ledger has
just read that row. Its answer is used again for a task's first write, and only where
that is a success: should another instance have succeeded meanwhile, one success takes
the place of the other. Anything else is written as Celery does it.

Notes in the row, too, of which messages a success does not tell: of the retry that the
same run has published, and of any, when the task itself has written it before its end.
"""

from __future__ import annotations

import threading
from typing import Any

from celery import states
from celery.backends.base import BaseKeyValueStoreBackend

from ._amqp import RETRIED_MARK

ATTRIBUTE = "push_worker_spared_read"

UNFINISHED = "push_worker_unfinished"
"""Marks a success that the task has stored before it has ended."""

RETRIED = "push_worker_retried"
"""Marks a success that has published a retry, by the number of its own retry."""


def covers(meta: dict[str, Any], retries: int) -> bool:
    """Return whether a success tells that the message of this retry was done."""
    if meta.get(UNFINISHED):
        return False
    last = meta.get(RETRIED)
    return last is None or retries <= last


class SparedRead(threading.local):
    """Knows what each thread's task has read and written of its row."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.task_id: str | None = None
        self.is_unread = False
        self.is_ending = False
        self.is_early = False
        self.answers = False
        self.notes: dict[str, Any] = {}

    @classmethod
    def of(cls, backend: Any) -> SparedRead | None:
        """Return that of a result store; ``None`` if it stores in a way of its own."""
        kind: Any = type(backend)
        base: Any = BaseKeyValueStoreBackend
        if not (
            isinstance(backend, base)
            and kind._store_result is base._store_result  # noqa: SLF001
            and kind._get_task_meta_for is base._get_task_meta_for  # noqa: SLF001
        ):
            return None
        spared: SparedRead | None = backend.__dict__.get(ATTRIBUTE)
        if spared is None:
            spared = cls(backend)
            backend.__dict__ |= {
                ATTRIBUTE: spared,
                "mark_as_done": spared.end,
                "_store_result": spared.store,
                "_get_result_meta": spared.describe,
                "_get_task_meta_for": spared.read,
            }
        return spared

    def begin(self, task_id: str, *, has_succeeded: bool) -> None:
        """Follow a task whose row has just been read."""
        self.task_id = task_id
        self.is_unread = not has_succeeded
        self.is_early = False

    def end(self, task_id: str, *args: Any, **kw: Any) -> Any:
        """Stand in for ``mark_as_done``."""
        self.is_ending = task_id == self.task_id
        try:
            return type(self.backend).mark_as_done(self.backend, task_id, *args, **kw)
        finally:
            self.is_ending = False

    def store(
        self, task_id: str, result: Any, state: str, *args: Any, **kw: Any
    ) -> Any:
        """Stand in for ``_store_result``."""
        if task_id == self.task_id:
            self.answers = self.is_unread and state == states.SUCCESS
            self.is_unread = False
            self.note(state, kw.get("request"))
        try:
            kind = type(self.backend)
            return kind._store_result(self.backend, task_id, result, state, *args, **kw)  # noqa: SLF001
        finally:
            self.answers = False
            self.notes = {}

    def note(self, state: str, request: Any) -> None:
        if state != states.SUCCESS:
            return
        if not self.is_ending:
            self.is_early = True
            self.notes = {UNFINISHED: True}
        elif getattr(request, RETRIED_MARK, False):
            self.notes = {RETRIED: request.retries}

    def describe(self, *args: Any, **kw: Any) -> Any:
        """Stand in for ``_get_result_meta``."""
        meta = type(self.backend)._get_result_meta(self.backend, *args, **kw)  # noqa: SLF001
        return {**meta, **self.notes} if self.notes else meta

    def read(self, task_id: str) -> Any:
        """Stand in for ``_get_task_meta_for``."""
        if self.answers:
            return {"status": states.PENDING, "result": None}
        return type(self.backend)._get_task_meta_for(self.backend, task_id)  # noqa: SLF001
