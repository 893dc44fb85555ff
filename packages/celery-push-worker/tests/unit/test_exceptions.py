from __future__ import annotations

import copy
import pickle

import pytest

from celery_push_worker.exceptions import (
    MessageTooLargeError,
    Reason,
    RequestError,
    RetryLaterError,
    ScheduleError,
    UnboundExchangeError,
    UndeliverableError,
    UnknownQueueError,
)

ERRORS = [
    MessageTooLargeError("t.add", 300_000, 230_000),
    UnknownQueueError("t.add", "slow", ["default"]),
    UnboundExchangeError("t.add", "media", None),
    ScheduleError(["'a': one", "'b': two"]),
    RequestError(405, "Only POST is answered", Allow="POST"),
    UndeliverableError(Reason.BAD_BODY, "The body is no task's arguments"),
    RetryLaterError(Reason.STORE_FAILED),
]


@pytest.mark.parametrize("again", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_can_be_pickled_and_copied(error, again):
    other = again(error)

    assert str(other) == str(error) != ""
    assert repr(other) == f"{type(error).__name__}({str(error)!r})"
    assert vars(other) == vars(error)


@pytest.mark.parametrize("error", ERRORS[:1])
def test_an_error_is_read_back_from_a_result_store(world, error):
    world.app.backend.store_result("refused", error, "FAILURE")

    assert str(world.result("refused")) == str(error)
