"""Runs Celery's own integration tests against a worker that is there already."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from celery.contrib import pytest as fixtures
from celery.contrib.testing.manager import Manager
from celery.result import AsyncResult

PATIENCE_SECONDS = 15
"""Longer than any test takes that passes."""

outcomes: dict[str, str] = {}


@pytest.fixture(scope="session")
def celery_session_worker():
    return None


# Taken over by the suite's own conftest, which would start a worker in this process.
fixtures.celery_session_worker = celery_session_worker
# Asks the worker by remote control, which this broker does not have.
Manager.wait_until_idle = lambda _self, **_: None

get_at_once = AsyncResult.get


def get_when_ready(self: Any, timeout: float | None = None, **options: Any) -> Any:
    """Wait for the result before it is asked for.

    Where a chord's member has failed, the caller gets the member's error or the chord's,
    by whether it looks between two writes that are 40 ms apart. Here it looks after both.
    """
    end = time.monotonic() + (timeout or PATIENCE_SECONDS)
    while not self.ready() and time.monotonic() < end:
        time.sleep(0.05)
    return get_at_once(self, timeout, **options)


AsyncResult.get = get_when_ready


class TooLong(BaseException):
    """Interrupts a test that waits for what never comes."""


def ring(*_: object) -> None:
    raise TooLong


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: Any) -> Any:
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE_SECONDS)
    yield
    signal.alarm(0)


def pytest_runtest_logreport(report: Any) -> None:
    name = report.nodeid.partition("integration/")[2]
    counts = report.when == "call" or report.outcome != "passed"
    if counts and outcomes.get(name) != "failed":
        outcomes[name] = report.outcome
    Path(os.environ["SUITE_OUTCOMES"]).write_text(json.dumps(outcomes))
