"""Each run is published once, whatever fails, and whoever else is asked."""

from __future__ import annotations

import pytest

from .conftest import NOON, every, minutes

OVERTAKEN = "periodic.overtaken:OvertakenScheduler"


@pytest.fixture
def overtaken(make_site):
    """The entries of a worker that something overtakes, which a test sets."""
    from periodic.overtaken import Overtaken

    yield Overtaken
    Overtaken.other = None


@pytest.fixture
def broker(tmp_path):
    """The settings of a broker that is a folder, and what takes it away and back."""
    for name in ("queue", "processed", "control"):
        (tmp_path / name).mkdir()
    queue = tmp_path / "queue"

    def switch(*, on):
        queue.rename(tmp_path / "gone") if not on else (tmp_path / "gone").rename(queue)

    options = {"data_folder_in": queue, "data_folder_out": queue}
    options |= {f"{name}_folder": tmp_path / name for name in ("processed", "control")}
    conf = {
        "broker_url": "filesystem://",
        "broker_transport_options": {k: str(v) for k, v in options.items()},
        "task_publish_retry": False,
    }
    return conf, switch


def test_of_two_workers_at_once_one_publishes(make_site, overtaken):
    site = make_site(beat_scheduler=OVERTAKEN)
    site.add("a")
    site.add("b", one_off=True, last=NOON - minutes(5))
    other = make_site()
    overtaken.other = other.fire

    assert site.run() == ["a", "b"]
    assert overtaken.other is None
    assert [row.total_run_count for row in site.table.filter(task="t.quiet")] == [1, 1]


def test_a_task_disabled_at_that_moment_is_not_published(make_site, overtaken):
    site = make_site(beat_scheduler=OVERTAKEN)
    site.add("a")

    def disable():
        row = site.row("a")
        row.enabled = False
        row.save()

    overtaken.other = disable

    assert site.run() == []


def test_without_a_broker_nothing_counts_and_the_next_minute_does_it(make_site, broker):
    conf, switch = broker
    site = make_site(**conf)
    site.add("a", count=3)
    site.add("b")
    switch(on=False)

    response = site.fire()
    row = site.row("a")
    switch(on=True)

    assert (response.status, response.json["messages"][0]["reason"]) == (
        503,
        "broker_failed",
    )
    assert (row.last_run_at, row.total_run_count) == (None, 3)
    assert site.run(NOON + minutes(1)) == ["a", "b"]
    assert site.row("a").total_run_count == 4


def test_a_run_whose_claim_is_lost_is_published_again_with_the_same_id(
    make_site, overtaken
):
    from django.db import OperationalError

    site = make_site(beat_scheduler=OVERTAKEN)
    site.add("a", task="t.add", args="[1, 2]")
    overtaken.lost = [OperationalError("the connection is gone")]

    assert site.fire().status == 503
    assert site.fire(NOON + minutes(1)).status == 200
    bodies = site.world.take()
    site.world.handle(*bodies)

    assert len(bodies) == 2
    assert site.world.runs == [("add", 1, 2)]
    assert site.row("a").total_run_count == 1


@pytest.mark.parametrize("conf", [{"beat_sync_every": 1}, {}])
def test_beats_own_writing_does_not_lose_the_claim(make_site, conf):
    site = make_site(**conf)
    site.add("a")
    site.add("b")

    assert site.run() == ["a", "b"]
    assert site.run() == []


def test_what_can_never_be_published_counts_and_holds_up_nothing(site, caplog):
    caplog.set_level("INFO")
    site.add("bad", task="t.add", args="[]")
    site.add("good", last=NOON - minutes(1))

    assert site.run() == ["good"]
    assert site.run() == []
    assert site.row("bad").total_run_count == 1
    lines = [r.fields for r in caplog.records if hasattr(r, "fields")]
    told = [(f.get("entry"), f.get("outcome"), f.get("problem")) for f in lines]
    assert told == [
        ("bad", "dead", "add() missing 2 required positional arguments: 'x' and 'y'"),
        ("good", "done", None),
    ]


def test_a_task_that_nobody_knows_is_published_as_by_beat(site):
    site.add("a", task="elsewhere.run")

    assert site.run() == ["a"]


@pytest.mark.parametrize(
    "broken", [{"args": "["}, {"kwargs": "{"}, {"headers": "{"}], ids=str
)
def test_a_row_that_cannot_be_read_holds_up_nothing(site, broken):
    site.table.filter(pk=site.add("bad")).update(**broken)
    site.add("good")

    assert site.run() == ["good"]
    assert site.row("bad").total_run_count == 0


def test_without_its_table_the_timer_is_told_to_come_back(site, caplog):
    from django.db import connection

    site.add("a")
    rename = "ALTER TABLE {} RENAME TO {}"
    names = ["django_celery_beat_periodictask", "elsewhere"]
    with connection.cursor() as cursor:
        cursor.execute(rename.format(*names))
    try:
        response = site.fire()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format(*reversed(names)))

    assert (response.status, response.json["messages"][0]["reason"]) == (
        503,
        "database_failed",
    )
    assert "Has `migrate` been run?" in caplog.text
    assert site.run(NOON + minutes(1)) == ["a"]


def test_a_database_that_fails_between_two_tasks_ends_the_run(make_site, overtaken):
    from django.db import OperationalError

    def fail():
        raise OperationalError("gone")

    site = make_site(beat_scheduler=OVERTAKEN)
    site.add("a")
    site.add("b")
    overtaken.other = fail

    assert site.fire().json["messages"][0]["reason"] == "database_failed"
    assert site.take() == []
    assert site.run(NOON + minutes(1)) == ["a", "b"]


def test_connections_are_new_and_closed_afterwards(site):
    from django.db import connection

    site.add("a")
    assert site.run() == ["a"]
    connection.ensure_connection()
    connection.connection.close()  # As a server does that waits too long.

    assert site.run(NOON + minutes(1)) == ["a"]
    assert connection.connection is None


def test_without_django_celery_beat_the_fix_is_said(site, caplog):
    from django.test import override_settings

    with override_settings(INSTALLED_APPS=[]):
        response = site.fire()

    assert (response.status, response.json["messages"][0]["reason"]) == (
        500,
        "no_scheduler",
    )
    assert (
        '`schedule: "database"` in config.ts needs django-celery-beat. Add it to the '
        "image's requirements and 'django_celery_beat' to INSTALLED_APPS, and run "
        "`manage.py migrate`"
    ) in caplog.text


@pytest.mark.parametrize(
    "scheduler",
    [
        OVERTAKEN,
        "django",
        "django_celery_beat.schedulers:DatabaseScheduler",
        "celery.beat:PersistentScheduler",
    ],
)
def test_the_apps_scheduler_is_asked_if_it_reads_the_tables(make_site, scheduler):
    from celery_push_worker._periodic import find_scheduler

    app = make_site(beat_scheduler=scheduler).world.app
    own = scheduler == OVERTAKEN

    name = "OvertakenScheduler" if own else "DatabaseScheduler"
    assert find_scheduler(app).__name__ == name


def test_entries_of_the_settings_are_written_once_as_at_beats_start(make_site):
    entry = {"task": "t.quiet", "schedule": 60, "kwargs": {"word": "code"}}
    site = make_site(beat_schedule={"code": entry})
    site.fire()
    site.table.filter(name="code").update(last_run_at=NOON - minutes(5))
    row = site.row("code")
    row.kwargs = '{"word": "admin"}'
    row.interval = every(2, "minutes")
    row.save()

    assert site.fire().status == 200
    (message,) = site.take()

    assert message.kwargs == {"word": "admin"}
    make_site(beat_schedule={"code": entry}).fire()
    assert site.row("code").kwargs == '{"word": "code"}'


def test_a_worker_without_the_timer_writes_nothing(site):
    site.world.post(site.world.tasks.add.s(1, 1))

    assert site.table.count() == 0
