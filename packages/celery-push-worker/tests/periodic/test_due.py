"""What is due at a timer's minute, and how it is published."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from .conftest import NOON, at, cron, every, minutes

UTC = timezone.utc
DAY = timedelta(days=1)


def utc(text):
    return datetime.fromisoformat(f"{text}+00:00")


def test_a_task_is_published_with_what_its_row_says(site):
    site.add(
        "sums",
        task="t.add",
        args="[1]",
        kwargs='{"y": 2}',
        headers='{"tenant": "a"}',
        priority=3,
        exchange="default",
        routing_key="default",
        expire_seconds=600,
    )

    assert site.fire().status == 200
    (message,) = site.take()

    assert (message.args, message.kwargs) == ([1], {"y": 2})
    assert message.headers["task"] == "t.add"
    assert message.headers["tenant"] == "a"
    assert message.headers["periodic_task_name"] == "sums"
    expires = datetime.fromisoformat(message.headers["expires"])
    assert timedelta(0) < expires - datetime.now(UTC) <= timedelta(seconds=600)
    assert message.properties["priority"] == 3
    assert message.properties["delivery_info"]["exchange"] == "default"


def test_a_task_goes_to_the_queue_of_its_row(site):
    site.add("here", queue="default")
    site.add("there", queue="other")

    assert site.run() == ["here"]
    assert site.row("there").total_run_count == 1


def test_a_run_is_noted_as_by_beat(site):
    site.add("a", count=7)
    changed = site.row("a").date_changed

    site.run()
    row = site.row("a")

    assert (row.last_run_at, row.total_run_count) == (NOON, 8)
    assert row.date_changed == changed


@pytest.mark.parametrize(
    ("last", "minute", "due"),
    [
        (NOON - minutes(10), NOON, True),
        (NOON - minutes(9), NOON, False),
        (NOON - minutes(10) + timedelta(seconds=30), NOON, False),
        (NOON - 3 * DAY, NOON, True),
        (NOON, NOON, False),
        (NOON + minutes(1), NOON, False),
    ],
)
def test_an_interval_counts_from_the_last_run(site, last, minute, due):
    site.add("a", interval=every(10, "minutes"), last=last)

    assert site.run(minute) == (["a"] if due else [])


def test_an_interval_without_a_run_counts_from_the_change(site):
    site.add("a", interval=every(10, "minutes"), changed=NOON)

    assert site.run(NOON + minutes(9)) == []
    assert site.run(NOON + minutes(10)) == ["a"]


def test_so_does_one_of_a_django_celery_beat_before_2_8(site, monkeypatch):
    from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

    class Before(ModelEntry):
        def __init__(self, model, app=None) -> None:
            # It did not look at the change.
            model.date_changed = None
            super().__init__(model, app)

    monkeypatch.setattr(DatabaseScheduler, "Entry", Before)
    site.add("interval", interval=every(10, "minutes"), changed=NOON)
    site.add("crontab", crontab=cron(minute="10"), changed=NOON)
    site.add("start", interval=every(30, "days"), start_time=NOON, changed=NOON)

    assert site.run(NOON + minutes(9)) == ["start"]
    assert site.run(NOON + minutes(10)) == ["interval", "crontab"]


@pytest.mark.parametrize(
    ("line", "last", "minute", "due"),
    [
        ("0 12 * * * UTC", "2026-01-04 12:00", "2026-01-05 12:00", True),
        ("1 12 * * * UTC", "2026-01-04 12:01", "2026-01-05 12:00", False),
        ("0 12 * * * UTC", "2026-01-05 12:00", "2026-01-05 12:01", False),
        # Missed, by a minute and by days.
        ("59 11 * * * UTC", "2026-01-04 11:59", "2026-01-05 12:00", True),
        ("0 3 * * * UTC", "2025-12-27 03:00", "2026-01-05 12:00", True),
        # Mondays, Tuesdays.
        ("* * * * 1 UTC", "2026-01-05 11:59", "2026-01-05 12:00", True),
        ("* * * * 2 UTC", "2026-01-05 11:59", "2026-01-05 12:00", False),
        # 12:00 in UTC is 13:00 in Berlin's winter, and 14:00 in its summer.
        ("0 13 * * * Europe/Berlin", "2026-01-04 12:00", "2026-01-05 12:00", True),
        ("0 14 * * * Europe/Berlin", "2026-01-04 13:00", "2026-01-05 12:00", False),
        ("0 14 * * * Europe/Berlin", "2026-07-04 12:00", "2026-07-05 12:00", True),
        # The last day of winter's time, and the first of summer's: 23 hours.
        ("30 4 * * * Europe/Berlin", "2026-03-28 03:30", "2026-03-29 02:29", False),
        ("30 4 * * * Europe/Berlin", "2026-03-28 03:30", "2026-03-29 02:30", True),
    ],
)
def test_a_crontab_is_meant_in_its_own_zone(site, line, last, minute, due):
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    crontab = cron(**dict(zip((*names, "timezone"), line.split(), strict=True)))
    site.add("a", crontab=crontab, last=utc(last))

    assert site.run(utc(minute)) == (["a"] if due else [])


def test_the_apps_time_zone_changes_nothing(make_site):
    site = make_site(timezone="Asia/Kolkata")
    site.add("utc", crontab=cron(minute="0", hour="12"), last=NOON - DAY)
    site.add(
        "later", crontab=cron(minute="30", hour="12"), last=NOON - DAY + minutes(30)
    )
    site.add("interval", interval=every(1, "days"), last=NOON - DAY)

    assert site.run() == ["utc", "interval"]
    assert site.row("utc").last_run_at == NOON


def test_without_time_zones_times_are_stored_as_by_beat(site):
    from django.test import override_settings

    naive = NOON.replace(tzinfo=None)
    with override_settings(USE_TZ=False, DJANGO_CELERY_BEAT_TZ_AWARE=False):
        site.add("a", changed=naive - minutes(5), start_time=naive)

        assert site.run(NOON - minutes(1)) == []
        assert [site.run(NOON), site.run(NOON)] == [["a"], []]
        assert site.row("a").last_run_at == naive
        assert site.run(NOON + minutes(1)) == ["a"]


def test_a_sunrise_is_met_in_its_minute(site):
    from django_celery_beat.models import SolarSchedule

    row, _ = SolarSchedule.objects.get_or_create(
        event="sunrise", latitude=59.94, longitude=30.31
    )
    site.add("a", solar=row, last=NOON - DAY, changed=NOON - 2 * DAY)
    night = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)

    assert site.run(night) == []
    assert site.run(night + minutes(60)) == ["a"]
    assert site.run(night + minutes(61)) == []


def test_a_clocked_task_runs_once_at_its_minute(site):
    site.add("a", clocked=at(NOON + timedelta(seconds=30)), one_off=True)

    assert site.run(NOON) == []
    assert site.run(NOON + minutes(1)) == ["a"]
    assert site.run(NOON + minutes(2)) == []
    assert (site.row("a").enabled, site.row("a").total_run_count) == (False, 0)


def test_a_one_off_task_is_disabled_after_its_run(site):
    site.add("a", one_off=True)

    assert [site.run(NOON + minutes(n)) for n in range(3)] == [["a"], [], []]
    assert site.row("a").enabled is False


def test_a_task_enabled_again_is_another_run_with_another_id(site):
    site.add("a", one_off=True)
    assert site.fire(NOON).status == 200
    (first,) = site.take()
    site.run(NOON + minutes(1))
    pk = site.row("a").pk
    site.table.filter(pk=pk).update(enabled=True, date_changed=NOON + minutes(5))

    assert site.fire(NOON + minutes(9)).status == 200
    (second,) = site.take()

    assert first.headers["id"] != second.headers["id"]


def test_a_task_waits_for_its_start_and_then_runs_at_once(site):
    month = every(30, "days")
    site.add("a", interval=month, start_time=NOON, changed=NOON - minutes(5))

    assert site.run(NOON - minutes(1)) == []
    assert site.run(NOON) == ["a"]
    assert site.run(NOON + minutes(1)) == []


def test_an_expired_task_is_disabled(site):
    site.add("a", expires=NOON + minutes(1))

    assert site.run(NOON) == ["a"]
    assert site.run(NOON + minutes(1)) == []
    assert site.row("a").enabled is False


def test_what_is_edited_in_the_admin_counts_in_the_next_minute(site):
    site.add("a", crontab=cron(minute="0", hour="3"), last=NOON - minutes(9 * 60))
    assert site.run(NOON) == []

    row = site.row("a")
    row.crontab = cron(minute="1", hour="12")
    row.kwargs = '{"word": "new"}'
    row.save()
    assert site.fire(NOON + minutes(1)).status == 200
    (message,) = site.take()
    row = site.row("a")
    row.enabled = False
    row.save()

    assert message.kwargs == {"word": "new"}
    assert site.run(NOON + minutes(2) + DAY) == []


def test_a_task_of_each_minute_runs_in_each_though_calls_come_unevenly(site):
    site.add("a")
    lateness = [0.9, 0.1, 3.5, 0.0, 58.9, -0.4]

    runs = [
        site.run(NOON + minutes(number), late=late)
        for number, late in enumerate(lateness)
    ]

    assert runs == [["a"]] * 6


def test_missed_minutes_are_made_up_for_once(site):
    site.add("interval", last=NOON)
    site.add("crontab", crontab=cron(minute="*/5"), last=NOON)

    assert site.run(NOON + minutes(47)) == ["interval", "crontab"]
    assert site.run(NOON + minutes(48)) == ["interval"]


def test_a_late_or_repeated_call_sends_nothing_again(site):
    site.add("a")
    site.add("b", interval=every(2, "minutes"))

    assert site.run(NOON) == ["a", "b"]
    assert site.run(NOON) == []
    assert site.run(NOON + minutes(1)) == ["a"]
    assert site.run(NOON) == []
    # Another minute's call does what a lost one has left.
    assert site.run(NOON + minutes(3)) == ["a", "b"]
    assert site.run(NOON + minutes(2)) == []


def test_a_time_in_the_future_is_not_believed(site):
    site.add("a")
    future = datetime.now(UTC).replace(second=0, microsecond=0) + 365 * DAY

    site.run(future)

    assert site.row("a").last_run_at <= datetime.now(UTC) + timedelta(seconds=1)


def test_shorter_intervals_become_minutes_and_the_log_says_it_once(site, caplog):
    site.add("fast", interval=every(10, "seconds"))
    site.add("odd", interval=every(90, "seconds"))
    site.add("even", interval=every(120, "seconds"))

    runs = [site.run(NOON + minutes(number)) for number in range(5)]

    assert runs == [
        ["fast", "odd", "even"],
        ["fast"],
        ["fast", "odd", "even"],
        ["fast"],
        ["fast", "odd", "even"],
    ]
    told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert told == [
        f"Periodic task '{name}' is set to run every {is_set}. The timer fires once a "
        f"minute: it runs every {becomes}"
        for name, is_set, becomes in [
            ("fast", "0:00:10", "0:01:00"),
            ("odd", "0:01:30", "0:02:00"),
        ]
    ]
