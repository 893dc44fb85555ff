"""Saves one of the two reads of the result store that a task would cost.

Celery reads a task's row before it writes it, so as not to overwrite a success. The
search for duplicates has just read that row. What it found is used again for the task's
first write, and only if that is a success: if another instance has succeeded meanwhile,
one success replaces the other. Anything else is written as Celery does it.

It also marks rows whose success does not mean that every message of the task is done:
if the same run has published a retry, or if the task itself has stored the success.
"""

from __future__ import annotations

import threading
from typing import Any

from celery import states
from celery.backends.base import BaseKeyValueStoreBackend

from ._amqp import RETRIED_MARK
from ._chords import extend

Base: Any = BaseKeyValueStoreBackend

UNFINISHED = "push_worker_unfinished"
"""Marks a success that the task stored before its end."""

RETRIED = "push_worker_retried"
"""Marks a success that has published a retry, with its own number of retries."""


def covers(meta: dict[str, Any], retries: int) -> bool:
    """Return whether a row's success means that the message of this retry is done."""
    if meta.get(UNFINISHED):
        return False
    last = meta.get(RETRIED)
    return last is None or retries <= last


class Row(threading.local):
    """What a thread's task has read and written of its row in the store."""

    def __init__(self) -> None:
        self.task_id: str | None = None
        self.is_unread = False
        self.is_ending = False
        self.is_early = False
        self.is_spared = False
        self.marks: dict[str, Any] = {}

    def begin(self, task_id: str, *, has_succeeded: bool) -> None:
        self.task_id = task_id
        self.is_unread = not has_succeeded
        self.is_early = False

    def describe(self, request: Any) -> dict[str, Any]:
        """Return the marks of a success that is being written."""
        if not self.is_ending:
            self.is_early = True
            return {UNFINISHED: True}
        has_retried = getattr(request, RETRIED_MARK, False)
        return {RETRIED: request.retries} if has_retried else {}


def try_follow(backend: Any) -> Row | None:
    """Return what a store knows of the running task's row; extends the store's class.

    None for a store that has its own way of writing.
    """
    kind: Any = type(backend)
    if not issubclass(kind, SparesRead):
        if not (
            issubclass(kind, Base)
            and kind._store_result is Base._store_result  # noqa: SLF001
            and kind._get_task_meta_for is Base._get_task_meta_for  # noqa: SLF001
        ):
            return None
        backend.push_worker_row = Row()
        backend.__class__ = extend(kind, SparesRead)
    row: Row = backend.push_worker_row
    return row


class SparesRead(Base):  # type: ignore[misc]  # the stubs leave out what is extended
    """Mixin in front of Celery's class."""

    push_worker_row: Row

    def mark_as_done(self, task_id: str, *args: Any, **kw: Any) -> Any:
        self.push_worker_row.is_ending = task_id == self.push_worker_row.task_id
        try:
            return super().mark_as_done(task_id, *args, **kw)
        finally:
            self.push_worker_row.is_ending = False

    def _store_result(
        self, task_id: str, result: Any, state: str, *args: Any, **kw: Any
    ) -> Any:
        row, is_success = self.push_worker_row, state == states.SUCCESS
        if task_id == row.task_id:
            row.is_spared = row.is_unread and is_success
            row.is_unread = False
            row.marks = row.describe(kw.get("request")) if is_success else {}
        try:
            return super()._store_result(task_id, result, state, *args, **kw)
        finally:
            row.is_spared, row.marks = False, {}

    def _get_result_meta(self, *args: Any, **kw: Any) -> Any:
        return {**super()._get_result_meta(*args, **kw), **self.push_worker_row.marks}

    def _get_task_meta_for(self, task_id: str) -> Any:
        if self.push_worker_row.is_spared:
            return {"status": states.PENDING, "result": None}
        return super()._get_task_meta_for(task_id)
