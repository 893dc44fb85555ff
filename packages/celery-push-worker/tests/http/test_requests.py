from __future__ import annotations

import io
import json

import pytest

from support.world import call

EVENT = {"messages": [{"details": {"message": {"body": "x"}}}]}


def test_health_is_told_at_one_path(world):
    assert call(world.worker, "GET", "/healthz").status == 200
    assert call(world.worker, "HEAD", "/healthz").status == 200
    assert call(world.worker, "GET", "/").status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_told_what_is_allowed(world, method):
    response = call(world.worker, method)

    assert (response.status, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "", "/worker/", "/%77orker", "/healthz", "/ü"])
def test_events_are_taken_on_any_path(world, path):
    response = call(world.worker, path=path, body=world.event(world.tasks.add.s(1, 1)))

    assert response.status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"messages": []}',
        b'{"messages": {}}',
        b'{"messages": [1]}',
        b'{"messages": [{"details": {"message": {"body": 1}}}]}',
        b'{"messages": [{"details": {"payload": 1}}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_a_bad_request(world, raw):
    assert world.post_raw(raw).status == 400


def test_a_request_over_the_limit_is_refused_before_it_is_read(make_world):
    world = make_world(push_worker_max_body_bytes=100)

    class Unreadable(io.BytesIO):
        def read(self, *_):
            raise AssertionError

    response = call(world.worker, CONTENT_LENGTH="101", **{"wsgi.input": Unreadable()})
    assert response.status == 413


def test_a_request_of_three_and_a_half_megabytes_is_taken(world):
    padding = "x" * 3_600_000
    raw = json.dumps({**EVENT, "padding": padding}).encode()

    assert world.post_raw(raw).status == 500  # The body "x" is dead, and no more.


def test_a_request_without_a_length_is_asked_for_it(world):
    assert call(world.worker, CONTENT_LENGTH="").status == 411


def test_a_request_of_chunks_is_read_to_its_end(world):
    raw = world.event(world.tasks.add.s(1, 1))

    response = call(
        world.worker, body=raw, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}
    )
    assert response.status == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "٣"])
def test_a_length_that_is_no_number_is_a_bad_request(world, length):
    # The validator refuses such a request itself: the application is called bare.
    seen = []
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": length,
        "wsgi.input": io.BytesIO(b"{}"),
    }
    list(world.worker(environ, lambda status, _headers: seen.append(status)))

    assert seen == ["400 Bad Request"]


def test_a_request_that_breaks_off_is_a_bad_request(world):
    assert call(world.worker, body=b"{}", CONTENT_LENGTH="3").status == 400


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_X_SERVERLESS_GATEWAY_ID": "d5d"},
        {"HTTP_X_SERVERLESS_CERTIFICATE_IDS": "{}"},
        {"HTTP_X_YC_APIGATEWAY_OPERATION_CONTEXT": "e30="},
        {"HTTP_HOST": "d5d.apigw.yandexcloud.net"},
        {"HTTP_HOST": "D5D.apigw.YandexCloud.net.:443"},
        {"HTTP_HOST": "shop.example.com"},
        {"HTTP_HOST": "a.shop.example.org:443"},
    ],
)
def test_what_came_through_the_gateway_is_refused(make_world, header):
    world = make_world(
        push_worker_public_hosts=["shop.example.com", ".shop.example.org"]
    )

    response = call(world.worker, body=world.event(world.tasks.add.s(1, 1)), **header)

    assert response.status == 403
    assert world.runs == []


@pytest.mark.parametrize(
    "host", ["bba.containers.yandexcloud.net", "localhost:8080", "127.0.0.1", "[::1]:8"]
)
def test_the_own_host_is_answered_even_where_the_site_allows_it(make_world, host):
    world = make_world(
        push_worker_public_hosts=[".containers.yandexcloud.net", "localhost", "*"]
    )

    response = call(
        world.worker, body=world.event(world.tasks.add.s(1, 1)), HTTP_HOST=host
    )
    assert response.status == 200


def test_public_hosts_are_those_that_the_site_allows(make_world, monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "shop.example.com,.apigw.yandexcloud.net")
    world = make_world()

    assert call(world.worker, body=b"{}", HTTP_HOST="shop.example.com").status == 403


def test_an_answer_tells_reasons_and_no_secrets(world):
    response = world.post(world.tasks.fail_unacked.s(), world.tasks.quiet.s("secret"))

    assert [m["outcome"] for m in response.json["messages"]] == ["dead", "done"]
    assert response.json["messages"][0]["reason"] == "rejected"
    assert b"secret" not in response.body
    assert b"Traceback" not in response.body
