"""One task per behaviour, made for a fresh app each time."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

from celery import Celery
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded


def register(app: Celery) -> Any:
    runs: list[Any] = []
    # Celery would give a shared task to every later app, and to other tests.
    task = partial(app.task, shared=False)

    @task(name="t.add")
    def add(x, y):
        runs.append(("add", x, y))
        return x + y

    @task(name="t.total")
    def total(numbers):
        runs.append(("total", tuple(numbers)))
        return sum(numbers)

    @task(name="t.quiet", ignore_result=True)
    def quiet(word="run"):
        runs.append(word)

    @task(name="t.fail")
    def fail():
        runs.append("fail")
        raise ValueError("secret")

    @task(name="t.fail_late", acks_late=True)
    def fail_late():
        runs.append("fail_late")
        raise ValueError("secret")

    @task(name="t.fail_unacked", acks_late=True, acks_on_failure_or_timeout=False)
    def fail_unacked():
        runs.append("fail_unacked")
        raise ValueError("secret")

    @task(name="t.retry", bind=True, max_retries=2)
    def retry(self, countdown=0):
        runs.append(("retry", self.request.retries))
        if self.request.retries < 2:
            raise self.retry(countdown=countdown)
        return "done"

    @task(name="t.reject", acks_late=True)
    def reject(requeue=False):
        runs.append("reject")
        raise Reject("no", requeue=requeue)

    @task(name="t.reject_early")
    def reject_early():
        raise Reject("no", requeue=False)

    @task(name="t.ignore")
    def ignore():
        runs.append("ignore")
        raise Ignore

    @task(name="t.leave")
    def leave():
        sys.exit(3)

    @task(name="t.die")
    def die():
        os._exit(9)

    @task(name="t.sleep")
    def sleep(seconds):
        runs.append("sleep")
        time.sleep(seconds)
        return "slept"

    @task(name="t.tidy")
    def tidy(seconds):
        try:
            time.sleep(seconds)
        except SoftTimeLimitExceeded:
            return "tidied"
        return "slept"

    @task(name="t.deaf")
    def deaf(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                time.sleep(0.05)
            except BaseException:
                pass
        return "slept"

    @task(name="t.context", bind=True)
    def context(self):
        request = self.request
        runs.append(request)
        return {
            "id": request.id,
            "retries": request.retries,
            "root_id": request.root_id,
            "parent_id": request.parent_id,
            "group": request.group,
            "headers": request.headers,
            "delivery_info": request.delivery_info,
            "is_eager": request.is_eager,
            "called_directly": request.called_directly,
            "priority": request.delivery_info["priority"],
        }

    @task(name="t.replace", bind=True)
    def replace(self):
        raise self.replace(add.s(20, 3))

    @task(name="t.errback")
    def errback(request, exc, traceback):
        runs.append(("errback", type(exc).__name__))

    @task(name="t.after", after_return=lambda *_: 1 / 0)
    def after():
        runs.append("after")
        return 1

    names = {k: v for k, v in locals().items() if k not in ("app", "task")}
    return SimpleNamespace(**names)
