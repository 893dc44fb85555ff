"""Django under the worker, in a process of its own."""

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


def test_a_connection_is_closed_after_its_task(tmp_path):
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "site_app.py").write_text(SITE)

    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(RUN)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.stdout, ended.returncode) == ("closed\n", 0), ended.stderr
