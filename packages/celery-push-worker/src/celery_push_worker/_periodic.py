"""Publishes what the tables of django-celery-beat say is due, without a beat process.

A timer asks for it each minute, and Celery's own scheduler class decides. Two workers
may be asked at once, and one late: who changes a row's ``last_run_at`` publishes it, in
the transaction that changes it. Nothing is remembered from one minute to the next, so
what is edited in the admin counts from then on.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._logs import log
from ._outages import is_outage
from .exceptions import Reason, RetryLaterError, UndeliverableError

if TYPE_CHECKING:
    from celery import Celery

PAYLOAD = '{"schedule":"database"}'
"""Of the timer that ``schedule: "database"`` in config.ts creates."""

PACKAGE = "django_celery_beat"

MISSING = '`schedule: "database"` in config.ts needs django-celery-beat'

FIX = (
    f"Add it to the image's requirements and '{PACKAGE}' to INSTALLED_APPS, and run "
    "`manage.py migrate`."
)

MINUTE = timedelta(minutes=1)

LONG_AGO = timedelta(days=365 * 30)
"""So far back that a task is due when its start comes, as in django-celery-beat."""

EARLY_SECONDS = 1
"""A timer's clock may be slow by this, and it still means the minute that begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One task that was due."""

    fields: dict[str, Any]
    """Of its line in the log."""
    refusal: BaseException | None = None
    """Why it cannot be published, now or later. It counts as run, as under beat."""


class PeriodicTasks:
    """The periodic tasks in the database of one app."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.rounded: set[tuple[Any, timedelta]] = set()
        """Intervals of which the log has told what becomes of them."""

    def publish_due(self, fired_at: float | None) -> Iterator[Published]:
        """Publish the tasks that are due at the timer's minute, each once.

        :param fired_at: Unix seconds at which the timer fired, if its event says so.
        :raises UndeliverableError: django-celery-beat is missing.
        :raises RetryLaterError: the database or the broker is unavailable. What was not
            published is due in the next minute as well.
        """
        if not is_installed():
            log.error("%s. %s", MISSING, FIX)
            raise UndeliverableError(Reason.NO_SCHEDULER, MISSING)
        from django.db import connections

        minute = plan_minute(fired_at)
        # Celery does the same before and after each task.
        connections.close_all()
        try:
            for model in self.read():
                with self.tolerating(model):
                    if published := self.publish(model, minute):
                        yield published
        finally:
            connections.close_all()

    @cached_property
    def scheduler(self) -> Any:
        """The scheduler.

        Creating it writes ``beat_schedule`` to the tables, as beat does when it starts.
        """
        scheduler = find_scheduler(self.app)(self.app)
        # It would close the connection inside the transaction: the claim would be lost.
        scheduler.should_sync = lambda: False
        return scheduler

    @property
    def rows(self) -> Any:
        """The table, at the database that is written to: a replica may be late."""
        from django.db import router

        model = self.scheduler.Model
        return model.objects.using(router.db_for_write(model))

    def read(self) -> list[Any]:
        from django.db import Error

        try:
            return list(self.rows.enabled().order_by("pk"))
        except Error as exc:
            log.exception("The periodic tasks cannot be read. Has `migrate` been run?")
            raise RetryLaterError(Reason.DATABASE_FAILED) from exc

    @contextmanager
    def tolerating(self, model: Any) -> Iterator[None]:
        """Go on with the next one after an error of this one."""
        from django.db import InterfaceError, OperationalError

        try:
            yield
        except RetryLaterError:
            raise
        except Exception as exc:
            log.exception("Periodic task '%s' cannot be scheduled", model.name)
            if isinstance(exc, (InterfaceError, OperationalError)):
                raise RetryLaterError(Reason.DATABASE_FAILED) from exc

    def publish(self, model: Any, minute: datetime) -> Published | None:
        """Publish the task if it is due, and nobody else has."""
        from django.db import transaction

        before = model.last_run_at
        model.last_run_at = before or count_from(model)
        entry = self.scheduler.Entry(model, app=self.app)
        now = stop_clock(entry, minute)
        self.tell_rounding(entry)
        if not self.scheduler.is_due(entry)[0]:
            return None
        rows = self.rows.filter(pk=model.pk, enabled=True, last_run_at=before)
        with transaction.atomic(using=rows.db):
            return self.apply(entry) if claim(rows, now) else None

    def apply(self, entry: Any) -> Published:
        # Published again after a claim that was lost, it has the same id.
        run = f"periodic:{entry.model.pk}:{entry.last_run_at.isoformat()}"
        task_id = str(uuid.uuid5(uuid.NAMESPACE_URL, run))
        entry.options["task_id"] = task_id
        fields = {"task_name": entry.task, "task_id": task_id, "entry": entry.name}
        try:
            self.scheduler.apply_async(entry, advance=False)
        except Exception as exc:
            refusal = exc.__context__ or exc  # Celery wraps what was raised.
            log.exception("Periodic task '%s' cannot be published", entry.name)
            if is_outage(refusal):
                raise RetryLaterError(Reason.BROKER_FAILED) from exc
            return Published(fields=fields, refusal=refusal)
        return Published(fields=fields)

    def tell_rounding(self, entry: Any) -> None:
        every = getattr(entry.schedule, "run_every", None)
        if not every or not every % MINUTE or (entry.name, every) in self.rounded:
            return
        self.rounded.add((entry.name, every))
        log.warning(
            "Periodic task '%s' is set to run every %s. The timer fires once a minute: "
            "it runs every %s",
            entry.name,
            every,
            -(-every // MINUTE) * MINUTE,
            extra={"fields": {"entry": entry.name}},
        )


def is_installed() -> bool:
    django = sys.modules.get("django.apps")
    return bool(django and django.apps.ready and django.apps.is_installed(PACKAGE))


def find_scheduler(app: Celery) -> Any:
    """Return the app's scheduler class if it reads these tables, or else their own."""
    from celery.utils.imports import load_extension_class_names, symbol_by_name
    from django_celery_beat.schedulers import DatabaseScheduler

    aliases: Any = load_extension_class_names("celery.beat_schedulers")
    named = symbol_by_name(app.conf.beat_scheduler, dict(aliases))
    return named if issubclass(named, DatabaseScheduler) else DatabaseScheduler


def plan_minute(fired_at: float | None) -> datetime:
    """Return the minute that a timer means, in UTC.

    The wall clock's own would make tasks of each minute skip one: a call that is a
    little earlier than the one before finds them not yet due.
    """
    now = time.time()
    # A time in the future would keep everything from running until then.
    seconds = min(now, now if fired_at is None else fired_at) + EARLY_SECONDS
    return datetime.fromtimestamp(seconds // 60 * 60, timezone.utc)


def count_from(model: Any) -> datetime:
    """Return what a task counts from that has not run yet.

    So does django-celery-beat 2.8. Before, it counted from when it had read the row: a
    scheduler that reads it each minute would never find it due.
    """
    changed: datetime = model.date_changed
    return changed - LONG_AGO if model.start_time else changed


def stop_clock(entry: Any, minute: datetime) -> datetime:
    """Let the entry take the minute for now. Return it as its row stores times."""
    now = entry._default_now()  # noqa: SLF001  naive without USE_TZ
    zone = now.tzinfo
    stored = minute.astimezone(zone) if zone else minute.replace(tzinfo=None)
    entry._default_now = lambda: stored  # noqa: SLF001
    when = entry.schedule
    when.nowfun = lambda: minute.astimezone(when.tz)
    return stored


def claim(rows: Any, now: datetime) -> bool:
    """Note the run in the row, unless another worker has."""
    from django.db.models import F

    count = F("total_run_count") + 1
    return bool(rows.update(last_run_at=now, total_run_count=count))
