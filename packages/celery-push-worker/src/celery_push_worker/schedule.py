"""Exports ``beat_schedule`` as timers, or reports every entry that cannot be one.

A timer has a cron expression in UTC, at best every minute, and a text of up to 4,096
characters from which the worker publishes the task.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ._cron import plan_cron
from ._cron_utc import InexpressibleError
from ._platform import MAX_PAYLOAD_CHARACTERS
from ._routing import find_problems
from .exceptions import ScheduleError

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Timer", "export_schedule", "find_unseen", "plan_timers"]

VERSION = 1
"""Of the file format."""

CELERYS_SCHEDULERS = ("celery.beat.PersistentScheduler", "celery.beat.Scheduler")
"""Schedulers that take all entries from ``beat_schedule``."""

USE_TABLES = 'set `schedule: "database"` in config.ts'

NOTHING_SEEN = (
    "'beat_schedule' has no entries. If beat has any, they come from elsewhere: a "
    f"module that is not imported, or a database. For that, {USE_TABLES}; if you want "
    "no timers, remove 'schedule' from there"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One entry of the file."""

    name: str
    """Lowercase letters, digits and hyphens; the end of the trigger's name."""
    cron: str
    """Minutes, hours, day of month, month, day of week, year; in UTC."""
    payload: str
    """JSON: the task that the worker publishes, with arguments and options."""


def export_schedule(app: Celery) -> str:
    """Return the text of the schedule file.

    :raises ScheduleError: names every entry that a timer cannot express, or whose task
        or queue does not exist; or there is no entry, or another scheduler.
    """
    app.finalize()  # Its receivers may add entries.
    check_scheduler(str(app.conf.beat_scheduler))
    schedule = app.conf.beat_schedule or {}
    if not schedule:
        raise ScheduleError([NOTHING_SEEN])
    problems, timers = [], []
    try:
        timers = plan_timers(schedule, app.timezone)
    except ScheduleError as exc:
        problems += exc.problems
    problems += find_unknown(app, schedule)
    if problems:
        raise ScheduleError(problems)
    file = {"version": VERSION, "timers": [asdict(timer) for timer in timers]}
    return json.dumps(file, indent=2, ensure_ascii=False) + "\n"


def check_scheduler(name: str) -> None:
    if name.replace(":", ".") not in CELERYS_SCHEDULERS:
        problem = (
            f"'beat_scheduler' is '{name}', whose entries cannot be exported. If they "
            f"are in django-celery-beat's tables, {USE_TABLES}. Otherwise move them to "
            "'beat_schedule', and remove 'beat_scheduler'"
        )
        raise ScheduleError([problem])


def find_unseen() -> str | None:
    """Return a warning if a site may have entries that are not exported."""
    django = sys.modules.get("django.conf")
    apps = (
        django.settings.INSTALLED_APPS if django and django.settings.configured else ()
    )
    if not any(str(app).startswith("django_celery_beat") for app in apps):
        return None
    return (
        "'django_celery_beat' is in INSTALLED_APPS: entries in its tables get no "
        f"timer. For these, {USE_TABLES}; entries of 'beat_schedule' are run from "
        "there, too"
    )


def find_unknown(app: Celery, schedule: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each entry whose task or queue does not exist."""
    for key, entry in schedule.items():
        task = entry.get("task")
        if not isinstance(task, str) or not task:
            continue
        if task not in app.tasks:
            close = get_close_matches(task, app.tasks, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            yield f"'{key}': no task '{task}' is registered{hint}"
            continue
        args = entry.get("args"), entry.get("kwargs")
        for problem in find_problems(app, task, entry.get("options") or {}, *args):
            yield f"'{key}': {problem}"


def plan_timers(beat_schedule: Mapping[str, Any], zone: tzinfo) -> list[Timer]:
    """Return a timer for each entry, ordered by name.

    :raises ScheduleError: names every entry that a timer cannot express.
    """
    timers: dict[str, Timer] = {}
    origins: dict[str, str] = {}
    problems = []
    for key, entry in beat_schedule.items():
        try:
            timer = plan_timer(str(key), entry, zone)
        except InexpressibleError as exc:
            problems.append(f"'{key}': {exc}")
            continue
        if timer.name in timers:
            other = origins[timer.name]
            problems.append(
                f"'{key}': its timer would have the same name as that of '{other}'"
            )
        timers[timer.name], origins[timer.name] = timer, str(key)
    if problems:
        raise ScheduleError(problems)
    return [timers[name] for name in sorted(timers)]


def plan_timer(key: str, entry: Mapping[str, Any], zone: tzinfo) -> Timer:
    return Timer(
        name=plan_name(key),
        cron=plan_cron(entry.get("schedule"), zone),
        payload=render_payload(key, entry),
    )


def plan_name(key: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")
    if not name:
        raise InexpressibleError("its name has no letter from a to z and no digit")
    return name


def render_payload(key: str, entry: Mapping[str, Any]) -> str:
    task = entry.get("task")
    if not isinstance(task, str) or not task:
        raise InexpressibleError("it does not name a task")
    parts = {
        "task": task,
        "entry": key,
        "args": list(entry.get("args") or ()),
        "kwargs": dict(entry.get("kwargs") or {}),
        "options": plan_options(entry.get("options") or {}),
    }
    try:
        payload = json.dumps(
            {name: part for name, part in parts.items() if part},
            ensure_ascii=False,
            allow_nan=False,
        )
    except (TypeError, ValueError) as exc:
        raise InexpressibleError(
            f"its arguments or options are not JSON: {exc}"
        ) from exc
    if len(payload) > MAX_PAYLOAD_CHARACTERS:
        raise InexpressibleError(
            f"its message has {len(payload)} characters, and a timer holds "
            f"{MAX_PAYLOAD_CHARACTERS}"
        )
    return payload


def plan_options(options: Mapping[str, Any]) -> dict[str, Any]:
    seconds = {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in options.items()
    }
    if "eta" in seconds or isinstance(seconds.get("expires"), (str, datetime)):
        raise InexpressibleError(
            "its 'eta' or 'expires' is a fixed time, which will soon be in the past"
        )
    return seconds
