"""The views of a deployed site, without a queue: jobs are sent into memory and stay there."""

import re

import django
import pytest
from django.core.management import call_command
from django.test import Client, override_settings

django.setup()

from jobs.catalog import KINDS  # noqa: E402
from jobs.visitor import MAX_JOBS  # noqa: E402
from shop.celery import app  # noqa: E402

HOST = "d5dexample.apigw.yandexcloud.net"


@pytest.fixture(scope="module", autouse=True)
def _collected_static_files(tmp_path_factory):
    with override_settings(STATIC_ROOT=str(tmp_path_factory.mktemp("static"))):
        call_command("collectstatic", verbosity=0, interactive=False)
        yield


@pytest.fixture
def client():
    return Client(headers={"host": HOST}, **{"wsgi.url_scheme": "https"})


@pytest.fixture
def visitor(client):
    client.post("/sign-in", {"name": "Ada"})
    return client


def ids(page):
    return re.findall(r'data-id="([^"]+)"', page.content.decode())


def test_a_stranger_is_asked_for_a_name(client):
    page = client.get("/").content.decode()
    assert "Your name" in page
    assert "Password" not in page


def test_a_visitor_sees_every_kind_of_job(visitor):
    page = visitor.get("/").content.decode()
    assert "Ada" in page
    assert all(kind.title in page for kind in KINDS.values())


def test_a_visitor_without_a_name_is_a_guest(client):
    client.post("/sign-in", {"name": "  "})
    assert "Guest" in client.get("/").content.decode()


def test_a_name_is_escaped_and_cut(client):
    client.post("/sign-in", {"name": "<b>" + "x" * 1000})
    page = client.get("/").content.decode()
    assert "&lt;b&gt;" in page
    assert "x" * 38 not in page


def test_a_started_job_is_the_first_of_the_list(visitor):
    assert visitor.post("/start/count").headers["Location"] == "/"
    assert visitor.post("/start/report").headers["Location"] == "/"
    page = visitor.get("/")
    assert re.findall(r'data-kind="(\w+)"', page.content.decode()) == ["report", "count"]


def test_a_script_gets_the_started_job_itself(visitor):
    answer = visitor.post("/start/remind", headers={"accept": "application/json"})
    assert answer.status_code == 201
    assert answer.json()["state"] == "delayed"
    assert answer.json()["finished"] is False
    assert "Due in" in answer.json()["html"]


def test_only_jobs_that_were_asked_for_are_read(visitor):
    for kind in ["count", "report", "together"]:
        visitor.post(f"/start/{kind}")
    newest, _, oldest = ids(visitor.get("/"))
    answer = visitor.get("/jobs", {"id": [newest, oldest]})
    assert [job["id"] for job in answer.json()["jobs"]] == [newest, oldest]


def test_jobs_of_another_visitor_are_not_told(visitor):
    visitor.post("/start/count")
    (job,) = ids(visitor.get("/"))
    other = Client(headers={"host": HOST})
    assert other.get("/jobs", {"id": job}).json() == {"jobs": []}


def test_answers_are_never_cached(visitor):
    assert "no-store" in visitor.get("/").headers["Cache-Control"]
    assert "no-store" in visitor.get("/jobs").headers["Cache-Control"]


def test_a_stranger_starts_nothing(client):
    assert client.post("/start/count").status_code == 403


def test_an_unknown_job_is_not_found(visitor):
    assert visitor.post("/start/mine-bitcoin").status_code == 404


@pytest.mark.parametrize("path", ["/start/count", "/forget", "/sign-in", "/sign-out"])
def test_following_a_link_changes_nothing(visitor, path):
    assert visitor.get(path).status_code == 405


def test_the_cookie_stays_small(visitor):
    for number in range(MAX_JOBS + 3):
        visitor.post(f"/start/{list(KINDS)[number % len(KINDS)]}")
    assert len(ids(visitor.get("/"))) == MAX_JOBS
    assert len(visitor.cookies["sessionid"].value) < 2000


def test_a_kind_that_a_deploy_removed_is_left_out(visitor, monkeypatch):
    visitor.post("/start/count")
    monkeypatch.delitem(KINDS, "count")
    assert ids(visitor.get("/")) == []


def test_the_list_can_be_cleared(visitor):
    visitor.post("/start/count")
    visitor.post("/forget")
    assert ids(visitor.get("/")) == []


def test_after_signing_out_one_is_a_stranger(visitor):
    visitor.post("/sign-out")
    assert "Your name" in visitor.get("/").content.decode()


def test_a_cookie_that_was_tampered_with_is_no_session(visitor):
    visitor.cookies["sessionid"] = "A" + visitor.cookies["sessionid"].value
    assert "Your name" in visitor.get("/").content.decode()


@override_settings(SITE_PASSWORD="swordfish")
def test_a_password_keeps_strangers_out(client):
    refused = client.post("/sign-in", {"name": "Ada", "password": "guess"})
    assert refused.status_code == 403
    assert "not the password" in refused.content.decode()
    assert client.post("/start/count").status_code == 403
    client.post("/sign-in", {"name": "Ada", "password": "swordfish"})
    assert client.post("/start/count").status_code == 302


def test_a_broken_result_store_is_a_500_and_not_a_lie(visitor, monkeypatch):
    visitor.post("/start/count")
    monkeypatch.setattr(type(app.backend), "get_task_meta", fail)
    visitor.raise_request_exception = False
    page = visitor.get("/")
    assert page.status_code == 500
    assert "The log of the container says what" in page.content.decode()


def fail(*args, **kwargs):
    raise ConnectionError("no table")
