"""Converts a schedule of Celery's to a cron expression in UTC, in Yandex's dialect.

A schedule that cron cannot express exactly is an error: an approximation would run at
the wrong time, and nobody would know.
https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta, tzinfo
from typing import Any

from celery.schedules import crontab, maybe_schedule, schedule

from ._cron_utc import HOURS_PER_DAY, CronFields, InexpressibleError, shift_to_utc
from ._platform import MAX_CRON_CHARACTERS

MINUTES_PER_HOUR = 60

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""By Celery's numbers. Names, because Yandex's dialect counts from 1."""


def plan_cron(when: Any, zone: tzinfo) -> str:
    """Return the expression that fires when the schedule is due.

    :param when: a ``crontab``, a ``schedule``, a ``timedelta`` or seconds.
    :param zone: the app's time zone, in which a ``crontab`` is meant.
    :raises InexpressibleError: there is none.
    """
    cron = render_cron(plan_fields(when, zone))
    if len(cron) > MAX_CRON_CHARACTERS:
        raise InexpressibleError(
            f"its cron expression has {len(cron)} characters, and a timer takes "
            f"{MAX_CRON_CHARACTERS}: split it into several entries"
        )
    return cron


def plan_fields(when: Any, zone: tzinfo) -> CronFields:
    if when is None:
        raise InexpressibleError("it has no schedule")
    when = maybe_schedule(when)
    if getattr(when, "nowfun", None) is not None:
        raise InexpressibleError("a timer has no 'nowfun'")
    if isinstance(when, crontab):
        return shift_to_utc(read_crontab(when), zone)
    if type(when) is schedule:
        return plan_interval(when.run_every)  # type: ignore[attr-defined]  # missing in the stubs
    kind = type(when).__name__
    raise InexpressibleError(f"a timer cannot run a schedule of type '{kind}'")


def read_crontab(when: Any) -> CronFields:
    fields = CronFields(
        minutes=frozenset(when.minute),
        hours=frozenset(when.hour),
        days=narrow(when.day_of_month, 31),
        months=narrow(when.month_of_year, 12),
        weekdays=narrow(when.day_of_week, 7),
    )
    if fields.days is not None and fields.weekdays is not None:
        raise InexpressibleError(
            "a timer takes a day of month or a day of week, not both: make two entries"
        )
    return fields


def narrow(values: Iterable[int], count: int) -> frozenset[int] | None:
    found = frozenset(values)
    return None if len(found) == count else found


def plan_interval(every: timedelta) -> CronFields:
    # An interval is the same in every zone.
    minutes, rest = divmod(every, timedelta(minutes=1))
    if rest or minutes < 1:
        raise InexpressibleError(f"a timer fires at whole minutes (got every {every})")
    if minutes < MINUTES_PER_HOUR and MINUTES_PER_HOUR % minutes == 0:
        return CronFields(
            minutes=frozenset(range(0, MINUTES_PER_HOUR, minutes)),
            hours=frozenset(range(HOURS_PER_DAY)),
        )
    hours, rest_minutes = divmod(minutes, MINUTES_PER_HOUR)
    if rest_minutes or HOURS_PER_DAY % hours:
        raise InexpressibleError(f"{every} divides neither an hour nor a day evenly")
    return CronFields(
        minutes=frozenset({0}), hours=frozenset(range(0, HOURS_PER_DAY, hours))
    )


def render_cron(fields: CronFields) -> str:
    """Return the expression; one of the two days is always ``?``."""
    days, weekdays = render_values(fields.days, 1, 31), "?"
    if fields.weekdays is not None:
        days, weekdays = "?", ",".join(WEEKDAYS[day] for day in sorted(fields.weekdays))
    return " ".join(
        [
            render_values(fields.minutes, 0, 59),
            render_values(fields.hours, 0, 23),
            days,
            render_values(fields.months, 1, 12),
            weekdays,
            "*",
        ]
    )


def render_values(values: frozenset[int] | None, first: int, last: int) -> str:
    if values is None or len(values) == last - first + 1:
        return "*"
    ordered = sorted(values)
    step = ordered[1] - ordered[0] if len(ordered) > 2 else 0  # noqa: PLR2004  two values are a list
    if step and ordered == list(range(ordered[0], ordered[-1] + 1, step)):
        span = f"{ordered[0]}-{ordered[-1]}"
        if step == 1:
            return span
        is_whole = ordered[0] == first and ordered[-1] + step > last
        return f"{'*' if is_whole else span}/{step}"
    return ",".join(map(str, ordered))
