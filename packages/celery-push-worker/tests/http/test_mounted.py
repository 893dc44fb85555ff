from __future__ import annotations

import pytest

from celery_push_worker import mount
from celery_push_worker._mount import find_rest
from support.world import call


def site(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"site"]


@pytest.mark.parametrize("path", ["/worker", "/worker/", "//worker//", "/./worker/"])
def test_the_worker_answers_below_its_path(world, path):
    application = mount(site, "/worker/", world.app)

    response = call(application, path=path, body=world.event(world.tasks.add.s(1, 1)))

    assert response.status == 200
    assert response.json["messages"][0]["outcome"] == "done"


@pytest.mark.parametrize("path", ["/", "/workers/", "/worker.txt", "/a/worker/", ""])
def test_the_site_answers_elsewhere(world, path):
    application = mount(site, "/worker/", world.app)

    assert call(application, "GET", path).body == b"site"


def test_health_is_told_below_the_path(world):
    application = mount(site, "/worker/", world.app)

    assert call(application, "GET", "/worker/healthz").status == 200


def test_the_root_is_no_path_to_mount_at(world):
    with pytest.raises(ValueError, match="below the site's root"):
        mount(site, "/", world.app)


def test_what_came_through_the_gateway_is_refused_whatever_the_path_looked_like(world):
    # The server has decoded "/%77orker/" before the application sees it.
    application = mount(site, "/worker/", world.app)

    response = call(
        application,
        path="/worker/",
        body=world.event(world.tasks.add.s(1, 1)),
        HTTP_X_SERVERLESS_GATEWAY_ID="d5d",
    )
    assert response.status == 403


def test_a_path_is_split_at_the_prefix():
    assert find_rest("/worker/healthz", "/worker") == "/healthz"
    assert find_rest("/a/../worker/x", "/worker") == "/x"
    assert find_rest("/work", "/worker") is None
