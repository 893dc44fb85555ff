from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime, timedelta, timezone

import pytest

from support.site import set_up_django
from support.world import World

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)
"""A Monday in the past: a time in the future would be taken for the present."""

AN_HOUR_BEFORE = NOON - timedelta(hours=1)

PAYLOAD = '{"schedule":"database"}'


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Site:
    """A worker, the tables, and the timer that fires each minute."""

    def __init__(self, **conf) -> None:
        self.world = World(**conf)

    @property
    def table(self):
        from django_celery_beat.models import PeriodicTask

        return PeriodicTask.objects

    def add(self, name, *, changed=AN_HOUR_BEFORE, last=None, count=0, **fields):
        """Add a task as the admin does, once upon a time. Default: each minute."""
        if not {"interval", "crontab", "solar", "clocked"} & fields.keys():
            fields["interval"] = every(1, "minutes")
        row = self.table.create(**{"name": name, "task": "t.quiet", **fields})
        self.table.filter(pk=row.pk).update(
            date_changed=changed, last_run_at=last, total_run_count=count
        )
        return row.pk

    def row(self, name):
        return self.table.get(name=name)

    def fire(self, minute=NOON, *, late=0.2, event_id="e1"):
        """Fire the timer of this minute, whose event is made so many seconds later."""
        made = (minute + timedelta(seconds=late)).isoformat().replace("+00:00", "Z")
        event = {
            "event_metadata": {"event_id": event_id, "created_at": made},
            "details": {"trigger_id": "t", "payload": PAYLOAD},
        }
        return self.world.post_raw(json.dumps({"messages": [event]}).encode())

    def take(self):
        """Take what was published: for each its headers, arguments and properties."""
        return [Message(json.loads(body)) for body in self.world.take()]

    def names(self):
        messages = self.take()
        assert len({message.headers["id"] for message in messages}) == len(messages)
        return [message.headers["periodic_task_name"] for message in messages]

    def run(self, minute=NOON, **options):
        """Fire the timer, and return the names of the tasks that it published."""
        assert self.fire(minute, **options).status == 200
        return self.names()


class Message:
    def __init__(self, raw) -> None:
        self.headers = raw["headers"]
        self.properties = raw["properties"]
        self.args, self.kwargs, _ = json.loads(b64decode(raw["body"]))


def every(count, period):
    from django_celery_beat.models import IntervalSchedule

    return IntervalSchedule.objects.get_or_create(every=count, period=period)[0]


def cron(**fields):
    from django_celery_beat.models import CrontabSchedule

    return CrontabSchedule.objects.get_or_create(**fields)[0]


def at(moment):
    from django_celery_beat.models import ClockedSchedule

    return ClockedSchedule.objects.get_or_create(clocked_time=moment)[0]


@pytest.fixture
def make_site():
    set_up_django()
    from django.db import connections
    from django_celery_beat import models

    for model in (
        models.PeriodicTask,
        models.IntervalSchedule,
        models.CrontabSchedule,
        models.SolarSchedule,
        models.ClockedSchedule,
    ):
        model.objects.all().delete()
    yield Site
    connections.close_all()


@pytest.fixture
def site(make_site):
    return make_site()
