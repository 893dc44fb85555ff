"""``python -m celery_push_worker schedule``, run as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent.parent / "src"

APP = """
from celery import Celery
from celery.schedules import crontab

app = Celery("shop", broker="sqs://")

@app.task
def add(x, y): ...

@app.task(queue="slow")
def crawl(): ...

HOURLY = crontab(minute=0)
"""


@pytest.fixture
def export(tmp_path):
    """Run the command in a folder with this module; return status, timers and words."""

    def run(code, **environment):
        (tmp_path / "shop.py").write_text(APP + textwrap.dedent(code))
        path = os.pathsep.join([str(SRC), *sys.path])
        command = [sys.executable, "-m", "celery_push_worker", "schedule"]
        done = subprocess.run(
            [*command, "-A", "shop:app", "-o", "timers.json"],
            check=False,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
        )
        file = tmp_path / "timers.json"
        timers = json.loads(file.read_text())["timers"] if file.exists() else None
        return done.returncode, timers and [t["name"] for t in timers], done.stderr

    return run


@pytest.mark.parametrize("signal", ["on_after_configure", "on_after_finalize"])
def test_entries_that_are_added_when_the_app_is_ready_are_exported(export, signal):
    status, timers, words = export(
        f"""
        app.conf.beat_schedule = {{
            "static": {{"task": "shop.add", "schedule": HOURLY, "args": (1, 2)}}
        }}

        @app.{signal}.connect
        def setup(sender, **_):
            sender.add_periodic_task(HOURLY, add.s(3, 4), name="added")
        """
    )

    assert (status, timers, words) == (0, ["added", "static"], "")


def test_entries_that_a_workers_start_adds_are_exported(export):
    status, timers, _ = export(
        """
        from celery.signals import import_modules

        @import_modules.connect
        def setup(sender, **_):
            app.add_periodic_task(HOURLY, add.s(3, 4), name="added")
        """
    )

    assert (status, timers) == (0, ["added"])


def test_unknown_tasks_and_queues_are_named_all_at_once(export):
    status, timers, words = export(
        """
        app.conf.broker_transport_options = {
            "predefined_queues": {"celery": {"url": "https://x"}}
        }
        app.conf.task_routes = {"shop.add": {"queue": "fast"}}
        app.conf.beat_schedule = {
            "one": {"task": "shop.ad", "schedule": HOURLY},
            "two": {"task": "elsewhere.do", "schedule": HOURLY},
            "three": {"task": "shop.add", "schedule": HOURLY},
            "four": {"task": "shop.crawl", "schedule": HOURLY},
            "five": {
                "task": "shop.add", "schedule": HOURLY, "options": {"queue": "celery"}
            },
            "six": {
                "task": "shop.add", "schedule": HOURLY, "options": {"queue": "nope"}
            },
            "seven": {
                "task": "shop.add", "schedule": 7, "options": {"queue": "celery"}
            },
        }
        """
    )

    assert (status, timers) == (1, None)
    assert words.splitlines() == [
        "'seven': a timer fires at whole minutes (got every 0:00:07)",
        "'one': no task 'shop.ad' is registered; did you mean 'shop.add'?",
        "'two': no task 'elsewhere.do' is registered",
        *(
            f"'{entry}': Task '{task}' is sent to queue '{queue}', which does not exist "
            f"(known: 'celery'). Add it to config.ts (queues: {{ {queue}: {{}} }}), or "
            f"remove '{queue}' from the task's route, 'task_routes', the call's 'queue=' "
            "or 'task_default_queue'."
            for entry, task, queue in [
                ("three", "shop.add", "fast"),
                ("four", "shop.crawl", "slow"),
                ("six", "shop.add", "nope"),
            ]
        ),
    ]


def test_queues_are_not_judged_where_nothing_says_which_there_are(export):
    status, timers, _ = export(
        """
        app.conf.beat_schedule = {"one": {"task": "shop.crawl", "schedule": HOURLY}}
        """
    )

    assert (status, timers) == (0, ["one"])


def test_a_route_that_leads_nowhere_is_named(export):
    status, _, words = export(
        """
        app.conf.broker_transport_options = {
            "predefined_queues": {"celery": {"url": "https://x"}}
        }
        app.conf.task_create_missing_queues = False
        app.conf.beat_schedule = {
            "one": {"task": "shop.crawl", "schedule": HOURLY},
            "two": {
                "task": "shop.add",
                "schedule": HOURLY,
                "options": {"exchange": "media", "routing_key": "video"},
            },
        }
        """
    )

    assert status == 1
    one, two = words.splitlines()
    assert one == "'one': Queue 'slow' missing from task_queues"
    assert two == (
        "'two': Task 'shop.add' is sent to exchange 'media' with routing key 'video', to "
        "which no queue is bound. Bind one in 'task_queues', or route the task by 'queue'."
    )


def test_queues_that_the_transport_or_the_project_knows_are_accepted(export):
    status, timers, words = export(
        """
        app.conf.broker_transport_options = {
            "predefined_queues": {"slow": {"url": "https://x"}, "celery": {"url": "y"}}
        }
        app.conf.beat_schedule = {
            "one": {"task": "shop.crawl", "schedule": HOURLY},
            "two": {"task": "shop.add", "schedule": HOURLY, "args": (1, 2)},
        }
        """
    )

    assert (status, timers, words) == (0, ["one", "two"], "")


def test_an_empty_schedule_is_refused_with_the_way_out(export):
    status, timers, words = export("")

    assert (status, timers) == (1, None)
    assert "'beat_schedule' has no entries" in words
    assert "config.ts" in words


@pytest.mark.parametrize(
    "scheduler",
    ["django_celery_beat.schedulers:DatabaseScheduler", "redbeat.RedBeatScheduler"],
)
def test_a_scheduler_that_keeps_entries_elsewhere_is_refused(export, scheduler):
    status, timers, words = export(
        f"""
        app.conf.beat_scheduler = "{scheduler}"
        app.conf.beat_schedule = {{"one": {{"task": "shop.add", "schedule": HOURLY}}}}
        """
    )

    assert (status, timers) == (1, None)
    assert words == (
        f"'beat_scheduler' is '{scheduler}', whose entries cannot be exported. If they "
        'are in django-celery-beat\'s tables, set `schedule: "database"` in config.ts. '
        "Otherwise move them to 'beat_schedule', and remove 'beat_scheduler'\n"
    )


@pytest.mark.parametrize("name", ["celery.beat:Scheduler", "celery.beat.Scheduler"])
def test_celerys_own_schedulers_are_seen_into(export, name):
    status, timers, _ = export(
        f"""
        app.conf.beat_scheduler = "{name}"
        app.conf.beat_schedule = {{
            "one": {{"task": "shop.add", "schedule": HOURLY, "args": (1, 2)}}
        }}
        """
    )

    assert (status, timers) == (0, ["one"])


def test_a_database_of_entries_beside_the_schedule_is_warned_of(export, tmp_path):
    (tmp_path / "django_celery_beat").mkdir()
    (tmp_path / "django_celery_beat" / "__init__.py").touch()
    (tmp_path / "settings.py").write_text(
        'SECRET_KEY = "x"\nINSTALLED_APPS = ["django_celery_beat"]\n'
    )
    status, timers, words = export(
        """
        app.conf.beat_schedule = {
            "one": {"task": "shop.add", "schedule": HOURLY, "args": (1, 2)}
        }
        """,
        DJANGO_SETTINGS_MODULE="settings",
    )

    assert (status, timers) == (0, ["one"])
    assert words == (
        "'django_celery_beat' is in INSTALLED_APPS: entries in its tables get no timer. "
        'For these, set `schedule: "database"` in config.ts; entries of '
        "'beat_schedule' are run from there, too\n"
    )


def test_tasks_that_a_sites_views_define_are_known(export, tmp_path):
    (tmp_path / "settings.py").write_text(
        'SECRET_KEY = "x"\nROOT_URLCONF = "urls"\nINSTALLED_APPS = []\n'
    )
    (tmp_path / "urls.py").write_text(
        "from shop import app\nurlpatterns = []\n"
        "@app.task(name='views.tidy')\ndef tidy(): ...\n"
    )
    status, timers, words = export(
        """
        app.conf.beat_schedule = {"one": {"task": "views.tidy", "schedule": HOURLY}}
        """,
        DJANGO_SETTINGS_MODULE="settings",
    )

    assert (status, timers, words) == (0, ["one"], "")
