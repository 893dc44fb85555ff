from __future__ import annotations

import pytest

from celery_push_worker._events import parse_event


def outcomes(verdicts):
    return [verdict.outcome.value for verdict in verdicts]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_what_was_done_is_not_done_again_when_the_request_comes_back(world, position):
    tasks = world.tasks
    signatures = [tasks.quiet.s("a"), tasks.fail.s(), tasks.retry.s()]
    signatures.insert(position, tasks.reject.s(requeue=True))
    events = parse_event(world.event(*signatures))

    first = outcomes(world.worker.handle(events))
    runs = list(world.runs)
    second = outcomes(world.worker.handle(events))

    expected = ["done"] * 3
    expected.insert(position, "retry_later")
    assert first == expected
    assert second == [o.replace("done", "duplicate") for o in expected]
    assert world.runs == [*runs, "reject"]


def test_another_process_knows_what_was_done_from_the_result_store(make_world):
    world = make_world()
    tasks = world.tasks
    bodies = [tasks.quiet.s("a"), tasks.fail.s(), tasks.add.s(1, 2), tasks.retry.s()]
    events = parse_event(world.event(*bodies, tasks.reject.s(requeue=True)))
    world.worker.handle(events)
    world.worker.deduplicator.done.clear()
    world.runs.clear()

    again = outcomes(world.worker.handle(events))

    assert again == ["duplicate"] * 4 + ["retry_later"]
    assert world.runs == ["reject"]


def test_a_message_that_was_not_done_is_executed_again(world):
    events = parse_event(world.event(world.tasks.reject.s(requeue=True)))

    world.worker.handle(events)
    world.worker.handle(events)

    assert world.runs == ["reject", "reject"]


def test_a_message_that_comes_twice_in_one_request_is_executed_once(world):
    body = world.body(world.tasks.add.s(1, 2))

    assert outcomes(world.handle(body, body)) == ["done", "duplicate"]


def test_the_answer_is_200_only_when_everything_is_done(world):
    tasks = world.tasks

    assert world.post(tasks.add.s(1, 1), tasks.fail.s()).status == 200
    assert world.post(tasks.add.s(1, 1), tasks.reject.s()).status == 500
    assert world.post(tasks.reject.s(), tasks.reject.s(requeue=True)).status == 503


def test_a_failed_task_is_executed_when_it_is_sent_again(world):
    signature = world.tasks.fail.s().set(task_id="same")

    world.handle(signature)
    world.handle(signature)

    assert world.runs == ["fail", "fail"]


def test_duplicates_are_executed_when_the_setting_says_so(make_world):
    world = make_world(push_worker_deduplicate=False)
    body = world.body(world.tasks.add.s(1, 2))

    world.handle(body)
    world.handle(body)

    assert len(world.runs) == 2


def test_a_worker_without_a_result_store_reads_none(make_world):
    world = make_world(result_backend=None)
    tasks = world.tasks

    events = parse_event(world.event(tasks.add.s(1, 2), tasks.reject.s()))
    assert outcomes(world.worker.handle(events)) == ["done", "dead"]
    assert outcomes(world.worker.handle(events)) == ["duplicate", "dead"]
