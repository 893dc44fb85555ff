from __future__ import annotations

import django
import pytest
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from django.urls import path

from support.site import set_up_django
from support.world import World, call

urlpatterns = []


@pytest.fixture(scope="module")
def django_site():
    set_up_django()
    with override_settings(ROOT_URLCONF=__name__):
        yield get_wsgi_application()


def test_a_view_is_one_line_in_urls(django_site):
    from celery_push_worker.django import view

    world = World()
    urlpatterns[:] = [path("worker/", view(world.app))]
    django.urls.clear_url_caches()
    host = {"HTTP_HOST": "bba.containers.yandexcloud.net"}

    done = call(
        django_site, path="/worker/", body=world.event(world.tasks.add.s(1, 1)), **host
    )
    refused = call(
        django_site,
        path="/worker/",
        body=world.event(world.tasks.add.s(1, 1)),
        HTTP_HOST="shop.example.com",
        HTTP_X_SERVERLESS_GATEWAY_ID="d5d",
    )

    assert (done.status, done.json["messages"][0]["outcome"]) == (200, "done")
    assert (refused.status, len(world.runs)) == (403, 1)


def test_a_view_takes_more_than_a_form_may_have(django_site):
    from celery_push_worker.django import view

    world = World()
    urlpatterns[:] = [path("worker/", view(world.app))]
    django.urls.clear_url_caches()

    response = call(
        django_site,
        path="/worker/",
        body=b" " * 3_000_000 + world.event(world.tasks.add.s(1, 1)),
        HTTP_HOST="bba.containers.yandexcloud.net",
    )
    assert response.status == 200


def test_mounted_the_worker_needs_no_allowed_host(django_site):
    from celery_push_worker import mount

    world = World()
    application = mount(django_site, "/worker/", world.app)

    response = call(
        application,
        path="/worker/",
        body=world.event(world.tasks.add.s(1, 1)),
        HTTP_HOST="10.0.0.7:8080",
    )
    assert response.status == 200


def test_the_settings_line_installs_the_publisher(django_site):
    from celery import Celery
    from django.apps import AppConfig

    from celery_push_worker._install import is_installed

    AppConfig.create("celery_push_worker").ready()

    assert is_installed(Celery("later", set_as_current=False).amqp_cls)
