"""Every test reads the settings in a process of its own, as the containers do."""

import json
import subprocess
import sys

import pytest

from tests import PROJECT

DEPLOYED = {
    "DJANGO_SECRET_KEY": "k5PzV0n3jXq8LwTt7RbYc2MhGd9FsAe4UoWi6NxJvQyZpBlKrH",
    "ALLOWED_HOSTS": "shop.example.com,.apigw.yandexcloud.net",
    "CELERY_APP": "shop.celery:app",
    "CELERY_BROKER_URL": "sqs://message-queue.api.cloud.yandex.net:443",
    "CELERY_RESULT_BACKEND": "dynamodb://@ru-central1/celery?ttl_seconds=86400",
    "SQS_QUEUE": "https://message-queue.api.cloud.yandex.net/b1g/dj6/shop-tasks",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "ru-central1",
    "AWS_ENDPOINT_URL_SQS": "https://message-queue.api.cloud.yandex.net",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://docapi.serverless.yandexcloud.net/ru-central1/b1g/etn",
}


def run(*command, env):
    process = [sys.executable, *command]
    return subprocess.run(process, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


def settings(env, *names):
    code = f"import json; from shop import settings as s; print(json.dumps([getattr(s, n) for n in {names!r}]))"
    result = run("-c", code, env=env)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_deployment_check_is_clean():
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", env=DEPLOYED)
    assert result.returncode == 0, result.stderr
    assert "no issues (1 silenced)" in result.stdout


def test_a_deployed_site_does_not_debug_and_keeps_cookies_to_https():
    names = ["DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECRET_KEY"]
    hosts = ["shop.example.com", ".apigw.yandexcloud.net"]
    assert settings(DEPLOYED, *names) == [False, hosts, True, True, DEPLOYED["DJANGO_SECRET_KEY"]]


def test_a_run_on_ones_own_machine_needs_one_variable():
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    assert settings({"DJANGO_DEBUG": "1"}, "DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE") == [True, hosts, False]


@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "ALLOWED_HOSTS"])
def test_a_missing_variable_is_named(name):
    result = run("manage.py", "check", env={key: value for key, value in DEPLOYED.items() if key != name})
    assert result.returncode != 0
    assert f"{name} is not set. Set it, or DJANGO_DEBUG=1" in result.stderr


def test_celery_talks_to_the_queue_and_the_table_of_the_environment():
    code = """
import json
import boto3
from shop.celery import app
with app.connection_for_write() as connection:
    channel = connection.default_channel
    queue = channel.sqs("default").meta
    table = boto3.client("dynamodb").meta
    print(json.dumps([
        queue.endpoint_url, queue.region_name, channel.predefined_queues["default"]["url"],
        table.endpoint_url, table.region_name, app.backend.table_name, app.conf.task_default_queue,
    ]))
"""
    result = run("-c", code, env=DEPLOYED)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [
        "https://message-queue.api.cloud.yandex.net:443",
        "ru-central1",
        DEPLOYED["SQS_QUEUE"],
        DEPLOYED["AWS_ENDPOINT_URL_DYNAMODB"],
        "ru-central1",
        "celery",
        "default",
    ]


def test_static_files_get_names_that_may_be_cached_for_ever(tmp_path):
    code = f"""
from shop import settings
settings.STATIC_ROOT = {str(tmp_path)!r}
import django
django.setup()
from django.core.management import call_command
call_command("collectstatic", verbosity=0, interactive=False)
"""
    result = run("-c", code, env={**DEPLOYED, "DJANGO_SETTINGS_MODULE": "shop.settings"})
    assert result.returncode == 0, result.stderr
    names = {file.name for file in (tmp_path / "jobs").iterdir()}
    assert {"page.js", "page.css"} < names
    assert len([name for name in names if name.startswith("page.") and name.endswith(".js.gz")]) == 2
