from __future__ import annotations

import json
from pathlib import Path

import pytest

from celery_push_worker._outcomes import MessageResult, Outcome, plan_answer
from celery_push_worker.exceptions import Reason

ANSWER = Path(__file__).parent.parent / "golden" / "answer.json"
"""What the local cloud reads, too."""


def answer(*outcomes):
    return plan_answer([MessageResult(message_id="m", outcome=o) for o in outcomes])


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


def test_each_message_is_told_with_its_reason_and_its_tasks_state():
    verdicts = [
        MessageResult(message_id="m1", outcome=Outcome.DONE, state="SUCCESS"),
        MessageResult(message_id="m2", outcome=Outcome.DELAYED),
        MessageResult(message_id="m3", outcome=Outcome.DEAD, reason=Reason.BAD_BODY),
    ]

    assert json.loads(plan_answer(verdicts).body) == json.loads(ANSWER.read_text())
