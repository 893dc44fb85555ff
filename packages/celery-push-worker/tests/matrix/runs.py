"""Every scenario through a real worker, and through the trigger and our worker.

``run_both`` publishes once, gives both sides the same messages and the same table, lets
each side work until nothing more happens, and returns what was observed of either.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .environments import PACKAGE, find_python
from .observations import Publication, observe
from .scenarios import SCENARIOS
from .stand_in import MAX_RECEIVE_COUNT, Place, StandIn, wait_for

HERE = Path(__file__).parent
LANES = sorted({scenario.lane for scenario in SCENARIOS.values()})

FURTHER = {"queues": ("heavy", "mail"), "topics": ("heavy", "mail")}
"""Queues beside the default one, by the profile of a lane."""

QUIET_SECONDS = {"solo": 2.5, "prefork": 3.5}
"""Longer than any pause: a rejected message is hidden for one second, the queue is
looked at once a second, and a pool of processes looks at its limits once a second."""


def run_both(stand_in: StandIn, celery: str, folder: Path) -> dict[str, Any]:
    """Return observations of both sides, by side and scenario."""
    python = find_python(celery)
    with ThreadPoolExecutor(len(LANES)) as pool:
        parts = list(
            pool.map(lambda lane: run_lane(stand_in, python, lane, folder), LANES)
        )
    found: dict[str, Any] = {"reference": {}, "push": {}}
    for part in parts:
        for side, observed in part.items():
            found[side] |= observed
    return found


def run_lane(
    stand_in: StandIn, python: str, lane: str, folder: Path
) -> dict[str, dict[str, Any]]:
    further = FURTHER.get(lane.partition("-")[0], ())
    reference, push = stand_in.make_place(*further), stand_in.make_place(*further)
    sides = {"reference": reference, "push": push}
    told = publish(python, lane, reference, folder)
    raw = copy(reference, push, told)
    observed = {}
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        jobs = {
            side: pool.submit(work, side, place, python, lane, folder)
            for side, place in sides.items()
        }
        for side, job in jobs.items():
            log = job.result()
            publication = Publication(lane, told, raw if side == "push" else {})
            observed[side] = observe(sides[side], log, publication)
    return observed


def publish(python: str, lane: str, place: Place, folder: Path) -> dict[str, Any]:
    path = folder / f"{lane}.published.json"
    subprocess.run(
        [python, str(HERE / "scenarios.py"), lane, str(path)],
        env=make_environ(place, lane),
        check=True,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def copy(source: Place, target: Place, told: dict[str, Any]) -> dict[str, str]:
    """Give the target the source's messages and rows; return ids of its messages."""
    for page in source.dynamodb.get_paginator("scan").paginate(TableName=source.name):
        for item in page["Items"]:
            target.dynamodb.put_item(TableName=target.name, Item=item)
    ids = {}
    for line in source.read_log():
        url = target.urls[line["queue"]]
        answer = target.sqs.send_message(QueueUrl=url, MessageBody=line["body"])
        ids[line["message_id"]] = answer["MessageId"]
    return ids


def make_environ(place: Place, lane: str, log: Path | None = None) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    own = place.environment
    # The package's entry point would look for it, and prepare a plain worker, too.
    del own["SQS_QUEUE"]
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **own,
        "LABORATORY_QUEUES": json.dumps(place.urls),
        "PYTHONPATH": os.pathsep.join([str(HERE), str(PACKAGE / "src")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LABORATORY_PROFILE": lane.partition("-")[0],
        "LABORATORY_LOG": str(log or ""),
        "CELERY_APP": "laboratory:app",
        # The reference would not decode pickle as root otherwise.
        "C_FORCE_ROOT": "1",
        # A proxy has no part in this.
        "NO_PROXY": "127.0.0.1",
    }


def work(side: str, place: Place, python: str, lane: str, folder: Path) -> Path:
    """Start one side, let it work until nothing more happens, and stop it."""
    log = folder / f"{lane}.{side}.jsonl"
    log.touch()
    environ = make_environ(place, lane, log)
    start = start_reference if side == "reference" else start_push
    with start(python, place, environ, lane, folder / f"{lane}.{side}.log") as process:
        wait_for(lambda: "worker_ready" in log.read_text(), what=f"{lane}'s {side}")
        for _ in range(MAX_RECEIVE_COUNT + 3):
            wait_until_quiet(place, log, lane, process)
            if not place.lapse():
                break
        else:
            raise RuntimeError(f"{lane}: {side} leaves messages in the queue")
    return log


def wait_until_quiet(place: Place, log: Path, lane: str, process: Any) -> None:
    last, since = None, time.monotonic()
    end = since + 90 * find_slowness()
    pause = QUIET_SECONDS[lane.partition("-")[2]]
    while time.monotonic() - since < pause * find_slowness():
        if process.poll() is not None:
            raise RuntimeError(f"{lane}: the worker ended, {process.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"{lane}: still not quiet")
        time.sleep(0.1)
        now = (len(place.read_log()), log.stat().st_size)
        if now != last or has_waiting_tasks(log):
            last, since = now, time.monotonic()


def find_slowness() -> float:
    """Return how much longer a pause may be: a process waits for its turn, too."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def has_waiting_tasks(log: Path) -> bool:
    """Return whether a task was received that a pool of processes has not started."""
    text = log.read_text()
    kinds = ("task_received", "task_prerun", "task_revoked")
    received, started, revoked = (text.count(f'"signal": "{kind}"') for kind in kinds)
    return received > started + revoked


@contextmanager
def start_reference(
    python: str, place: Place, environ: dict[str, str], lane: str, output: Path
) -> Iterator[Any]:
    pool = lane.partition("-")[2]
    command = [python, "-m", "celery", "-A", "laboratory", "worker", "-P", pool]
    options = ["-c", "1", "--without-gossip", "--without-mingle", "-l", "INFO"]
    options += ["-Q", ",".join(place.urls)]
    # Over SQS a plain worker has no bindings to publish by, and loses what a topic's
    # task publishes. What is compared is what it does where the broker has them.
    environ = {**environ, "LABORATORY_BINDINGS": "1"}
    with running([*command, *options], environ, output) as process:
        yield process


@contextmanager
def start_push(
    python: str, place: Place, environ: dict[str, str], _lane: str, output: Path
) -> Iterator[Any]:
    port = find_port()
    command = [
        python,
        "-m",
        "gunicorn",
        "-c",
        "python:celery_push_worker.gunicorn",
    ]
    environ = {**environ, "PORT": str(port)}
    application = "celery_push_worker.wsgi:application"
    with running([*command, application], environ, output) as process:
        wait_for(lambda: is_ready(port, process), what="the push worker")
        with ExitStack() as stack:
            for queue in place.urls:
                stack.enter_context(Trigger(place, port, queue=queue))
            yield process


@contextmanager
def running(
    command: list[str], environ: dict[str, str], output: Path, folder: Path = HERE
) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, env=environ, cwd=folder, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def find_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def is_ready(port: int, process: Any = None) -> bool:
    if process is not None and process.poll() is not None:
        raise RuntimeError("The push worker ended")
    try:
        return request(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def request(
    port: int, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Trigger:
    """Receives, POSTs the event, deletes what was answered with 2xx."""

    def __init__(
        self, place: Place, port: int, *, batch: int = 1, queue: str = "default"
    ) -> None:
        self.place = place
        self.url = place.urls[queue]
        self.queue = place.queues[queue]
        self.port = port
        self.batch = batch
        self.answers: list[tuple[int, bytes]] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Trigger:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(20)

    def run(self) -> None:
        while not self.stopping.is_set():
            self.step(wait_seconds=1)

    def step(self, *, wait_seconds: int = 0) -> bool:
        """Deliver one batch; return whether there was any."""
        answer = self.place.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=self.batch,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            return False
        event = json.dumps(render_event(messages, self.queue)).encode()
        try:
            status, body = request(self.port, "POST", "/", event)
        except (OSError, http.client.HTTPException) as exc:
            status, body = 502, repr(exc).encode()
        self.answers.append((status, body))
        if 200 <= status < 300:
            for message in messages:
                self.place.sqs.delete_message(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                )
        return True


def render_event(messages: list[dict[str, Any]], queue: str) -> dict[str, Any]:
    """Return the trigger's event, field by field as it is documented."""
    return {"messages": [render_message(message, queue) for message in messages]}


def render_message(message: dict[str, Any], queue: str) -> dict[str, Any]:
    attributes = {
        name: {
            "data_type": value["DataType"],
            "string_value": value.get("StringValue", ""),
        }
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "event_metadata": {
            "event_id": message["MessageId"],
            "event_type": "yandex.cloud.events.messagequeue.QueueMessage",
            "created_at": "2026-01-01T00:00:00.000000Z",
            "cloud_id": "b1gcloud",
            "folder_id": "b1gfolder",
        },
        "details": {
            "queue_id": f"yrn:yc:ymq:ru-central1:b1gfolder:{queue}",
            "message": {
                "message_id": message["MessageId"],
                "md5_of_body": message["MD5OfBody"],
                "body": message["Body"],
                "attributes": {"SentTimestamp": message["Attributes"]["SentTimestamp"]},
                "message_attributes": attributes,
                "md5_of_message_attributes": message.get("MD5OfMessageAttributes", ""),
            },
        },
    }
