from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pytest
from celery import signals

TESTS = Path(__file__).parent.parent


def limited(signature, soft=None, hard=None):
    task_id = str(uuid.uuid4())
    return task_id, signature.set(
        task_id=task_id, soft_time_limit=soft, time_limit=hard
    )


def test_the_soft_limit_interrupts_and_the_task_may_go_on(world):
    task_id, signature = limited(world.tasks.tidy.s(5), soft=0.1)

    world.handle(signature)

    assert world.result(task_id) == "tidied"


def test_the_soft_limit_fails_a_task_that_does_not_catch_it(world):
    task_id, signature = limited(world.tasks.sleep.s(5), soft=0.1)

    verdicts = world.handle(signature)

    assert verdicts[0].outcome.value == "done"
    assert type(world.result(task_id)).__name__ == "SoftTimeLimitExceeded"


def test_the_hard_limit_ends_the_task_and_records_it(world):
    task_id, signature = limited(world.tasks.sleep.s(5), hard=0.1)

    verdicts = world.handle(signature)

    assert verdicts[0].outcome.value == "done"
    assert type(world.result(task_id)).__name__ == "TimeLimitExceeded"


@pytest.mark.parametrize("acks_late", [False, True])
def test_the_hard_limit_is_told_once_as_a_pool_tells_it(world, acks_late):
    world.tasks.sleep.acks_late = acks_late
    told = []

    def receive(sender, task_id, exception, args, einfo, **_):
        told.append((sender.name, task_id, repr(exception), list(args), str(einfo)))

    signals.task_failure.connect(receive)
    task_id, signature = limited(world.tasks.sleep.s(5), hard=0.1)

    world.handle(signature)

    ((name, *rest, traceback),) = told
    assert [name, *rest] == ["t.sleep", task_id, "TimeLimitExceeded(0.1)", [5]]
    assert "TimeLimitExceeded" in traceback


def test_both_limits_apply_one_after_the_other(world):
    @world.app.task(name="t.twice", shared=False)
    def twice():
        try:
            time.sleep(5)
        except Exception:
            time.sleep(5)

    task_id, signature = limited(twice.s(), soft=0.1, hard=0.3)
    world.handle(signature)

    assert type(world.result(task_id)).__name__ == "TimeLimitExceeded"


def test_limits_leave_no_alarm_behind(world):
    before = signal.getsignal(signal.SIGALRM)
    _, signature = limited(world.tasks.add.s(1, 1), soft=30, hard=40)

    world.handle(signature)

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
    threads = [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
    for thread in threads:
        thread.join(2)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("hard", [None, 0.2])
def test_limits_apply_in_another_thread_between_two_lines_of_python(world, hard):
    @world.app.task(name="t.spin", shared=False)
    def spin():
        end = time.monotonic() + 100
        while time.monotonic() < end:
            pass

    task_id, signature = limited(spin.s(), soft=None if hard else 0.2, hard=hard)
    body = world.body(signature)
    thread = threading.Thread(target=world.handle, args=[body])
    thread.start()
    thread.join(90)

    assert not thread.is_alive()
    name = "TimeLimitExceeded" if hard else "SoftTimeLimitExceeded"
    assert type(world.result(task_id)).__name__ == name


STUCK = """
import sys, uuid
sys.path.insert(0, {tests!r})
from support.world import World
world = World(result_backend={store!r}, push_worker_grace_seconds=0.2)
world.handle(world.tasks.deaf.s(20).set(task_id="stuck", time_limit=0.2))
print("not reached")
"""


def test_a_task_that_will_not_end_takes_the_process_with_it(tmp_path, make_world):
    store = f"file://{tmp_path}"
    code = STUCK.format(tests=str(TESTS), store=store)

    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (70, "")
    world = make_world(result_backend=store)
    assert type(world.result("stuck")).__name__ == "TimeLimitExceeded"
