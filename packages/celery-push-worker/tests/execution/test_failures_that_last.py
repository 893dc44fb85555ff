"""What would fail at each delivery runs once, and is recorded."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from celery.exceptions import WorkerLostError


def make_task(world, body, **options):
    def run(*args):
        world.runs.append("run")
        return body(*args)

    return world.app.task(name="t.made", shared=False, **options)(run)


def fail_once(world, signature):
    """Deliver as the trigger does: no more once the message was taken."""
    (verdict,) = world.handle(signature.set(task_id="made"))
    assert (verdict.outcome.value, verdict.state) == ("done", "FAILURE")
    assert world.runs == ["run"]
    assert world.state("made") == "FAILURE"
    return world.result("made")


late = pytest.mark.parametrize("late", [False, True], ids=["early", "late"])


@late
@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit]
)
def test_what_is_no_error_is_a_lost_process(make_world, error, late):
    world = make_world()

    def leave():
        raise error

    task = make_task(world, leave, acks_late=late)

    result = fail_once(world, task.s())

    assert isinstance(result, WorkerLostError)
    assert error.__name__ in str(result)


@late
def test_an_exhausted_memory_is_a_failure(make_world, late):
    world = make_world()

    def exhaust():
        raise MemoryError

    fail_once(world, make_task(world, exhaust, acks_late=late).s())


@late
def test_a_hook_that_raises_is_a_failure(make_world, late):
    world = make_world()

    def hook(*_):
        raise ConnectionError("the mail server is away")

    task = make_task(world, lambda: 1 / 0, on_failure=hook, acks_late=late)

    fail_once(world, task.s())


@late
def test_an_errback_that_cannot_be_applied_is_a_failure(make_world, late):
    world = make_world()

    @world.app.task(name="t.strict", shared=False)
    def strict(_request, _error, _traceback, _missing):
        raise AssertionError

    task = make_task(world, lambda: 1 / 0, acks_late=late)

    fail_once(world, task.s().set(link_error=strict.s()))


@late
def test_a_retry_that_is_too_large_is_a_failure_with_the_limit(make_world, late):
    world = make_world(push_worker_max_message_bytes=230_000)
    world.app.conf.broker_url = (
        "sqs://"  # Nothing is sent: the size is looked at first.
    )

    def enlarge(self, _text=""):
        world.runs.append("run")
        raise self.retry(args=("y" * 300_000,))

    task = world.app.task(
        name="t.enlarge", shared=False, bind=True, acks_late=late, max_retries=3
    )(enlarge)

    result = fail_once(world, task.s())

    assert "230000" in str(result)
    assert type(result).__name__ == "MessageTooLargeError"


def test_a_step_that_is_too_large_is_a_failure(make_world):
    world = make_world(push_worker_max_message_bytes=5_000)
    task = make_task(world, lambda: "y" * 300_000)
    chain = task.s() | world.tasks.total.s()
    chain_body = world.body(chain)
    world.app.conf.broker_url = "sqs://"

    (verdict,) = world.handle(chain_body)

    assert (verdict.outcome.value, verdict.state) == ("done", "FAILURE")
    assert world.runs == ["run"]


@pytest.fixture
def places(tmp_path):
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def test_a_name_that_the_store_can_never_hold_runs_once(make_world, places):
    # A file's name has 255 bytes at most.
    world = make_world(result_backend=f"file://{places}")
    task = make_task(world, lambda: "done")

    (verdict,) = world.handle(task.s().set(task_id="x" * 300))

    assert verdict.outcome.value == "done"
    assert world.runs == ["run"]


def test_a_row_that_cannot_be_read_keeps_no_task_from_running(make_world, places):
    world = make_world(result_backend=f"file://{places}")
    (places / "celery-task-meta-broken").write_text("{")
    task = make_task(world, lambda: "done")

    (verdict,) = world.handle(task.s().set(task_id="broken"))

    assert verdict.outcome.value == "done"
    assert world.runs == ["run"]


def test_an_outage_while_a_hook_has_raised_still_comes_back(make_world, places):
    world = make_world(result_backend=f"file://{places}", push_worker_deduplicate=False)

    def lose_the_store():
        shutil.rmtree(places)
        places.write_text("no folder any more")
        raise ValueError

    task = make_task(world, lose_the_store)

    (verdict,) = world.handle(task.s())

    assert (verdict.outcome.value, verdict.reason.value) == (
        "retry_later",
        "store_failed",
    )
