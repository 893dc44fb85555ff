from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import BaseSchedule, crontab, schedule

from celery_push_worker.exceptions import ScheduleError
from celery_push_worker.schedule import plan_timers

UTC = timezone.utc


class Sunset(BaseSchedule):
    """Stands for Celery's own ``solar``, which needs another package to be made."""


MOSCOW = ZoneInfo("Europe/Moscow")  # Always 3 hours ahead.
BERLIN = ZoneInfo("Europe/Berlin")  # One or two.
KOLKATA = ZoneInfo("Asia/Kolkata")  # Always 5:30 ahead.


def cron(when, zone=UTC):
    (timer,) = plan_timers({"entry": {"task": "t.add", "schedule": when}}, zone)
    return timer.cron


def refusal(when, zone=UTC, **entry):
    with pytest.raises(ScheduleError) as caught:
        plan_timers({"Nightly": {"task": "t.add", "schedule": when, **entry}}, zone)
    (problem,) = caught.value.problems
    assert problem.startswith("'Nightly': ")
    return problem


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (crontab(), "* * * * ? *"),
        (crontab(hour=3, minute=0), "0 3 * * ? *"),
        (crontab(minute="*/15"), "*/15 * * * ? *"),
        (crontab(minute="5-8", hour="*/6"), "5-8 */6 * * ? *"),
        (crontab(minute="1,31", hour="8-17"), "1,31 8-17 * * ? *"),
        (crontab(minute=0, hour=0, day_of_week="sun"), "0 0 ? * SUN *"),
        (crontab(minute=0, hour=0, day_of_week=0), "0 0 ? * SUN *"),
        (crontab(minute=0, hour=0, day_of_week=6), "0 0 ? * SAT *"),
        (
            crontab(minute=0, hour=7, day_of_week="mon-fri"),
            "0 7 ? * MON,TUE,WED,THU,FRI *",
        ),
        (crontab(minute=0, hour=0, day_of_month=1), "0 0 1 * ? *"),
        (
            crontab(minute=0, hour=0, day_of_month="1,15", month_of_year="*/3"),
            "0 0 1,15 */3 ? *",
        ),
        (crontab(minute=0, hour=0, month_of_year=12), "0 0 * 12 ? *"),
        (crontab(minute="1-59/2", hour="9-17/4"), "1-59/2 9-17/4 * * ? *"),
    ],
)
def test_a_crontab_is_said_in_the_timers_dialect(when, expected):
    assert cron(when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (timedelta(minutes=1), "* * * * ? *"),
        (timedelta(minutes=20), "*/20 * * * ? *"),
        (timedelta(minutes=30), "0,30 * * * ? *"),
        (timedelta(hours=1), "0 * * * ? *"),
        (timedelta(hours=8), "0 */8 * * ? *"),
        (timedelta(hours=12), "0 0,12 * * ? *"),
        (timedelta(days=1), "0 0 * * ? *"),
        (3600, "0 * * * ? *"),
        (300.0, "*/5 * * * ? *"),
        (schedule(timedelta(minutes=10)), "*/10 * * * ? *"),
    ],
)
def test_an_interval_that_divides_an_hour_or_a_day_is_exact(when, expected):
    assert cron(when) == expected


@pytest.mark.parametrize(
    ("when", "part"),
    [
        (30, "whole minutes"),
        (90.5, "whole minutes"),
        (0, "whole minutes"),
        (timedelta(minutes=7), "evenly"),
        (timedelta(minutes=90), "evenly"),
        (timedelta(hours=5), "evenly"),
        (timedelta(days=2), "evenly"),
        (Sunset(), "'Sunset'"),
        (None, "no schedule"),
        (
            crontab(
                minute="1,2,4,8,9,10,12,13,15,17,18,20,22,23,25,27,28,30,32,33,35,37,39,40,43"
                ",44,46,48,50,51,53",
                hour="1,2,4,5,7",
            ),
            "characters",
        ),
        (crontab(minute=0, day_of_month=1, day_of_week=1), "not both"),
        (crontab(nowfun=datetime.now), "nowfun"),
    ],
)
def test_what_cron_cannot_say_is_refused_by_the_entrys_name(when, part):
    assert part in refusal(when)


@pytest.mark.parametrize(
    ("when", "zone", "expected"),
    [
        (crontab(hour=3, minute=0), MOSCOW, "0 0 * * ? *"),
        (crontab(hour=1, minute=0), MOSCOW, "0 22 * * ? *"),
        (crontab(hour="0-5", minute=0), MOSCOW, "0 0-2,21-23 * * ? *"),
        (crontab(hour=1, minute=0, day_of_week="mon"), MOSCOW, "0 22 ? * SUN *"),
        (crontab(hour=9, minute=0, day_of_month=1), MOSCOW, "0 6 1 * ? *"),
        (crontab(hour=9, minute=0, month_of_year=5), MOSCOW, "0 6 * 5 ? *"),
        (crontab(hour=9, minute=15), KOLKATA, "45 3 * * ? *"),
        (crontab(minute="*/30"), KOLKATA, "0,30 * * * ? *"),
        (crontab(minute=0), BERLIN, "0 * * * ? *"),
        (timedelta(hours=8), BERLIN, "0 */8 * * ? *"),
    ],
)
def test_a_zone_is_turned_into_utc_where_that_is_exact(when, zone, expected):
    if expected == "0 0-2,21-23 * * ? *":
        expected = "0 0,1,2,21,22,23 * * ? *"
    assert cron(when, zone) == expected


@pytest.mark.parametrize(
    ("when", "zone", "part"),
    [
        (crontab(hour=3, minute=0), BERLIN, "changes during the year"),
        (crontab(minute=0, day_of_week=1), BERLIN, "changes during the year"),
        (crontab(hour=1, minute=0, day_of_month=1), MOSCOW, "other days"),
        (crontab(hour=1, minute=0, month_of_year=5), MOSCOW, "other days"),
        (crontab(hour="1,9", minute=0, day_of_week=1), MOSCOW, "other days"),
        (crontab(hour="9", minute="0,45"), KOLKATA, "differ from hour to hour"),
    ],
)
def test_a_zone_is_refused_where_utc_is_not_exact(when, zone, part):
    assert part in refusal(when, zone)


def fires(when, zone, moment):
    local = moment.astimezone(zone)
    return (
        local.minute in when.minute
        and local.hour in when.hour
        and local.day in when.day_of_month
        and local.month in when.month_of_year
        and local.isoweekday() % 7 in when.day_of_week
    )


def matches(expression, moment):
    names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
    values = [moment.minute, moment.hour, moment.day, moment.month]
    *fields, weekday, _year = expression.split()
    ok = all(f == "?" or v in expand(f) for f, v in zip(fields, values, strict=True))
    return ok and (weekday == "?" or names[moment.isoweekday() % 7] in weekday)


def expand(field):
    if field == "*":
        return range(100)
    if field.startswith("*/"):
        return {n for n in range(100) if n % int(field[2:]) == 0}
    assert "/" not in field
    parts = (p.split("-") for p in field.split(","))
    return {n for p in parts for n in range(int(p[0]), int(p[-1]) + 1)}


@pytest.mark.parametrize(
    ("when", "zone"),
    [
        (crontab(hour="0-5", minute="*/20"), MOSCOW),
        (crontab(hour="1", minute="7", day_of_week="mon,thu"), MOSCOW),
        (crontab(hour="22-23", minute=30), KOLKATA),
        (crontab(minute="10,50"), BERLIN),
    ],
)
def test_the_timer_fires_exactly_when_beat_would(when, zone):
    expression = cron(when, zone)
    start = datetime(2026, 3, 27, tzinfo=UTC)  # Berlin's clocks change on the 29th.

    for number in range(5 * 24 * 60):
        moment = start + timedelta(minutes=number)
        assert matches(expression, moment) == fires(when, zone, moment), moment


def test_the_payload_names_the_task_and_its_options():
    entry = {
        "task": "t.add",
        "schedule": crontab(),
        "args": (1, 2),
        "kwargs": {"z": "ю"},
        "options": {"queue": "default", "expires": timedelta(minutes=1)},
    }
    (timer,) = plan_timers({"Add two": entry}, UTC)

    assert timer.name == "add-two"
    assert json.loads(timer.payload) == {
        "task": "t.add",
        "entry": "Add two",
        "args": [1, 2],
        "kwargs": {"z": "ю"},
        "options": {"queue": "default", "expires": 60.0},
    }


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"args": (object(),)}, "not JSON"),
        ({"args": (float("nan"),)}, "not JSON"),
        ({"args": ("x" * 4100,)}, "4096"),
        ({"options": {"eta": 1}}, "fixed time"),
        ({"options": {"expires": datetime(2030, 1, 1, tzinfo=UTC)}}, "fixed time"),
        ({"task": ""}, "does not name a task"),
    ],
)
def test_a_message_that_no_timer_can_hold_is_refused(entry, part):
    assert part in refusal(crontab(), **entry)


def test_every_problem_is_told_at_once():
    entries = {
        "a b": {"task": "t", "schedule": crontab()},
        "A-B": {"task": "t", "schedule": crontab()},
        "ночь": {"task": "t", "schedule": crontab()},
        "c": {"task": "t", "schedule": 1},
    }
    with pytest.raises(ScheduleError) as caught:
        plan_timers(entries, UTC)

    assert [p.partition(":")[0] for p in caught.value.problems] == [
        "'A-B'",
        "'ночь'",
        "'c'",
    ]
