"""Saves one of the two reads of the result store that a task would cost.

Celery reads a task's row before it writes one, to leave a success alone. The ledger has
just read that row. Its answer is used again for a task's first write, and only where
that is a success: should another instance have succeeded meanwhile, one success takes
the place of the other. Anything else is written as Celery does it.
"""

from __future__ import annotations

import threading
from typing import Any

from celery import states
from celery.backends.base import BaseKeyValueStoreBackend

__all__ = ["SparedRead"]

ATTRIBUTE = "push_worker_spared_read"


class SparedRead(threading.local):
    """Knows of each thread's task that its row has held no success."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.unsucceeded: str | None = None
        self.answers = False

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
                "_store_result": spared.store,
                "_get_task_meta_for": spared.read,
            }
        return spared

    def store(
        self, task_id: str, result: Any, state: str, *args: Any, **kw: Any
    ) -> Any:
        """Stand in for ``_store_result``."""
        if task_id == self.unsucceeded:
            self.unsucceeded = None
            self.answers = state == states.SUCCESS
        try:
            kind = type(self.backend)
            return kind._store_result(self.backend, task_id, result, state, *args, **kw)  # noqa: SLF001
        finally:
            self.answers = False

    def read(self, task_id: str) -> Any:
        """Stand in for ``_get_task_meta_for``."""
        if self.answers:
            return {"status": states.PENDING, "result": None}
        return type(self.backend)._get_task_meta_for(self.backend, task_id)  # noqa: SLF001
