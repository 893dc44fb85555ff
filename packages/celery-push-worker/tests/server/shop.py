"""The project that the server tests run."""

import os
import time

from celery import Celery, signals

FOLDER = os.environ["SHOP_FOLDER"]

app = Celery("shop")
app.conf.update(
    broker_url="memory://",
    result_backend=f"file://{FOLDER}",
    task_default_queue="default",
    push_worker_grace_seconds=0.3,
)


def note(line):
    with open(f"{FOLDER}/notes", "a", encoding="utf-8") as notes:
        notes.write(line + "\n")


@app.task(name="t.add", shared=False)
def add(x, y):
    return x + y


@app.task(name="t.sleep", shared=False)
def sleep(seconds):
    note("begun")
    time.sleep(seconds)
    note("ended")


@app.task(name="t.die", shared=False)
def die():
    note("died")
    os._exit(9)


@app.task(name="t.deaf", shared=False)
def deaf(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.05)
        except BaseException:
            pass


for name in (
    "celeryd_init",
    "celeryd_after_setup",
    "worker_init",
    "worker_process_init",
    "worker_ready",
    "worker_shutting_down",
    "worker_process_shutdown",
    "worker_shutdown",
):
    getattr(signals, name).connect(
        lambda name=name, **_: note(name), weak=False, dispatch_uid=name
    )
