"""A duplicate is told by more than the task's id: its retry, and the message itself."""

from __future__ import annotations

import os

import pytest

from celery_push_worker._events import parse_event


@pytest.fixture(params=["cache+memory://", "file"])
def world(request, make_world, tmp_path):
    url = f"file://{tmp_path}" if request.param == "file" else request.param
    return make_world(result_backend=url)


def deliver(world, *bodies):
    """Deliver each body as a message of its own; return events and outcomes."""
    events = [parse_event(world.event(body)) for body in bodies]
    return events, [redeliver(world, event) for event in events]


def redeliver(world, event):
    world.worker.deduplicator.done.clear()  # As another process would.
    (verdict,) = world.worker.handle(event)
    return verdict.outcome.value


def run_retries(world, task, task_id):
    """Run a task and its retries; deliver each message again at once, and at the end."""
    events = []
    bodies = [world.body(task.s().set(task_id=task_id))]
    while bodies:
        for body in bodies:
            ((event,), (outcome,)) = deliver(world, body)
            assert outcome == "done"
            events.append(event)
            bodies = world.take()
    return events


def register(world, name, **options):
    return world.app.task(name=f"t.{name}", bind=True, shared=False, **options)


def test_a_retry_beside_a_result_runs_as_by_a_worker(world):
    runs = []

    @register(world, "unthrown")
    def unthrown(self):
        runs.append(self.request.retries)
        if self.request.retries < 2:
            self.retry(countdown=0, throw=False)
        return "kept"

    events = run_retries(world, unthrown, "unthrown")

    assert runs == [0, 1, 2]
    assert world.result("unthrown") == "kept"
    assert [redeliver(world, event) for event in events] == ["duplicate"] * 3
    assert runs == [0, 1, 2]


def test_a_retry_after_a_success_of_the_tasks_own_runs(world):
    runs = []

    @register(world, "early")
    def early(self):
        runs.append(self.request.retries)
        self.update_state(state="SUCCESS", meta="so far")
        if not self.request.retries:
            raise self.retry(countdown=0)
        return "end"

    events = run_retries(world, early, "early")

    assert runs == [0, 1]
    outcomes = [redeliver(world, event) for event in events]
    assert (outcomes, runs) == (["duplicate"] * 2, [0, 1])


def test_two_retries_of_one_run_both_run(world):
    runs = []

    @register(world, "twice")
    def twice(self):
        runs.append(self.request.retries)
        if not self.request.retries:
            self.retry(countdown=0, throw=False)
            self.retry(countdown=0, throw=False)

    world.handle(world.body(twice.s().set(task_id="twice")))
    bodies = world.take()
    events, outcomes = deliver(world, *bodies)

    assert (outcomes, runs) == (["done"] * 2, [0, 1, 1])
    assert [redeliver(world, event) for event in events] == ["duplicate"] * 2


def test_a_copy_of_a_retry_that_succeeded_is_a_duplicate(world):
    world.handle(world.tasks.retry.s().set(task_id="copied"))
    (first,) = world.take()
    world.handle(first)
    (second,) = world.take()

    outcomes = [redeliver(world, parse_event(world.event(second))) for _ in range(2)]

    assert world.runs == [("retry", 0), ("retry", 1), ("retry", 2)]
    assert outcomes == ["done", "duplicate"]
    assert redeliver(world, parse_event(world.event(first))) == "duplicate"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_ends_after_an_early_success_loses_no_retry(
    make_world, tmp_path
):
    world = make_world(result_backend=f"file://{tmp_path}")
    runs, parent = [], os.getpid()

    @register(world, "killed")
    def killed(self):
        runs.append(self.request.retries)
        self.update_state(state="SUCCESS", meta="so far")
        if os.getpid() != parent:
            os._exit(9)
        if not self.request.retries:
            raise self.retry(countdown=0)

    event = parse_event(world.event(killed.s().set(task_id="killed")))
    if (child := os.fork()) == 0:
        world.worker.handle(event)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert world.state("killed") == "SUCCESS"

    assert redeliver(world, event) == "done"
    assert deliver(world, *world.take())[1] == ["done"]
    assert runs == [0, 1]


def test_a_success_of_another_worker_is_known(world):
    world.app.backend.store_result("theirs", 5, "SUCCESS")

    (verdict,) = world.handle(world.tasks.add.s(2, 3).set(task_id="theirs"))

    assert verdict.outcome.value == "duplicate"
