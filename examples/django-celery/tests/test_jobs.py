"""Each kind of job, run for real: through the gateway, queue, trigger and table of the local cloud."""

import json
import re
import time
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

SECONDS = 120


class Browser:
    """Speaks to the site as the page's script does."""

    def __init__(self, site):
        self.site = site
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', self.get("/"))[1]
        self.post("/sign-in", name="Ada")

    def get(self, path, **query):
        with self.opener.open(f"{self.site}{path}?{urlencode(query, doseq=True)}") as response:
            assert "Transfer-Encoding" not in response.headers, "The gateway refuses chunked answers"
            return response.read().decode()

    def post(self, path, **fields):
        body = urlencode({"csrfmiddlewaretoken": self.token, **fields}).encode()
        headers = {"Accept": "application/json", "Origin": self.site}
        with self.opener.open(Request(f"{self.site}{path}", body, headers)) as response:
            return response.read().decode()

    def start(self, kind):
        return json.loads(self.post(f"/start/{kind}"))["id"]

    def watch(self, job_id):
        """Every state that the job was seen in, and the last answer as text."""
        seen, deadline = [], time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            (job,) = json.loads(self.get("/jobs", id=job_id))["jobs"]
            if job["state"] not in seen:
                seen.append(job["state"])
            if job["finished"]:
                return seen, re.sub(r"<[^>]+>|\s+", " ", job["html"])
            time.sleep(0.1)
        raise TimeoutError(f"{job_id} was last seen {seen}: {job}")


@pytest.fixture(scope="module")
def browser(site):
    return Browser(site)


def test_a_task_returns_its_result(browser):
    states, text = browser.watch(browser.start("count"))
    assert states[-1] == "done"
    assert "17,984" in text


def test_a_chain_says_how_far_it_is(browser):
    states, text = browser.watch(browser.start("report"))
    assert "running" in states
    assert states[-1] == "done"
    assert "12 orders, 3,213.00 in total, the largest 336.50" in text


def test_a_chord_adds_up_what_its_tasks_counted(browser):
    states, text = browser.watch(browser.start("together"))
    assert states[-1] == "done"
    assert "78,498" in text


def test_a_task_is_retried_until_it_works(browser):
    states, text = browser.watch(browser.start("retry"))
    assert "retrying" in states
    assert states[-1] == "done"
    assert "The supplier answered at attempt 3" in text
    assert "3 attempts" in text


def test_a_failure_shows_its_exception_and_the_attempts(browser):
    states, text = browser.watch(browser.start("fail"))
    assert "retrying" in states
    assert states[-1] == "failed"
    assert "ConnectionError: The supplier does not answer (attempt 3)" in text
    assert "3 attempts" in text


def test_a_delayed_task_does_not_run_early(browser):
    states, text = browser.watch(browser.start("remind"))
    assert states[0] == "delayed"
    assert states[-1] == "done"
    assert float(re.search(r"([\d.]+) s after the click", text)[1]) >= 10
