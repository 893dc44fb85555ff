"""Every test reads the settings in a process of its own, as the containers do."""

import json
import subprocess
import sys

import pytest

from tests import PROJECT

DEPLOYED = {
    "DJANGO_SECRET_KEY": "k5PzV0n3jXq8LwTt7RbYc2MhGd9FsAe4UoWi6NxJvQyZpBlKrH",
    "ALLOWED_HOSTS": "album.example.com,.apigw.yandexcloud.net",
    "DATABASE_URL": "postgresql://album@c-c9q.rw.mdb.yandexcloud.net:6432/album",
    "PGPASSWORD": "secret",
    "AWS_STORAGE_BUCKET_NAME": "album-media",
    "AWS_ENDPOINT_URL_S3": "https://storage.yandexcloud.net",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "ru-central1",
    "CELERY_APP": "album.celery:app",
    "CELERY_BROKER_URL": "sqs://message-queue.api.cloud.yandex.net:443",
    "CELERY_RESULT_BACKEND": "cache+memory://",
    "SQS_QUEUE": "https://message-queue.api.cloud.yandex.net/b1g/dj6/album-tasks",
    "SQS_QUEUES": '{"heavy": "https://message-queue.api.cloud.yandex.net/b1g/dj6/album-tasks-heavy"}',
}
OWN_MACHINE = {"DJANGO_DEBUG": "1"}


def run(*command, env):
    process = [sys.executable, *command]
    return subprocess.run(process, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


SETUP = """
import django, json
django.setup()
from django.conf import settings
from django.core.files.storage import default_storage
from album import celery_app
"""


def evaluate(expression, env):
    env = {**env, "DJANGO_SETTINGS_MODULE": "album.settings"}
    result = run("-c", f"{SETUP}print(json.dumps({expression}))", env=env)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def settings(names, env):
    return evaluate(f"[{', '.join(f'settings.{name}' for name in names)}]", env)


def test_deployment_check_is_clean():
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", env=DEPLOYED)
    assert result.returncode == 0, result.stderr
    assert "no issues (1 silenced)" in result.stdout


def test_a_deployed_site_does_not_debug_and_keeps_cookies_to_https():
    names = ["DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
    hosts = ["album.example.com", ".apigw.yandexcloud.net"]
    assert settings(names, DEPLOYED) == [False, hosts, True, True]


def test_a_run_on_ones_own_machine_needs_one_variable():
    names = ["DEBUG", "SESSION_COOKIE_SECURE", "DATABASES['default']['NAME']"]
    assert settings(names, OWN_MACHINE) == [True, False, "album"]


@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
def test_a_missing_variable_is_named(name):
    result = run("manage.py", "check", env={key: value for key, value in DEPLOYED.items() if key != name})
    assert result.returncode != 0
    assert f"{name} is not set. Set it, or DJANGO_DEBUG=1" in result.stderr


def test_the_database_is_the_environments_and_the_password_is_left_to_libpq():
    names = [f"DATABASES['default']['{name}']" for name in ["ENGINE", "HOST", "PORT", "PASSWORD", "CONN_MAX_AGE"]]
    host = "c-c9q.rw.mdb.yandexcloud.net"
    assert settings(names, DEPLOYED) == ["django.db.backends.postgresql", host, 6432, "", 0]


def test_uploads_are_read_by_signed_links_to_the_bucket():
    url = "default_storage.url('originals/a.jpg')"
    link = evaluate(url, DEPLOYED)
    assert link.startswith("https://storage.yandexcloud.net/album-media/originals/a.jpg?X-Amz-Algorithm=")
    assert "X-Amz-Signature=" in link
    assert evaluate(url, OWN_MACHINE) == "/media/originals/a.jpg"


def test_thumbnails_have_a_queue_of_their_own():
    routes = (
        "[celery_app.amqp.router.route({}, f'photos.tasks.{it}')['queue'].name for it in ['make_thumbnail', 'tidy']]"
    )
    assert evaluate(routes, OWN_MACHINE) == ["heavy", "celery"]


def test_static_files_get_names_that_may_be_cached_for_ever(tmp_path):
    env = {**DEPLOYED, "DJANGO_SETTINGS_MODULE": "album.settings"}
    code = f"""
from album import settings
settings.STATIC_ROOT = {str(tmp_path)!r}
import django
django.setup()
from django.core.management import call_command
call_command("collectstatic", verbosity=0, interactive=False)
"""
    result = run("-c", code, env=env)
    assert result.returncode == 0, result.stderr
    names = {file.name for file in (tmp_path / "photos").iterdir()}
    assert {"page.js", "page.css"} < names
    assert len([name for name in names if name.startswith("page.") and name.endswith(".js.gz")]) == 2
