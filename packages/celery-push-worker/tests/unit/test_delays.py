from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_push_worker._delays import (
    HOPS_HEADER,
    count_hops,
    find_remaining,
    plan_delay,
)
from celery_push_worker._platform import MAX_DELAY_SECONDS


@pytest.mark.parametrize(
    ("remaining", "seconds"),
    [
        (-5, 0),
        (0, 0),
        (0.01, 1),
        (1, 1),
        (1.2, 2),
        (900, 900),
        (900.1, 900),
        (1e9, 900),
    ],
)
def test_a_message_is_held_for_whole_seconds(remaining, seconds):
    assert plan_delay(remaining) == seconds


@given(st.floats(min_value=0.001, max_value=1e6))
def test_hops_arrive_in_time_and_never_early(remaining):
    waited = hops = 0
    while waited < remaining:
        step = plan_delay(remaining - waited)
        assert 0 < step <= MAX_DELAY_SECONDS
        waited += step
        hops += 1

    assert waited - remaining < 1
    assert hops <= remaining // MAX_DELAY_SECONDS + 1


@pytest.mark.parametrize(
    ("eta", "remaining"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        (5, 0),
        ("1970-01-01T00:01:40", 90),
        ("1970-01-01T00:01:40Z", 90),
        ("1970-01-01T00:01:40+00:00", 90),
        ("1970-01-01T03:01:40+03:00", 90),
        ("1970-01-01T00:00:01+00:00", 0),
    ],
)
def test_the_time_until_a_task_is_due(eta, remaining):
    assert find_remaining(eta, now=10) == remaining


@pytest.mark.parametrize(
    ("value", "hops"), [(None, 0), (0, 0), (3, 3), (-1, 0), ("3", 0), ([], 0)]
)
def test_hops_are_counted_in_a_header(value, hops):
    assert count_hops({HOPS_HEADER: value}) == hops
