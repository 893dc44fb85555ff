"""The site on this machine: a queue and a results table by moto, the site by gunicorn, and whatever
executes the tasks. Used by the tests, and by `python -m tests.local` to click through the page.
"""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import boto3

PROJECT = Path(__file__).resolve().parent.parent
REGION = "ru-central1"
KEY = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
TABLE = "celery"
START_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Queue and table, as the containers' environment names them."""

    env: dict[str, str]
    queue_url: str

    def client(self, service: str):
        key = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": REGION}
        return boto3.client(service, endpoint_url=self.env[f"AWS_ENDPOINT_URL_{service.upper()}"], **key)


@contextmanager
def run_cloud(folder: Path):
    port, log = free_port(), folder / "cloud.log"
    endpoint = f"http://localhost:{port}"
    # moto knows the region of Yandex Cloud only when it is allowed to.
    command = ["moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with run_process(command, {"MOTO_ALLOW_NONEXISTENT_REGION": "true"}, log) as process:
        wait_for(lambda: answers(f"{endpoint}/moto-api/"), process, log)
        yield make_cloud(endpoint)


def make_cloud(endpoint: str) -> Cloud:
    env = {
        **KEY,
        "AWS_ENDPOINT_URL_SQS": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "CELERY_BROKER_URL": "sqs://",
        "CELERY_RESULT_BACKEND": f"dynamodb://@{REGION}/{TABLE}?ttl_seconds=86400",
    }
    cloud = Cloud(env=env, queue_url="")
    queue_url = cloud.client("sqs").create_queue(QueueName="tasks")["QueueUrl"]
    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return Cloud(env={**env, "SQS_QUEUE": queue_url}, queue_url=queue_url)


@contextmanager
def run_process(command, env, log: Path):
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), "PYTHONUNBUFFERED": "1", **env},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def run_site(cloud: Cloud, folder: Path, port: int = 0, **env: str):
    port = port or free_port()
    site = {"URL_SCHEME": "http", "GUNICORN_CMD_ARGS": "--threads=4", **cloud.env, **env}
    log = folder / "site.log"
    with run_process(["celery_push_worker", "web"], {**site, **listen_at(port)}, log) as process:
        url = f"http://localhost:{port}"
        wait_for(lambda: answers(f"{url}/static/jobs/icon.svg"), process, log)
        yield url


def listen_at(port: int) -> dict[str, str]:
    """What a container is told besides."""
    return {"DJANGO_DEBUG": "1", "CELERY_APP": "shop.celery:app", "LISTEN_HOST": "127.0.0.1", "PORT": str(port)}


@contextmanager
def run_celery(cloud: Cloud, folder: Path):
    """A plain Celery worker, as any Django project has it."""
    log = folder / "worker.log"
    command = ["celery", "-A", "shop", "worker", "-P", "solo", "-l", "info"]
    with run_process(command, {"DJANGO_DEBUG": "1", **cloud.env}, log) as process:
        wait_for(lambda: " ready." in log.read_text(), process, log)
        yield


@contextmanager
def run_push(cloud: Cloud, folder: Path):
    """The worker container and the trigger that calls it, as in the cloud."""
    port, log = free_port(), folder / "worker.log"
    with run_process(["celery_push_worker", "worker"], {**cloud.env, **listen_at(port)}, log) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{url}/healthz"), process, log)
        stopped = Event()
        trigger = Thread(target=run_trigger, args=(cloud, url, stopped))
        trigger.start()
        try:
            yield
        finally:
            stopped.set()
            trigger.join()


def run_trigger(cloud: Cloud, url: str, stopped: Event):
    """Hands each message to the worker, and deletes it only when the answer is 2xx."""
    sqs = cloud.client("sqs")
    while not stopped.is_set():
        for message in sqs.receive_message(QueueUrl=cloud.queue_url, WaitTimeSeconds=1).get("Messages", []):
            request = Request(url, json.dumps(event_of(message)).encode(), {"Content-Type": "application/json"})
            with suppress(HTTPError), urlopen(request):
                sqs.delete_message(QueueUrl=cloud.queue_url, ReceiptHandle=message["ReceiptHandle"])


def event_of(message: dict) -> dict:
    """What the trigger POSTs for a message."""
    metadata = {
        "event_id": message["MessageId"],
        "event_type": "yandex.cloud.events.messagequeue.QueueMessage",
        "created_at": datetime.now(timezone.utc).isoformat(),
        "cloud_id": "b1gcloud",
        "folder_id": "b1gfolder",
    }
    content = {
        "message_id": message["MessageId"],
        "md5_of_body": message["MD5OfBody"],
        "body": message["Body"],
        "attributes": {"SentTimestamp": str(int(time.time() * 1000))},
        "message_attributes": {},
        "md5_of_message_attributes": "",
    }
    details = {"queue_id": f"yrn:yc:ymq:{REGION}:b1gfolder:tasks", "message": content}
    return {"messages": [{"event_metadata": metadata, "details": details}]}


EXECUTORS = {"celery": run_celery, "push": run_push}


@contextmanager
def run_all(folder: Path, executor: str, port: int = 0):
    with ExitStack() as stack:
        cloud = stack.enter_context(run_cloud(folder))
        stack.enter_context(EXECUTORS[executor](cloud, folder))
        yield stack.enter_context(run_site(cloud, folder, port))


def wait_for(condition, process: subprocess.Popen, log: Path):
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{' '.join(process.args)} did not start:\n{log.read_text()}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:
            return response.status == 200
    except (URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
