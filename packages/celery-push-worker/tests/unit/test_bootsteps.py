from __future__ import annotations

import logging

import pytest
from celery import Celery, bootsteps

from celery_push_worker._bootsteps import Bootsteps
from celery_push_worker._lifecycle import WorkerIdentity

TIMER = "celery.worker.components:Timer"


@pytest.fixture
def app():
    return Celery("steps", set_as_current=False)


@pytest.fixture
def seen():
    return []


def run(app):
    worker = WorkerIdentity(app)
    steps = Bootsteps(app)
    steps.make(worker)
    steps.start(worker)
    steps.stop(worker)
    return worker


def test_a_step_is_made_started_and_stopped(app, seen):
    class Step(bootsteps.StartStopStep):
        def __init__(self, worker, **_):
            seen.append(("made", worker.app))

        def create(self, worker):
            seen.append("created")

        def start(self, worker):
            seen.append("started")

        def close(self, worker):
            seen.append("closed")

        def stop(self, worker):
            seen.append("stopped")

    app.steps["worker"].add(Step)

    run(app)

    assert seen == [("made", app), "created", "started", "closed", "stopped"]


def test_a_step_comes_after_the_one_that_it_needs(app, seen):
    class First(bootsteps.Step):
        def __init__(self, worker, **_):
            seen.append("first")

    class Second(bootsteps.Step):
        requires = (First,)

        def __init__(self, worker, **_):
            seen.append("second")

    app.steps["worker"] |= {Second}

    run(app)

    assert seen == ["first", "second"]


def test_a_step_that_is_not_included_is_not_started(app, seen):
    class Step(bootsteps.StartStopStep):
        enabled = False

        def start(self, worker):
            seen.append("started")

    app.steps["worker"].add(Step)

    run(app)

    assert seen == []


def test_steps_that_need_a_consumer_are_named_once_and_the_others_run(
    app, seen, caplog
):
    class Direct(bootsteps.Step):
        requires = (TIMER,)

        def __init__(self, worker, **_):
            seen.append("direct")

    class Indirect(bootsteps.Step):
        requires = (Direct,)

        def __init__(self, worker, **_):
            seen.append("indirect")

    class Unsaid(bootsteps.StartStopStep):
        def start(self, worker):
            worker.pool.restart()

    class Consumer(bootsteps.ConsumerStep):
        pass

    class Free(bootsteps.Step):
        def __init__(self, worker, **_):
            seen.append("free")

    app.steps["worker"] |= {Direct, Indirect, Unsaid, Free}
    app.steps["consumer"].add(Consumer)

    worker = run(app)

    assert seen == ["free"]
    assert worker.steps == []
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    for name in ("Direct", "Indirect", "Unsaid", "Consumer"):
        assert line.count(f"{name} (") == 1
    assert "celery.worker.components.Timer" in line
    assert "'pool'" in line


def test_an_error_of_a_step_ends_the_start_as_it_does_in_a_worker(app):
    class Step(bootsteps.Step):
        def __init__(self, worker, **_):
            raise AttributeError("mine")

    app.steps["worker"].add(Step)

    with pytest.raises(AttributeError, match="mine"):
        run(app)


def test_a_step_that_cannot_stop_does_not_keep_the_others(app, seen, caplog):
    class First(bootsteps.StartStopStep):
        def stop(self, worker):
            seen.append("first")

    class Second(bootsteps.StartStopStep):
        requires = (First,)

        def stop(self, worker):
            raise ValueError

    app.steps["worker"].add(Second)

    run(app)

    assert seen == ["first"]
    assert "failed in 'stop'" in caplog.text
