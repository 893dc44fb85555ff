"""A timer's cron expression, in Yandex's dialect: six fields, days of the week by name.

https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_PER_DAY = 24

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""By Celery's numbers. Names, because the dialect counts from 1."""


class InexpressibleError(ValueError):
    """A timer cannot do exactly what the entry says; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronFields:
    """The values at which a cron expression fires; None stands for every value."""

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
        return render_steps(ordered, step, first, last)
    return ",".join(map(str, ordered))


def render_steps(ordered: list[int], step: int, first: int, last: int) -> str:
    if step == 1:
        return f"{ordered[0]}-{ordered[-1]}"
    if ordered[0] == first and ordered[-1] + step > last:
        return f"*/{step}"
    return f"{ordered[0]}-{ordered[-1]}/{step}"
