from __future__ import annotations

import pytest
from celery import Celery

from celery_push_worker._settings import Settings, find_app, read_settings
from celery_push_worker.exceptions import ConfigurationError


def settings(**conf):
    app = Celery("unit", set_as_current=False)
    app.conf.update(conf)
    return read_settings(app)


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    monkeypatch.delenv("CELERY_APP", raising=False)


def test_without_any_setting_the_defaults_apply():
    assert settings() == Settings()


def test_settings_are_read_from_the_app():
    found = settings(push_worker_deduplicate=False, push_worker_idle_seconds=5)

    assert (found.deduplicate, found.idle_seconds) == (False, 5)


def test_a_namespace_works_as_for_celerys_own_settings():
    app = Celery("unit", set_as_current=False)
    source = {"CELERY_PUSH_WORKER_DEDUPLICATE": False}
    app.config_from_object(source, namespace="CELERY")

    assert read_settings(app).deduplicate is False


def test_every_wrong_setting_is_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        settings(
            push_worker_deduplicate="yes",
            push_worker_idle_seconds=True,
            push_worker_max_body_bytes=0,
            push_worker_public_hosts="a.example.com",
            push_worker_log_level="LOUD",
        )

    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == [
        "push_worker_deduplicate",
        "push_worker_max_body_bytes",
        "push_worker_public_hosts",
        "push_worker_idle_seconds",
        "push_worker_log_level",
    ]


def test_public_hosts_come_from_the_environment_of_the_site(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "Shop.example.com, .apigw.yandexcloud.net,")

    assert settings().public_hosts == ("shop.example.com", ".apigw.yandexcloud.net")


def test_the_app_is_named_by_the_environment(monkeypatch):
    with pytest.raises(ConfigurationError, match="'CELERY_APP' is not set"):
        find_app()

    monkeypatch.setenv("CELERY_APP", "nowhere:app")
    with pytest.raises(ConfigurationError, match="nowhere"):
        find_app()
