"""What a project's settings, logging and errors do to the start of the worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

CELERY = """
import os
from celery import Celery, signals
os.environ["DJANGO_SETTINGS_MODULE"] = "kiosk.settings"
app = Celery("kiosk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["kiosk"])
"""

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = []
CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "cache+memory://"
CELERY_TASK_DEFAULT_QUEUE = "default"
"""

TASKS = """
import logging
from celery import shared_task, signals
from celery.utils.log import get_task_logger

@shared_task(name="t.talk")
def talk():
    get_task_logger(__name__).info("by the tasks' logger")
    logging.getLogger("kiosk").warning("by another")
"""

RUN = """
import io, json, sys
from wsgiref.util import setup_testing_defaults
way = sys.argv[1]
if way == "wsgi":
    from celery_push_worker.wsgi import application
else:
    from kiosk.celery import app
    from django.core.wsgi import get_wsgi_application
    site = get_wsgi_application()
    from celery_push_worker import mount
    application = mount(site, "/worker/", app)
from kiosk.celery import app
from kiosk.tasks import talk
from celery_push_worker.testing import build_bodies, build_event
bodies = build_bodies(talk.s().set(task_id="talking"))
body = json.dumps(build_event(bodies)).encode()
environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/worker/",
    "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
setup_testing_defaults(environ)
application(environ, lambda *_: None)
"""


@pytest.fixture
def run(tmp_path):
    """Write the project, let it execute one task, and return how that ended."""
    (tmp_path / "kiosk").mkdir()

    def run(*, way="wsgi", settings="", tasks="", celery=""):
        for name, text in {
            "__init__": "",
            "celery": CELERY + celery,
            "settings": SETTINGS + settings,
            "tasks": TASKS + tasks,
        }.items():
            (tmp_path / "kiosk" / f"{name}.py").write_text(text)
        (tmp_path / "run.py").write_text(RUN)
        return subprocess.run(
            [sys.executable, "-W", "ignore", "run.py", way],
            cwd=tmp_path,
            env={**os.environ, "CELERY_APP": "kiosk.celery:app"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def read_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def find_verdicts(text):
    return [line for line in read_lines(text) if line.get("outcome")]


def test_a_missing_variable_is_named_once(run, tmp_path):
    ended = run(settings='import os\nTOKEN = os.environ["KIOSK_TOKEN"]\n')

    (line,) = read_lines(ended.stdout)
    line_number = len(SETTINGS.splitlines()) + 2
    assert (ended.returncode, ended.stderr) == (3, "")
    assert line["level"] == "FATAL"
    assert line["message"] == (
        "The worker cannot start. KeyError: 'KIOSK_TOKEN' in "
        f"{tmp_path}/kiosk/settings.py, line {line_number}. "
        "Set environment variable 'KIOSK_TOKEN'"
    )
    assert line["exception"].endswith("KeyError: 'KIOSK_TOKEN'")


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"tasks": "\nimport not_there_at_all\n"}, "ModuleNotFoundError: No module"),
        ({"tasks": "\nraise RuntimeError('no key')\n"}, "RuntimeError: no key in "),
        ({"celery": "\napp.nothing\n"}, "AttributeError: 'Celery' object has no"),
        ({"settings": "\nimport os\nos.nothing\n"}, "AttributeError: module 'os' has"),
        ({"settings": "\nif True\n"}, "SyntaxError: expected ':' in "),
    ],
)
def test_an_error_of_the_project_is_told_with_file_and_line(run, tmp_path, part, told):
    ended = run(**part)

    (line,) = read_lines(ended.stdout)
    (name,) = part
    assert ended.returncode == 3
    assert line["message"].startswith(f"The worker cannot start. {told}")
    assert f"{tmp_path}/kiosk/{name}.py, line " in line["message"]


LOGGING = """
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
    %s
}
"""


def test_the_projects_logging_silences_no_line_of_the_worker(run):
    ended = run(settings=LOGGING % "")

    (verdict,) = find_verdicts(ended.stdout)
    assert verdict["state"] == "SUCCESS"


def test_a_handler_that_the_worker_may_not_take_over_gets_the_line(run):
    ended = run(settings=LOGGING % "" + "CELERY_WORKER_HIJACK_ROOT_LOGGER = False\n")

    assert "t.talk[talking]: SUCCESS" in ended.stderr


@pytest.mark.parametrize("way", ["wsgi", "mount"])
def test_a_level_that_switches_the_line_off_is_told(run, way):
    own = '"loggers": {"celery_push_worker": {"level": "ERROR"}}'

    ended = run(way=way, settings=LOGGING % own)

    said = ended.stdout + ended.stderr
    assert said.count("logger 'celery_push_worker' has level ERROR") == 1


def test_a_mounted_worker_says_that_the_sites_level_is_too_high(run):
    ended = run(way="mount", settings=LOGGING % "")

    said = ended.stdout + ended.stderr
    assert said.count("logger 'root' has level ERROR") == 1


def test_a_mounted_worker_writes_to_the_sites_handlers(run):
    ended = run(way="mount", settings=(LOGGING % "").replace("ERROR", "INFO"))

    assert "t.talk[talking]: SUCCESS" in ended.stderr
    assert ended.stdout == ""


def test_lines_inside_a_task_tell_its_id_and_name(run):
    ended = run()

    lines = [line for line in read_lines(ended.stdout) if "by " in line["message"]]
    assert [(x["message"], x["task_id"], x["task_name"]) for x in lines] == [
        ("by the tasks' logger", "talking", "t.talk"),
        ("by another", "talking", "t.talk"),
    ]


RECEIVERS = """
from celery.app.log import TaskFormatter

@signals.after_setup_task_logger.connect
def set_up(logger, loglevel, logfile, format, colorize, **_):
    assert (logger.name, loglevel, logfile) == ("celery.task", logging.INFO, None)
    assert "%(task_name)s" in format
    for handler in logger.handlers:
        handler.setFormatter(TaskFormatter("MINE %(task_name)s[%(task_id)s] %(message)s"))
"""


def test_the_project_may_set_up_the_loggers_of_tasks(run):
    ended = run(tasks=RECEIVERS)

    assert "MINE t.talk[talking] by the tasks' logger" in ended.stdout
    assert len(find_verdicts(ended.stdout)) == 1


OWN_SETUP = """
@signals.setup_logging.connect
def set_up(loglevel, logfile, format, colorize, **_):
    logging.basicConfig(level=loglevel, format="OWN " + format, force=True)
"""


def test_logging_that_a_module_of_tasks_sets_up_is_the_projects(run):
    ended = run(tasks=OWN_SETUP)

    assert ended.stdout == ""
    assert "t.talk[talking]: SUCCESS" in ended.stderr
    assert all(line.startswith("OWN ") for line in ended.stderr.splitlines())
