"""A chord's body is published once, or twice under one id, whatever becomes of members."""

from __future__ import annotations

import os
import random

import pytest
from celery import chord, group

from celery_push_worker import _chords_table

DEEP = os.environ.get("DEEP", "") not in ("", "0")

STORES = ["table", "redis", "table with ttl", "redis, listed"]
KILLED_STORES = STORES if DEEP else STORES[:2]
KILLED_SIZES = [1, 2, 3] if DEEP else [2]
LARGE_SIZES = [1_000, 20_000] if DEEP else []
# Of a chord over the table; the others are there already. A request costs 10 ms.
MOST_DELIVERED = 1_000
INTERRUPTED = [
    *((store, size) for store in STORES for size in (1, 2, 60)),
    *((store, size) for store in STORES[:2] for size in LARGE_SIZES),
]

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning",  # Of os.fork() beside the stand-in.
)


@pytest.fixture(scope="module", autouse=True)
def _name_sample():
    print("chords of 1 to 60 members (1,000 and 20,000, too, with DEEP=1)")


@pytest.fixture
def small_items(monkeypatch):
    """Let 60 members need what 20,000 do."""
    monkeypatch.setattr(_chords_table, "MEMBERS_PER_SET", 25)
    monkeypatch.setattr(_chords_table, "PIECE_BYTES", 1_000)
    monkeypatch.setattr(_chords_table, "KEYS_PER_READ", 7)


@pytest.mark.parametrize("shop", KILLED_STORES, indirect=True)
@pytest.mark.parametrize("size", KILLED_SIZES)
def test_a_process_may_end_at_any_word_of_any_member(shop, size):
    for victim in range(size) if DEEP else [size - 1]:
        moment, reached = 0, True
        while reached:
            moment += 1
            members, body_id = shop.publish(size)
            for number, member in enumerate(members):
                if number == victim:
                    reached = shop.deliver_and_kill(member, moment)
                shop.deliver(member)
            assert set(shop.run_bodies()) == {body_id}, (victim, moment)
            assert shop.world.result(body_id) == size
            shop.restart()
            late = {shop.deliver(member) for member in members}
            assert late == {"duplicate"}
            assert not shop.run_bodies()
        assert moment > 4


@pytest.mark.parametrize(("shop", "size"), INTERRUPTED, indirect=["shop"])
def test_members_that_were_stored_and_not_counted_are_counted(
    shop, size, monkeypatch, request
):
    if size == 60:
        request.getfixturevalue("small_items")
    members, body_id = shop.publish(size)
    order = random.Random(size)
    members = order.sample(members, size)
    if "redis" not in shop.app.conf.result_backend:
        shop.complete(members[MOST_DELIVERED:])
        members = members[:MOST_DELIVERED]
    backend, lost = shop.app.backend, []

    def lose(*_args, **_kwargs):
        lost.append(1)
        raise ConnectionResetError("the process ends here")

    for number, member in enumerate(members):
        if number % (1 + size // 1_000):
            assert shop.deliver(member) == "done"
            continue
        with monkeypatch.context() as patch:
            patch.setattr(backend, "on_chord_part_return", lose, raising=False)
            assert shop.deliver(member) == "retry_later"
        shop.restart()
        assert shop.deliver(member) == "duplicate"
        if number % 10 == 0:
            shop.restart()
            shop.deliver(member)

    assert lost
    assert set(shop.run_bodies()) == {body_id}
    assert shop.world.result(body_id) == size
    shop.restart()
    late = members[:50]
    assert {shop.deliver(member) for member in late} == {"duplicate"}
    assert not shop.run_bodies()


def test_nothing_is_left_of_a_chord_but_results(shop):
    members, _ = shop.publish(3)
    for member in [*members, *members]:
        shop.restart()
        shop.deliver(member)
    shop.run_bodies()

    assert all("task-meta" in key for key in shop.list_lasting_keys())


def test_a_member_that_failed_fails_the_body_once(shop):
    world = shop.world
    signature = chord([world.tasks.add.s(1, 1), world.tasks.fail.s()])
    result = signature(world.tasks.total.s())

    members = shop.take()
    for member in [*members, *members]:
        shop.restart()
        shop.deliver(member)

    assert world.state(result.id) == "FAILURE"
    assert "ValueError" in str(world.result(result.id))
    assert world.runs.count("fail") == 2  # A failure may run again.


def test_members_may_be_groups_and_chains(shop):
    add = shop.world.tasks.add
    header = [group(add.s(1, 1), add.s(2, 2)), add.s(3, 3) | add.s(4), add.s(5, 5)]
    result = chord(header)(shop.world.tasks.total.s())

    while bodies := shop.take():
        for body in bodies:
            shop.deliver(body)
            shop.restart()
            shop.deliver(body)

    assert shop.world.result(result.id) == 2 + 4 + 10 + 10


def test_a_body_that_cannot_be_published_comes_back(shop, monkeypatch):
    members, body_id = shop.publish(2)
    shop.deliver(members[0])
    with monkeypatch.context() as patch:
        patch.setattr(shop.app.tasks["t.total"], "apply_async", refuse)
        assert shop.deliver(members[1]) == "retry_later"

    shop.restart()
    assert shop.deliver(members[1]) == "duplicate"
    assert set(shop.run_bodies()) == {body_id}


def test_a_member_that_could_not_be_counted_has_not_failed(shop, monkeypatch):
    members, body_id = shop.publish(2)
    shop.deliver(members[0])
    count, tries = shop.app.backend.on_chord_part_return, []

    def fail_once(*args, **kwargs):
        tries.append(args[1])
        if len(tries) == 1:
            raise ConnectionResetError("for a moment")
        count(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(shop.app.backend, "on_chord_part_return", fail_once)
        shop.deliver(members[1])
    shop.restart()
    shop.deliver(members[1])

    assert set(shop.run_bodies()) == {body_id}
    assert shop.world.result(body_id) == 2


def refuse(*_args, **_kwargs):
    raise ConnectionResetError("no broker")
