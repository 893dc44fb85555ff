"""Tasks of every kind, whose worker also writes what it prints, with the time, to the file that LINES names."""

import os
import subprocess
import sys

import celery_push_worker.publisher  # noqa: F401
from celery import Celery

COPY = """
import sys, time
with open(sys.argv[1], "a", buffering=1) as copy:
    for line in sys.stdin:
        copy.write(f"{time.time_ns() // 1_000_000} {line}")
        print(line, end="", flush=True)
"""

if "LINES" in os.environ:
    reader = subprocess.Popen([sys.executable, "-c", COPY, os.environ["LINES"]], stdin=subprocess.PIPE)
    for stream in (1, 2):
        os.dup2(reader.stdin.fileno(), stream)

app = Celery("parity")
app.conf.update(
    task_default_queue="default",
    push_worker_log_arguments=True,
    broker_transport_options={"is_secure": True, "predefined_queues": {"default": {"url": os.environ["SQS_QUEUE"]}}},
    dynamodb_endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"],
)


@app.task
def add(one, other, note=None):
    return one + other


@app.task
def fail(text):
    raise ValueError(text)


@app.task(bind=True, max_retries=1)
def retry(self, text):
    if self.request.retries == 0:
        raise self.retry(exc=KeyError(text), countdown=1)
    return text


@app.task
def parent(number):
    add.delay(number, 1)
