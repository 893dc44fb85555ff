"""A project's own scheduler class. Imported by its name, when Django is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry


class Overtaken(ModelEntry):
    """Finds out what is due, and is then overtaken by something, once."""

    other: Callable[[], Any] | None = None
    lost: ClassVar[list[Exception]] = []
    """What is raised after a task was published, once each."""

    def is_due(self):
        due = super().is_due()
        overtake, Overtaken.other = Overtaken.other, None
        if overtake:
            overtake()
        return due


class OvertakenScheduler(DatabaseScheduler):
    Entry = Overtaken

    def apply_async(self, entry, **options):
        super().apply_async(entry, **options)
        if Overtaken.lost:
            raise Overtaken.lost.pop()
