"""Store and broker are folders here: taken away, they fail like unreachable servers."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def places(tmp_path):
    for name in ("results", "queue", "processed", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def world(make_world, places):
    return make_world(
        broker_url="filesystem://",
        broker_transport_options={
            "data_folder_in": str(places / "queue"),
            "data_folder_out": str(places / "queue"),
            "processed_folder": str(places / "processed"),
            "control_folder": str(places / "control"),
        },
        task_publish_retry=False,
        result_backend=f"file://{places / 'results'}",
    )


def outcome(verdicts):
    (verdict,) = verdicts
    return verdict.outcome.value, verdict.reason and verdict.reason.value


def break_folder(places, name):
    shutil.rmtree(places / name)
    (places / name).write_text("no folder any more")


def restore_folder(places, name):
    (places / name).unlink()
    (places / name).mkdir()


def test_a_store_that_cannot_be_read_makes_the_message_come_back(world, places):
    body = world.body(world.tasks.add.s(1, 1))
    break_folder(places, "results")

    assert outcome(world.handle(body)) == ("retry_later", "store_failed")
    assert world.runs == []


def test_a_store_that_fails_at_the_end_makes_the_message_come_back(
    world, places, make_world
):
    world.worker.deduplicator.deduplicate = False
    body = world.body(world.tasks.add.s(1, 1))
    break_folder(places, "results")

    assert outcome(world.handle(body)) == ("retry_later", "store_failed")
    restore_folder(places, "results")
    assert outcome(world.handle(body)) == ("done", None)


def test_a_retry_that_cannot_be_published_makes_the_message_come_back(world, places):
    body = world.body(world.tasks.retry.s())
    break_folder(places, "queue")

    assert outcome(world.handle(body)) == ("retry_later", "broker_failed")
    restore_folder(places, "queue")
    assert outcome(world.handle(body)) == ("done", None)


def test_a_chain_that_cannot_go_on_makes_the_message_come_back(world, places):
    add = world.tasks.add
    (add.s(1, 2) | add.s(10)).apply_async()
    (body,) = world.take()
    break_folder(places, "queue")

    assert outcome(world.handle(body)) == ("retry_later", "broker_failed")
    restore_folder(places, "queue")
    assert outcome(world.handle(body)) == ("done", None)
    world.run_all()
    assert ("add", 3, 10) in world.runs


def test_a_task_whose_own_publishing_fails_has_failed(world, places):
    @world.app.task(name="t.publish", shared=False)
    def publish():
        world.tasks.add.delay(1, 1)

    body = world.body(publish.s())
    break_folder(places, "queue")

    assert outcome(world.handle(body)) == ("done", None)


def test_after_a_failing_store_the_rest_of_a_request_is_not_started(world, places):
    bodies = [world.body(world.tasks.add.s(n, n)) for n in range(3)]
    break_folder(places, "results")

    verdicts = world.handle(*bodies)

    assert [v.reason.value for v in verdicts] == [
        "store_failed",
        "not_started",
        "not_started",
    ]
