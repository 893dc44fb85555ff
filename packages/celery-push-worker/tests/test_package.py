from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib

import celery_push_worker

ROOT = Path(__file__).parent.parent


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_the_public_names_are_these():
    assert set(celery_push_worker.__all__) == {
        "PushWorker",
        "__version__",
        "install",
        "mount",
    }
    for name in celery_push_worker.__all__:
        assert getattr(celery_push_worker, name)
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        celery_push_worker.other


def test_version_and_changelog_say_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert project["version"] == celery_push_worker.__version__
    assert re.search(rf"^## {re.escape(project['version'])}", changelog, re.MULTILINE)


def test_importing_the_package_loads_nothing():
    code = (
        "import sys, celery_push_worker\n"
        "print([m for m in sys.modules if 'celery.' in m or 'kombu' in m])"
    )

    assert run(code) == "[]\n"


def test_importing_the_worker_loads_no_sdk_and_of_django_nothing_that_celery_does_not():
    code = (
        "import sys, celery.worker.request; before = set(sys.modules)\n"
        "import celery_push_worker.worker\n"
        "print([m for m in sorted(set(sys.modules) - before) if m.split('.')[0] in"
        " ('django', 'boto3', 'botocore', 'asyncio', 'hypothesis')])"
    )
    assert run(code) == "[]\n"


def test_the_publisher_is_installed_by_its_import_and_by_nothing_else():
    code = (
        "from celery import Celery; early = Celery('a')\n"
        "import celery_push_worker\n"
        "before = Celery('b').amqp_cls, early.amqp_cls\n"
        "import celery_push_worker.publisher\n"
        "print(before, Celery('c').amqp_cls, early.amqp_cls)"
    )
    own, ours = "celery.app.amqp:AMQP", "celery_push_worker._amqp:PushAMQP"

    assert run(code) == f"('{own}', '{own}') {ours} {ours}\n"


def test_the_schedule_is_written_by_a_command(tmp_path):
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n"
        "from celery.schedules import crontab\n"
        "app = Celery('shop')\n"
        "@app.task\ndef tidy(number): ...\n"
        "app.conf.timezone = 'Europe/Moscow'\n"
        "app.conf.beat_schedule = {'Nightly': {'task': 'shop.tidy', 'args': [1],\n"
        "    'schedule': crontab(hour=6, minute=0)}}\n"
    )
    command = [sys.executable, "-m", "celery_push_worker", "schedule"]
    subprocess.run(
        [*command, "-A", "shop:app", "-o", "schedule.json"], cwd=tmp_path, check=True
    )

    assert json.loads((tmp_path / "schedule.json").read_text()) == {
        "version": 1,
        "timers": [
            {
                "name": "nightly",
                "cron": "0 3 * * ? *",
                "payload": '{"task": "shop.tidy", "entry": "Nightly", "args": [1]}',
            }
        ],
    }


@pytest.mark.parametrize(
    ("app", "part"),
    [
        ("", "'CELERY_APP' is not set"),
        ("nothing:app", "There is no Celery app at 'nothing:app'"),
        ("shop:app", "'a'"),
    ],
)
def test_a_schedule_that_cannot_be_written_is_told_on_standard_error(
    tmp_path, app, part
):
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n"
        "app = Celery('shop')\n"
        "app.conf.beat_schedule = {'a': {'task': 't', 'schedule': 5}}\n"
    )
    command = [sys.executable, "-m", "celery_push_worker", "schedule", "-A", app]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert part in ended.stderr
