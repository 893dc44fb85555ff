"""Django under the worker, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}}
INSTALLED_APPS = ["celery_push_worker"]
CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "cache+memory://"
CELERY_PUSH_WORKER_JSON_LOGS = False
"""

SITE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from celery import Celery
app = Celery("site")
app.config_from_object("django.conf:settings", namespace="CELERY")

@app.task(name="t.query")
def query():
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        return connection.connection is not None
"""

RUN = """
from site_app import app, query
from celery_push_worker.testing import post
from django.db import connection

verdicts = post(app, query.s().set(task_id="q"))
assert [v.state for v in verdicts] == ["SUCCESS"], verdicts
assert app.AsyncResult("q").get() is True
assert connection.connection is None
assert app.amqp_cls == "celery_push_worker._amqp:PushAMQP"
print("closed")
"""


VIEWS = """
from site_app import app
urlpatterns = []

@app.task(name="t.beside_a_view")
def beside_a_view():
    return "run"
"""

RUN_TASK_OF_VIEWS = """
from celery import signature
from celery_push_worker.testing import post
from site_app import app

(verdict,) = post(app, signature("t.beside_a_view", app=app).set(task_id="v"))
print(verdict.state)
"""


def run(folder, script):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def write_site(folder, *settings):
    (folder / "settings.py").write_text("\n".join([SETTINGS, *settings]))
    (folder / "site_app.py").write_text(SITE)
    (folder / "urls.py").write_text(VIEWS)


def test_a_connection_is_closed_after_its_task(tmp_path):
    write_site(tmp_path)

    ended = run(tmp_path, RUN)

    assert (ended.stdout, ended.returncode) == ("closed\n", 0), ended.stderr


def test_a_task_that_only_the_views_define_is_known(tmp_path):
    write_site(tmp_path, 'ROOT_URLCONF = "urls"')

    ended = run(tmp_path, RUN_TASK_OF_VIEWS)

    assert (ended.stdout, ended.returncode) == ("SUCCESS\n", 0), ended.stderr
