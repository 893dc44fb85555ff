"""A schedule of Celery's comes in, a cron expression in UTC goes out, or a refusal.

What cron cannot say exactly is refused: a schedule that is almost right would run at
the wrong time, and nobody would be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from celery.schedules import crontab, maybe_schedule, schedule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

__all__ = ["CannotSayError", "plan_cron"]

MAX_CHARACTERS = 100
"""Of an expression."""

YEARS_AHEAD = 10
"""A zone whose offset stays the same for so long is taken for one that has only one."""

MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
DAY = timedelta(days=1)

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""By Celery's numbers. Names, because the dialect counts from 1."""


class CannotSayError(ValueError):
    """Cron cannot say the schedule exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The values at which a cron expression fires; None stands for every value."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None = None
    months: frozenset[int] | None = None
    weekdays: frozenset[int] | None = None


def plan_cron(when: Any, zone: tzinfo) -> str:
    """Return the expression that fires when the schedule is due.

    :raises CannotSayError: there is none.
    """
    cron = render_cron(plan_fields(when, zone))
    if len(cron) > MAX_CHARACTERS:
        raise CannotSayError(
            f"its expression has {len(cron)} characters, and a timer takes "
            f"{MAX_CHARACTERS}: make several entries"
        )
    return cron


def plan_fields(when: Any, zone: tzinfo) -> Fields:
    if when is None:
        raise CannotSayError("it has no schedule")
    when = maybe_schedule(when)
    if getattr(when, "nowfun", None) is not None:
        raise CannotSayError("its 'nowfun' has no place in a timer")
    if isinstance(when, crontab):
        return shift_to_utc(read_crontab(when), zone)
    if type(when) is schedule:
        return plan_interval(when.run_every)  # type: ignore[attr-defined]  # missing in the stubs
    kind = type(when).__name__
    raise CannotSayError(f"a timer knows no schedule of the kind '{kind}'")


def read_crontab(when: Any) -> Fields:
    fields = Fields(
        minutes=frozenset(when.minute),
        hours=frozenset(when.hour),
        days=narrow(when.day_of_month, 31),
        months=narrow(when.month_of_year, 12),
        weekdays=narrow(when.day_of_week, 7),
    )
    if fields.days is not None and fields.weekdays is not None:
        raise CannotSayError(
            "a timer takes a day of month or a day of week, not both: make two entries"
        )
    return fields


def narrow(values: Iterable[int], count: int) -> frozenset[int] | None:
    found = frozenset(values)
    return None if len(found) == count else found


def plan_interval(every: timedelta) -> Fields:
    # An interval is the same in every zone.
    minutes, rest = divmod(every, timedelta(minutes=1))
    if rest or minutes < 1:
        raise CannotSayError(f"a timer fires at whole minutes (got every {every})")
    if minutes < MINUTES_PER_HOUR and MINUTES_PER_HOUR % minutes == 0:
        return Fields(
            minutes=frozenset(range(0, MINUTES_PER_HOUR, minutes)),
            hours=frozenset(range(HOURS_PER_DAY)),
        )
    hours, rest_minutes = divmod(minutes, MINUTES_PER_HOUR)
    if rest_minutes or HOURS_PER_DAY % hours:
        raise CannotSayError(f"{every} divides neither an hour nor a day evenly")
    return Fields(
        minutes=frozenset({0}), hours=frozenset(range(0, HOURS_PER_DAY, hours))
    )


# The zone.


def shift_to_utc(fields: Fields, zone: tzinfo) -> Fields:
    offset = find_offset(zone)
    if offset is None:
        if runs_every_hour(fields) and has_whole_hours(zone):
            return fields
        raise CannotSayError(
            f"the offset of time zone '{zone}' changes during the year, and a timer "
            "knows UTC only: give the hour in UTC, with 'timezone' set to UTC"
        )
    return shift(fields, offset)


def runs_every_hour(fields: Fields) -> bool:
    every = len(fields.hours) == HOURS_PER_DAY
    return every and not (fields.days or fields.months or fields.weekdays)


def list_offsets(zone: tzinfo) -> set[timedelta]:
    today = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    days = (today + DAY * number for number in range(365 * YEARS_AHEAD))
    return {moment.astimezone(zone).utcoffset() or timedelta(0) for moment in days}


def find_offset(zone: tzinfo) -> timedelta | None:
    """Return the zone's offset, None when it changes."""
    offsets = list_offsets(zone)
    return offsets.pop() if len(offsets) == 1 else None


def has_whole_hours(zone: tzinfo) -> bool:
    return not any(offset % timedelta(hours=1) for offset in list_offsets(zone))


def shift(fields: Fields, offset: timedelta) -> Fields:
    """Return the same moments in UTC.

    Each hour and minute moves by the offset, and may land on another day; cron can say
    the result only when all of them land on the same day, or when every day is meant,
    and when the minutes are the same in each hour.
    """
    moved = [
        timedelta(hours=hour, minutes=minute) - offset
        for hour in fields.hours
        for minute in fields.minutes
    ]
    days = {moment // DAY for moment in moved}
    minutes, hours = split_moments(moved)
    if fields.days is fields.months is fields.weekdays is None or days == {0}:
        return Fields(
            minutes=minutes,
            hours=hours,
            days=fields.days,
            months=fields.months,
            weekdays=fields.weekdays,
        )
    if fields.days is None and fields.months is None and len(days) == 1:
        return Fields(
            minutes=minutes,
            hours=hours,
            weekdays=shift_weekdays(fields.weekdays or frozenset(), days.pop()),
        )
    raise CannotSayError(
        "in UTC it falls on other days, which cron cannot say: give it in UTC, with "
        "'timezone' set to UTC"
    )


def split_moments(moments: list[timedelta]) -> tuple[frozenset[int], frozenset[int]]:
    clock = [divmod(moment % DAY // timedelta(minutes=1), 60) for moment in moments]
    hours = frozenset(hour for hour, _ in clock)
    minutes = frozenset(minute for _, minute in clock)
    if len(set(clock)) != len(hours) * len(minutes):
        raise CannotSayError(
            "in UTC its minutes differ from hour to hour: make an entry for each"
        )
    return minutes, hours


def shift_weekdays(weekdays: frozenset[int], by: int) -> frozenset[int]:
    return frozenset((day + by) % 7 for day in weekdays)


# The dialect.


def render_cron(fields: Fields) -> str:
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
        return render_steps(ordered, step, first, last)
    return ",".join(map(str, ordered))


def render_steps(ordered: list[int], step: int, first: int, last: int) -> str:
    if step == 1:
        return f"{ordered[0]}-{ordered[-1]}"
    if ordered[0] == first and ordered[-1] + step > last:
        return f"*/{step}"
    return f"{ordered[0]}-{ordered[-1]}/{step}"
