"""The project is any Django + Celery project: nothing in it is there for the cloud."""

import json
import subprocess
import sys

import pytest

from tests import PROJECT

OURS = ["sqs", "push_worker", "push-worker", "boto", "url_scheme", "dynamodb", "yandex"]
FILES = [
    *(file for folder in ["shop", "jobs"] for file in (PROJECT / folder).rglob("*.py")),
    *(PROJECT / name for name in ["manage.py", "Dockerfile", "requirements.txt", "constraints.txt"]),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_nothing_speaks_of_the_cloud(file):
    text = file.read_text().lower()
    assert [word for word in OURS if word in text] == []


def test_by_itself_it_is_a_project_over_redis():
    code = """
import json
from shop.celery import app
import shop.wsgi
print(json.dumps([app.conf.broker_url, app.conf.task_default_queue, app.conf.broker_transport_options]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={"DJANGO_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == ["redis://localhost", "celery", {}]
