"""The same tables, once by beat's own service and once by the timer: the same is sent."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from .conftest import at, cron, every

KEPT_HEADERS = ("task", "periodic_task_name", "tenant", "celery_beat_task", "timelimit")


def run_beat(site):
    from celery.beat import Service

    name = "django_celery_beat.schedulers:DatabaseScheduler"
    for _ in range(2):  # The second disables what has had its only run.
        service = Service(site.world.app, scheduler_cls=name)
        while service.scheduler.tick() == 0:
            pass  # Each call sends one task.
        service.sync()


def run_timer(site):
    now = datetime.now(timezone.utc)
    for minute in (now - timedelta(minutes=1), now):
        assert site.fire(minute, late=0).status == 200


def fill(site, now):
    """Add a task of each kind. None is so nearly due that time would tell."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    due = (now - hour).astimezone(ZoneInfo("Europe/Moscow")).hour
    hourly = every(1, "hours")
    ago = {"changed": now - 9 * day}

    def add(name, last=now - 2 * day, **fields):
        site.add(name, last=last, **ago, **fields)

    add("interval", interval=hourly, task="t.add", args="[1, 2]")
    add("interval, run lately", interval=hourly, last=now - hour / 2)
    add("never run", interval=hourly, last=None)
    add("named", interval=hourly, kwargs='{"word": "seven"}')
    add("crontab", crontab=cron(minute=0, hour=due, timezone="Europe/Moscow"))
    add("crontab, far", crontab=cron(month_of_year=now.month % 12 + 1, day_of_month=28))
    add("clocked", clocked=at(now - hour), one_off=True)
    add("clocked, later", clocked=at(now + day), one_off=True)
    add("one-off", interval=hourly, one_off=True, count=0)
    add("one-off, done", interval=hourly, one_off=True, count=1)
    add("started", interval=every(99, "days"), start_time=now - hour, last=None)
    add("not started", interval=hourly, start_time=now + day)
    add("expired", interval=hourly, expires=now - hour)
    add("expires", interval=hourly, expires=now + day)
    add("expires in", interval=hourly, expire_seconds=600)
    add("disabled", interval=hourly, enabled=False)
    add("routed", interval=hourly, queue="default", priority=4)
    add("headers", interval=hourly, headers='{"tenant": "a"}')
    add("unknown", interval=hourly, task="elsewhere.run")
    add("refused", interval=hourly, task="t.add")
    add("broken", interval=hourly, args="[")


def observe(site):
    """Return what was sent, and what the tables say then."""
    sent = {}
    for message in site.take():
        headers = {name: message.headers.get(name) for name in KEPT_HEADERS}
        properties = dict(message.properties)
        for name in ("correlation_id", "reply_to", "delivery_tag", "expiration"):
            properties.pop(name, None)
        name = headers["periodic_task_name"]
        assert name not in sent
        expires = message.headers["expires"]
        sent[name] = [headers, message.args, message.kwargs, properties, bool(expires)]
    rows = {
        row.name: (row.enabled, row.total_run_count, row.last_run_at is not None)
        for row in site.table.all()
    }
    return sent, rows


@pytest.mark.parametrize("conf", [{}, {"timezone": "Europe/Moscow"}], ids=str)
def test_the_timer_sends_and_notes_what_beat_does(make_site, conf):
    now = datetime.now(timezone.utc)
    seen = []
    for run in (run_beat, run_timer):
        site = make_site(
            **conf, beat_schedule={"of code": {"task": "t.quiet", "schedule": 1e6}}
        )
        site.table.all().delete()
        fill(site, now)
        run(site)
        seen.append(observe(site))
    (by_beat, beats_rows), (by_timer, timers_rows) = seen

    assert by_timer == by_beat
    assert timers_rows == beats_rows
    assert set(by_beat) == {
        "interval", "never run", "named", "crontab", "clocked", "one-off", "started",
        "expires", "expires in", "routed", "headers", "unknown",
    }  # fmt: skip
