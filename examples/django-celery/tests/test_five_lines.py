"""What the README says about the difference from a plain Django + Celery project."""

import shutil
import subprocess
import sys

import pytest

from tests.stand_ins import PROJECT

DIFF = (PROJECT / "five-lines.diff").read_text()


@pytest.fixture
def plain(tmp_path):
    """The project without the five lines."""
    copy = shutil.copytree(PROJECT, tmp_path / "plain", ignore=shutil.ignore_patterns("tests", "__pycache__", ".*"))
    subprocess.run(["git", "apply", "--reverse", "five-lines.diff"], cwd=copy, check=True)
    return copy


def test_there_are_five():
    added = [line[1:] for line in DIFF.splitlines() if line.startswith("+") and not line.startswith("+++")]
    code = [line for line in added if line.strip() and not line.strip().startswith("#")]
    assert len(code) == 5, code


def test_the_readme_shows_them():
    assert f"```diff\n{DIFF}```\n" in (PROJECT / "README.md").read_text()


def test_without_them_nothing_speaks_of_the_cloud(plain):
    code = "\n".join(
        file.read_text().lower() for folder in ["shop", "jobs"] for file in (plain / folder).rglob("*.py")
    )
    assert [word for word in ["sqs", "push_worker", "boto", "url_scheme", "dynamodb"] if word in code] == []


def test_without_them_it_is_a_django_project_over_redis(plain):
    code = "from shop.celery import app; print(app.conf.broker_url, app.conf.task_default_queue, len(app.tasks) > 6)"
    for command in (["manage.py", "check"], ["-c", f"{code}; import shop.wsgi"]):
        result = subprocess.run(
            [sys.executable, *command],
            cwd=plain,
            env={"DJANGO_DEBUG": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "redis://localhost celery True"
