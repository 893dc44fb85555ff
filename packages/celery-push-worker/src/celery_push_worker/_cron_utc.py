"""Converts the fields of a cron expression from a time zone to UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo

HOURS_PER_DAY = 24

YEARS_AHEAD = 10
"""A zone whose offset does not change for so long is taken to have only one."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class InexpressibleError(ValueError):
    """A timer cannot express the entry exactly; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronFields:
    """The values at which a cron expression fires; None means every value."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None = None
    months: frozenset[int] | None = None
    weekdays: frozenset[int] | None = None
    """Celery's numbers: 0 is Sunday."""

    @property
    def are_daily(self) -> bool:
        return not (self.days or self.months or self.weekdays)

    @property
    def are_hourly(self) -> bool:
        return self.are_daily and len(self.hours) == HOURS_PER_DAY


def shift_to_utc(fields: CronFields, zone: tzinfo) -> CronFields:
    """Return the fields that fire at the same moments, read in UTC.

    :raises InexpressibleError: no single expression does.
    """
    offsets = list_offsets(zone)
    if len(offsets) == 1:
        return shift(fields, offsets.pop())
    if fields.are_hourly and not any(offset % HOUR for offset in offsets):
        return fields
    raise InexpressibleError(
        f"the offset of time zone '{zone}' changes during the year, and a timer runs "
        "in UTC: give the hour in UTC, with 'timezone' set to UTC"
    )


def list_offsets(zone: tzinfo) -> set[timedelta]:
    today = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    days = (today + DAY * number for number in range(365 * YEARS_AHEAD))
    return {moment.astimezone(zone).utcoffset() or timedelta(0) for moment in days}


def shift(fields: CronFields, offset: timedelta) -> CronFields:
    """Move each hour and minute by the offset, perhaps to another day.

    Cron can express the result only if all of them land on the same day or every day is
    meant, and if each hour has the same minutes.
    """
    moved = [
        timedelta(hours=hour, minutes=minute) - offset
        for hour in fields.hours
        for minute in fields.minutes
    ]
    minutes, hours = split_moments(moved)
    fields = replace(fields, minutes=minutes, hours=hours)
    days = {moment // DAY for moment in moved}
    if days == {0} or fields.are_daily:
        return fields
    if len(days) == 1 and fields.weekdays and not (fields.days or fields.months):
        by = days.pop()
        weekdays = frozenset((day + by) % 7 for day in fields.weekdays)
        return replace(fields, weekdays=weekdays)
    raise InexpressibleError(
        "in UTC it falls on other days, which cron cannot express: give it in UTC, "
        "with 'timezone' set to UTC"
    )


def split_moments(moments: list[timedelta]) -> tuple[frozenset[int], frozenset[int]]:
    clock = [divmod(moment % DAY // timedelta(minutes=1), 60) for moment in moments]
    hours = frozenset(hour for hour, _ in clock)
    minutes = frozenset(minute for _, minute in clock)
    if len(set(clock)) != len(hours) * len(minutes):
        raise InexpressibleError(
            "in UTC its minutes differ from hour to hour: make an entry for each"
        )
    return minutes, hours
