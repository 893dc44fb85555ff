"""Django's own ``check --deploy`` of projects that do not know this package.

It is found by its entry point alone, as it lies on top of an image.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from celery_push_worker._awaited import find_awaited_in
from matrix.environments import PACKAGE, find_cache

DJANGOS = [version("django"), "4.2.26"]

MANAGE = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

APP = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")
app = Celery("bakery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""

TASKS = """
from celery import shared_task

@shared_task
def bake(loaves):
    return loaves

@shared_task(ignore_result=True)
def clean():
    return None
"""

SETTINGS = """
import os
SECRET_KEY = "x" * 60
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "bakery"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "bakery.urls"
CELERY_RESULT_BACKEND = "cache+memory://"
SILENCED_SYSTEM_CHECKS = []
BAKE = "bakery.tasks.bake"
MEMORY = "django.core.files.storage.InMemoryStorage"
"""

CLOUD = {"SQS_QUEUE": "http://localhost/1/tasks", "CELERY_BROKER_URL": "sqs://"}

MISTAKES = """
ALLOWED_HOSTS = ["bakery.example.com"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
MEDIA_ROOT = "/srv/media"
SECURE_SSL_REDIRECT = True
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "nightly": {"task": "bakery.tasks.nothing", "schedule": 3600.0},
}
CELERY_TASK_ROUTES = {"bakery.tasks.bake": {"queue": "ovens"}}
CELERY_TASK_ALWAYS_EAGER = True
"""

WAITS = """
def order(request):
    from bakery.tasks import clean
    return clean.delay().get(timeout=5)
"""


@pytest.fixture(scope="session", params=DJANGOS)
def django(request) -> list[str]:
    """What goes onto Python's path for that release."""
    if request.param == version("django"):
        return []
    folder = find_cache() / f"django-{request.param}"
    if not (folder / "done").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        wanted = ["--target", folder, f"django=={request.param}"]
        subprocess.run([*pip, *wanted], check=True)
        (folder / "done").touch()
    return [str(folder)]


class Project:
    def __init__(self, folder: Path, path: list[str]) -> None:
        self.folder = folder
        self.path = path
        self.write("manage.py", MANAGE)
        self.write("bakery/__init__.py", "from .app import app\n")
        self.write("bakery/app.py", APP)
        self.write("bakery/tasks.py", TASKS)
        self.write("bakery/urls.py", "urlpatterns = []\n")
        self.configure("")

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def configure(self, more: str) -> None:
        self.write("bakery/settings.py", SETTINGS + more)

    def run(self, *command: str, **environment: str) -> str:
        layer = [str(PACKAGE / "layer" / "own"), str(PACKAGE / "src")]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([*self.path, *layer]),
                "PYTHONDONTWRITEBYTECODE": "1",
                "DJANGO_SETTINGS_MODULE": "bakery.settings",
                "ALLOWED_HOSTS": ".apigw.yandexcloud.net",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def check(self, **environment: str) -> str:
        return self.run("manage.py", "check", "--deploy", **environment)

    def find(self, **environment: str) -> dict[str, list[str]]:
        """Return texts by id."""
        found: dict[str, list[str]] = {}
        command = ("-m", "celery_push_worker", "check", "--json")
        for line in self.run(*command, **environment).splitlines():
            one = json.loads(line)
            found.setdefault(one["id"].rpartition(".")[2], []).append(one["text"])
        return found


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, [])


def test_an_unchanged_project_is_shown_each_mistake_with_its_fix(tmp_path, django):
    project = Project(tmp_path, django)
    project.configure(MISTAKES)
    project.write("bakery/urls.py", WAITS + "urlpatterns = []\n")

    shown = project.check(**CLOUD)

    assert [
        f"W{n:03}" for n in range(1, 12) if f"push_worker.W{n:03}" not in shown
    ] == []
    assert shown.count("HINT: ") >= 11


def test_a_sound_project_has_no_finding(tmp_path, django):
    project = Project(tmp_path, django)

    assert "push_worker" not in project.check()
    assert project.find() == {}


def test_they_belong_to_deployment(project):
    project.configure(MISTAKES)

    assert "push_worker" not in project.run("manage.py", "check")


def test_a_check_is_silenced_as_usual(project):
    project.configure(MISTAKES + 'SILENCED_SYSTEM_CHECKS = ["push_worker.W001"]')

    shown = project.check()

    assert "push_worker.W001" not in shown
    assert "push_worker.W002" in shown
    assert "W001" not in project.find()


def test_the_line_in_installed_apps_registers_them_too(project):
    # A project whose site knows nothing of Celery.
    project.write("bakery/__init__.py", "")
    project.configure(MISTAKES)
    assert "push_worker.W001" not in project.check()

    project.configure(MISTAKES + 'INSTALLED_APPS.append("celery_push_worker")')

    assert project.check().count("(push_worker.W001)") == 1


def test_the_queue_of_the_environment_is_known(project):
    project.configure('CELERY_TASK_ROUTES = {"bakery.*": {"queue": "default"}}')

    assert project.find(**CLOUD) == {}


def test_queues_are_judged_by_those_of_the_stack(project):
    project.configure(
        'CELERY_TASK_ROUTES = {"bakery.*.bake": "ovens", "bakery.*.clean": "fast-lane"}'
    )
    ovens = json.dumps({"ovens": "http://localhost/1/tasks-ovens"})

    assert project.find() == {}
    assert list(project.find(**CLOUD)) == ["W008"]
    (text,) = project.find(**CLOUD, SQS_QUEUES=ovens)["W008"]
    assert text == (
        "Queue 'fast-lane' is used by task 'bakery.tasks.clean', and the stack has no "
        "queue of that name."
    )
    shown = project.check(**CLOUD, SQS_QUEUES=ovens)
    assert (
        "Add it to config.ts (queues: { \"fast-lane\": {} }), or use 'default' or "
        "'ovens'."
    ) in shown


def test_a_route_that_leads_nowhere_is_shown(project):
    project.configure(
        'CELERY_TASK_ROUTES = {"*.bake": {"exchange": "media", "routing_key": "x"}}'
    )

    (text,) = project.find(**CLOUD)["W008"]
    assert text == (
        "Task 'bakery.tasks.bake' is sent to exchange 'media' with routing key 'x', to "
        "which no queue is bound. Bind one in 'task_queues', or route the task by 'queue'."
    )


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ('ALLOWED_HOSTS = ["*"]', {}),
        ('DATABASES = {"default": {}, "old": {"ENGINE": "django.db.backends.sqlite3"}}',
         {"W001": "Database 'old' is SQLite"}),
        ('MEDIA_ROOT = "/srv"', {"W002": "Uploaded files are stored on the container's disk"}),
        ('MEDIA_ROOT = "/srv"\nSTORAGES = {"default": {"BACKEND": MEMORY}}', {}),
        ('SESSION_ENGINE = "django.contrib.sessions.backends.file"',
         {"W005": "Sessions are stored in files of the container"}),
        ('SESSION_ENGINE = "django.contrib.sessions.backends.cache"',
         {"W005": "Sessions are stored in cache 'default'"}),
        ('SESSION_ENGINE = "django.contrib.sessions.backends.cache"\nMIDDLEWARE = []', {}),
        ('CELERY_TASK_DEFAULT_QUEUE = "bread"', {}),
        ('CELERY_BROKER_TRANSPORT_OPTIONS = {"predefined_queues": {"bread": {}}}',
         {"W008": "Queue 'default' is used by task 'bakery.tasks.bake', "
                  "task 'bakery.tasks.clean'"}),
        ('CELERY_BEAT_SCHEDULE = {"a": {"task": BAKE, "options": {"queue": "slow"}}}',
         {"W008": "Queue 'slow' is used by entry 'a' of beat_schedule"}),
        ('CELERY_TASK_ROUTES = {"bakery.tasks.eat": {"queue": "celery"}}',
         {"W009": "task_routes names task 'bakery.tasks.eat'"}),
        ('CELERY_TASK_ROUTES = [lambda *a, **k: "slow"]',
         {"W008": "Queue 'slow' is used by"}),
        ("del CELERY_RESULT_BACKEND", {}),
    ],
)  # fmt: skip
def test_each_check_tells_what_it_means(project, settings, found):
    project.configure(settings)

    shown = project.find(**CLOUD)

    assert shown.keys() == found.keys()
    for name, beginning in found.items():
        assert shown[name][0].startswith(beginning)


def test_entries_without_a_timer_are_named_by_who_knows_the_timers(project):
    entry = '{"task": "bakery.tasks.bake", "schedule": 3600.0}'
    project.configure(f'CELERY_BEAT_SCHEDULE = {{"Each Hour": {entry}, "b": {entry}}}')

    assert project.find() == {}
    assert project.find(PUSH_WORKER_TIMERS="each-hour") == {
        "W007": ["Entry 'b' of beat_schedule has no timer: it never runs."]
    }


BEAT_APP = 'INSTALLED_APPS.append("django_celery_beat")\n'
BEAT = 'CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"\n'
ENTRY = 'CELERY_BEAT_SCHEDULE = {"a": {"task": BAKE, "schedule": 3600.0}}\n'
NOTHING_RUNS = (
    "beat_scheduler is 'django_celery_beat.schedulers:DatabaseScheduler', and"
)


@pytest.mark.parametrize(
    ("settings", "timers", "found"),
    [
        (BEAT_APP + BEAT + ENTRY, "shop-schedule", []),
        (BEAT_APP, "shop-schedule", []),
        (ENTRY, "shop-schedule", ['`schedule: "database"` in config.ts needs django-']),
        (BEAT_APP + BEAT, None, [NOTHING_RUNS]),
        (BEAT_APP + BEAT, "", [NOTHING_RUNS]),
        (BEAT_APP, None, []),
        (BEAT_APP, "shop-a", ["django_celery_beat is in INSTALLED_APPS, and the entr"]),
    ],
)
def test_tables_that_no_timer_asks_are_named(project, settings, timers, found):
    project.configure(settings)
    known = {} if timers is None else {"PUSH_WORKER_TIMERS": timers}

    shown = project.find(**known).get("W007", [])

    assert len(shown) == len(found)
    assert all(map(str.startswith, shown, found))


def test_a_wait_without_a_result_backend_is_named_by_its_line(project):
    project.configure("del CELERY_RESULT_BACKEND")
    project.write("bakery/urls.py", WAITS + "urlpatterns = []\n")

    (text,) = project.find()["W011"]

    assert text == (
        "The result of 'clean' is awaited (bakery.urls, line 4), but there is no result "
        "backend: the wait never ends."
    )


def test_file_fields_are_named(project):
    project.write(
        "bakery/models.py",
        "from django.db import models\n"
        "class Recipe(models.Model):\n"
        '    photo = models.ImageField(upload_to="p") if False else models.FileField()\n',
    )

    (text,) = project.find()["W002"]

    assert "by bakery.Recipe.photo:" in text


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("add.delay(1).get()", [(1, "add")]),
        ("tasks.add.apply_async((1,)).wait(timeout=3)", [(1, "add")]),
        ("def f():\n  r = add.delay(1)\n  return r.get()", [(3, "add")]),
        ("def f():\n  r = add.delay(1)\ndef g(r):\n  return r.get()", []),
        ("cache.get('x'); add.delay(1)", []),
        ("add.delay(1).id", []),
        ("not python (", []),
    ],
)
def test_waits_are_found_in_sources(source, found):
    assert list(find_awaited_in(source)) == found
