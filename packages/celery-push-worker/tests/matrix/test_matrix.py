"""Each scenario by ``celery worker`` and by trigger and worker: nothing may differ.

The reference is run, never written down: what Celery does is what it did just now.
"""

from __future__ import annotations

import json

import pytest

from .conftest import DEEP, VERSIONS
from .differences import DEFECTS, INTENDED, find_differences
from .runs import LANES
from .scenarios import SCENARIOS

NAMES = [*SCENARIOS, *(f"{lane} (lifecycle)" for lane in LANES if "solo" in lane)]

pytestmark = pytest.mark.filterwarnings("default")


def test_which_versions_are_compared(record_property):
    everything = "all" if DEEP else "a sample: 5.7.0 too with DEEP=1"
    print(f"{len(SCENARIOS)} scenarios by Celery {', '.join(VERSIONS)} ({everything})")
    assert len(SCENARIOS) >= 45


@pytest.mark.parametrize("celery", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_happens_as_in_a_worker(observed, celery, name):
    unexpected = [
        difference
        for difference in compare(observed(celery), name)
        if not is_in(INTENDED, name, difference, celery)
    ]

    if unexpected and all(is_in(DEFECTS, name, d, celery) for d in unexpected):
        pytest.xfail(render(unexpected))
    assert not unexpected, render(unexpected)


@pytest.mark.parametrize("celery", VERSIONS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_reference_was_seen(observed, celery, name):
    reference = observed(celery)["reference"][name]

    assert reference["messages"]
    assert all("left" not in verdict for verdict in reference["messages"].values())
    assert reference["signals"] or "pickle" in name or "yaml" in name or is_raw(name)


@pytest.mark.parametrize("celery", VERSIONS)
@pytest.mark.parametrize("row", INTENDED, ids=lambda row: row.scenarios)
def test_every_intended_difference_is_still_there(observed, celery, row):
    found = observed(celery)

    assert any(
        row.covers(name, path, celery)
        for name in NAMES
        for path, _, _ in compare(found, name)
    )


@pytest.mark.parametrize("celery", VERSIONS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_not_due_is_held_back_by_the_queue(observed, celery, name):
    push = observed(celery)["push"][name]

    for message, delay in zip(push["published"], push["delays"], strict=True):
        headers, payload = message["headers"], message["payload"]
        eta = headers.get("eta") or (isinstance(payload, dict) and payload.get("eta"))
        due = int(str(eta).split()[1]) if str(eta).startswith("in ") else 0
        assert abs(delay - max(0, due)) <= 1


def compare(found, name):
    reference, push = found["reference"][name], found["push"][name]
    return [
        difference
        for difference in find_differences(reference, push)
        if not difference[0].startswith("/delays")
    ]


def is_in(rows, name, difference, celery):
    return any(row.covers(name, difference[0], celery) for row in rows)


def render(differences):
    return "\n".join(
        f"{path}\n  celery worker: {shorten(reference)}\n  this one:      {shorten(own)}"
        for path, reference, own in differences
    )


def is_raw(name):
    return any(
        word in name for word in ("no JSON", "nobody knows", "no time", "it says")
    )


def shorten(value):
    text = json.dumps(value)
    return text if len(text) < 1500 else f"{text[:1500]}…"
