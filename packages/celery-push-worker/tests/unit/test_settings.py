from __future__ import annotations

import sys

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


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("nowhere:app", "No module named 'nowhere'"),
        ("some_shop.nowhere:app", "No module named 'some_shop.nowhere'"),
        ("some_shop.celery:nope", "module 'some_shop.celery' has no attribute 'nope'"),
        ("some_shop.celery:number", "some_shop.celery:number is not a Celery app, but"),
    ],
)
def test_which_half_of_the_name_is_wrong_is_said(some_shop, name, half):
    with pytest.raises(ConfigurationError, match=half) as raised:
        find_app(name)
    assert "'celeryApp' in config.ts" in str(raised.value)


@pytest.mark.parametrize("name", ["celery", "inner", "broken"])
def test_an_error_in_the_projects_own_code_is_its_own(some_shop, name):
    (some_shop / "inner.py").write_text("import nowhere_either\n")
    (some_shop / "broken.py").write_text("import os\nos.environ['SENTRY_DSN']\n")
    (some_shop / "celery.py").write_text("import math\nmath.nope\n")

    with pytest.raises((ModuleNotFoundError, KeyError, AttributeError)) as raised:
        find_app(f"some_shop.{name}:app")
    assert any(f"{name}.py" in str(entry.path) for entry in raised.traceback)


@pytest.fixture
def some_shop(tmp_path, monkeypatch):
    shop = tmp_path / "some_shop"
    shop.mkdir()
    (shop / "__init__.py").touch()
    (shop / "celery.py").write_text(
        "from celery import Celery\napp = Celery('shop')\nnumber = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield shop
    for module in [name for name in sys.modules if name.startswith("some_shop")]:
        del sys.modules[module]
