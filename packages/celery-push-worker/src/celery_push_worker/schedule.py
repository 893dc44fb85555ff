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
from .exceptions import ScheduleError

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Timer", "export_schedule", "find_unseen", "plan_timers"]

VERSION = 1
"""Of the file format."""

CELERYS_SCHEDULERS = ("celery.beat.PersistentScheduler", "celery.beat.Scheduler")
"""Schedulers that take all entries from ``beat_schedule``."""

NOTHING_SEEN = (
    "'beat_schedule' has no entries. If beat has any, they come from elsewhere: a "
    "database, or a module that is not imported. If you want no timers, remove "
    "'schedule' from config.ts instead"
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
            f"'beat_scheduler' is '{name}', whose entries cannot be exported. Move "
            "them to 'beat_schedule', and remove 'beat_scheduler'"
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
        "'django_celery_beat' is in INSTALLED_APPS: entries in its database get no "
        "timer. Move them to 'beat_schedule'"
    )


def find_unknown(app: Celery, schedule: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each entry whose task or queue does not exist."""
    known = list_queues(app)
    for key, entry in schedule.items():
        task = entry.get("task")
        if not isinstance(task, str) or not task:
            continue
        if task not in app.tasks:
            close = get_close_matches(task, app.tasks, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            yield f"'{key}': no task '{task}' is registered{hint}"
            continue
        queue = find_queue(app, task, entry)
        if queue not in known:
            names = ", ".join(f"'{name}'" for name in sorted(known))
            yield f"'{key}': there is no queue '{queue}', only {names}"


def list_queues(app: Celery) -> set[str]:
    options = app.conf.broker_transport_options or {}
    predefined = options.get("predefined_queues")
    return set(predefined or {*app.amqp.queues, app.conf.task_default_queue})


def find_queue(app: Celery, task: str, entry: Mapping[str, Any]) -> str:
    """Return the queue's name to which the entry's task would be published."""
    own = getattr(app.tasks[task], "queue", None)
    options = {"queue": own, **(entry.get("options") or {})}
    if not (queue := options.pop("queue")):
        router: Any = app.amqp.router
        args = entry.get("args"), entry.get("kwargs")
        route = router.lookup_route(task, *args, options) if router.routes else None
        queue = route.get("queue") if isinstance(route, dict) else route
    return str(getattr(queue, "name", queue) or app.conf.task_default_queue)


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
