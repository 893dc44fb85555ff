"""A Celery project whose queue is the local one: what a worker runs, and what a site sends."""

import os

from celery import Celery, chain

app = Celery(
    "shop",
    broker=os.environ["BROKER"],
    backend=f"file://{os.environ['RESULTS']}",
)
app.conf.update(
    task_default_queue="default",
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "region": "ru-central1",
        "wait_time_seconds": 1,
        "polling_interval": 0.1,
        "predefined_queues": {"default": {"url": os.environ["SQS_QUEUE"]}},
    },
)


@app.task
def add(a, b):
    return a + b


@app.task(bind=True, max_retries=2)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    return f"after {self.request.retries}"


@app.task
def fail():
    raise ValueError("as wanted")


if __name__ == "__main__":
    sums = [add.delay(number, number) for number in range(20)]
    retried, failed = flaky.delay(), fail.delay()
    chained = chain(add.s(1, 2), add.s(3), add.s(4))()
    assert [result.get(timeout=60) for result in sums] == [2 * number for number in range(20)]
    assert chained.get(timeout=60) == 10
    assert retried.get(timeout=60) == "after 2"
    assert failed.get(timeout=60, propagate=False).args == ("as wanted",)
    print("all done")
