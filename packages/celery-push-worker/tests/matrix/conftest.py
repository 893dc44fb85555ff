from __future__ import annotations

import os
from typing import Any

import pytest

from .stand_in import StandIn

DEEP = os.environ.get("DEEP", "") not in ("", "0")

VERSIONS = ["5.6.3", "5.7.0"] if DEEP else ["5.6.3"]


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    server = StandIn(tmp_path_factory.mktemp("stand-in"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def observed(stand_in, tmp_path_factory) -> Any:
    """Return a version's observations, made when they are asked for first."""
    from .runs import run_both

    runs: dict[str, Any] = {}

    def observe(celery: str) -> Any:
        if celery not in runs:
            folder = tmp_path_factory.mktemp(f"celery-{celery}")
            try:
                runs[celery] = run_both(stand_in, celery, folder)
            except Exception as exc:
                runs[celery] = exc
        if isinstance(runs[celery], Exception):
            raise runs[celery]
        return runs[celery]

    return observe
