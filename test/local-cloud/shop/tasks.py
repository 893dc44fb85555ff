"""The tasks of a small project without Django, for the tests of the local cloud."""

import os
import time

import celery_push_worker.publisher  # noqa: F401
from celery import Celery

app = Celery("shop")
app.conf.update(
    task_default_queue="default",
    broker_transport_options={"is_secure": True, "predefined_queues": {"default": {"url": os.environ["SQS_QUEUE"]}}},
    dynamodb_endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"],
)


@app.task
def note(path, text, seconds=0):
    """Leaves a trace of its execution."""
    time.sleep(seconds)
    with open(path, "a") as file:
        file.write(f"{text}\n")
    return text
