from __future__ import annotations

import pytest
from celery import _state
from celery.backends import cache

from support.world import World


@pytest.fixture(autouse=True)
def _restore_celery():
    before = _state.default_app, _state._get_current_app
    cache._DUMMY_CLIENT_CACHE.clear()
    yield
    _state.default_app = before[0]
    _state._tls.current_app = None


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def make_world():
    return World


def pytest_terminal_summary(terminalreporter):
    """Name what was only a sample: the lines of passed tests that tell how to run all."""
    for report in terminalreporter.getreports("passed"):
        for line in report.capstdout.splitlines():
            if "DEEP=1" in line:
                terminalreporter.write_line(line)
