"""``beat_schedule`` comes in, timers or refusals go out, all of them at once.

A timer runs by a cron expression in UTC, at best once a minute, and holds a text, from
which the worker publishes the task. What it cannot say exactly is refused by the
entry's name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ._cron import CannotSayError, plan_cron
from .exceptions import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from celery import Celery

__all__ = ["Timer", "export_schedule", "plan_timers"]

VERSION = 1
"""Of the file's format."""

MAX_PAYLOAD_CHARACTERS = 4_096
"""What a timer can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One entry of the file."""

    name: str
    """Lower-case letters, digits and hyphens; it ends the trigger's name."""
    cron: str
    """Minutes, hours, day of month, month, day of week, year; in UTC."""
    payload: str
    """What the worker publishes when the timer fires, as JSON."""


def export_schedule(app: Celery) -> str:
    """Return the text of the schedule file.

    :raises ScheduleError: with every entry that no timer can express.
    """
    timers = plan_timers(app.conf.beat_schedule or {}, app.timezone)
    entries = [
        {"name": timer.name, "cron": timer.cron, "payload": timer.payload}
        for timer in timers
    ]
    file = {"version": VERSION, "timers": entries}
    return json.dumps(file, indent=2, ensure_ascii=False) + "\n"


def plan_timers(beat_schedule: Mapping[str, Any], zone: tzinfo) -> list[Timer]:
    """Return a timer for each entry, ordered by name.

    :raises ScheduleError: with every entry that no timer can express.
    """
    timers: dict[str, Timer] = {}
    origins: dict[str, str] = {}
    problems = []
    for key, entry in beat_schedule.items():
        try:
            timer = plan_timer(str(key), entry, zone)
        except CannotSayError as exc:
            problems.append(f"'{key}': {exc}")
            continue
        if timer.name in timers:
            other = origins[timer.name]
            problems.append(f"'{key}': as a timer it has the name of '{other}'")
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
        raise CannotSayError("its name has no letter from a to z and no digit")
    return name


def render_payload(key: str, entry: Mapping[str, Any]) -> str:
    task = entry.get("task")
    if not isinstance(task, str) or not task:
        raise CannotSayError("it names no task")
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
        raise CannotSayError(f"its arguments or options are no JSON: {exc}") from exc
    if len(payload) > MAX_PAYLOAD_CHARACTERS:
        raise CannotSayError(
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
        raise CannotSayError(
            "its 'eta' or 'expires' is a fixed time, already over soon"
        )
    return seconds
