from __future__ import annotations

import json

import pytest

from celery_push_worker._outcomes import Outcome, Verdict, plan_answer
from celery_push_worker.exceptions import Reason


def answer(*outcomes):
    return plan_answer([Verdict(message_id="m", outcome=o) for o in outcomes])


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([Outcome.DONE], 200),
        ([Outcome.DONE, Outcome.DELAYED, Outcome.DUPLICATE], 200),
        ([Outcome.DONE, Outcome.DEAD], 500),
        ([Outcome.RETRY_LATER], 503),
        ([Outcome.DEAD, Outcome.RETRY_LATER, Outcome.DONE], 503),
    ],
)
def test_the_answer_is_2xx_only_when_nothing_has_to_come_back(outcomes, status):
    assert answer(*outcomes).status == status


def test_each_message_is_told_with_its_reason():
    verdict = Verdict(message_id="m", outcome=Outcome.DEAD, reason=Reason.BAD_BODY)

    assert json.loads(plan_answer([verdict]).body) == {
        "messages": [{"message_id": "m", "outcome": "dead", "reason": "bad_body"}]
    }
