"""A worker with its own app, broker and result store, all in this process."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from celery import Celery

from celery_push_worker import PushWorker
from celery_push_worker._events import parse_event
from celery_push_worker.testing import build_bodies, build_event

from .tasks import register


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    application: Any,
    method: str = "POST",
    path: str = "/",
    body: bytes = b"",
    **environ: Any,
) -> Response:
    """Send a request to a WSGI application, both under the validator's eyes."""
    env = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    setup_testing_defaults(env)
    env = {key: value for key, value in env.items() if value is not None}
    seen: dict[str, Any] = {}

    def start_response(status, headers, exc_info=None):
        seen.update(status=int(status[:3]), headers=dict(headers))
        return lambda _data: None

    chunks = validator(application)(env, start_response)
    try:
        content = b"".join(chunks)
    finally:
        chunks.close()
    return Response(seen["status"], seen["headers"], content)


class World:
    """One app, its tasks, and the worker that executes them."""

    def __init__(self, **conf: Any) -> None:
        self.app = Celery("shop", set_as_current=True)
        self.app.conf.update(
            broker_url="memory://",
            result_backend="cache+memory://",
            task_default_queue="default",
            push_worker_json_logs=False,
        )
        self.app.conf.update(conf)
        self.tasks = register(self.app)
        self.runs: list[Any] = self.tasks.runs
        if self.app.conf.broker_url == "memory://":
            self.purge()
        self.worker = PushWorker(self.app)

    def body(self, signature: Any) -> str:
        (body,) = build_bodies(signature)
        return body

    def event(self, *bodies: Any) -> bytes:
        texts = [b if isinstance(b, str) else self.body(b) for b in bodies]
        return json.dumps(build_event(texts)).encode()

    def post(self, *bodies: Any) -> Response:
        return call(self.worker, body=self.event(*bodies))

    def post_raw(self, raw: bytes) -> Response:
        return call(self.worker, body=raw)

    def handle(self, *bodies: Any) -> list[Any]:
        return self.worker.handle(parse_event(self.event(*bodies)))

    def state(self, task_id: str) -> str:
        return self.app.backend.get_task_meta(task_id, cache=False)["status"]

    def result(self, task_id: str) -> Any:
        return self.app.backend.get_task_meta(task_id, cache=False)["result"]

    def take(self) -> list[str]:
        """Take what was published, as bodies of new deliveries."""
        bodies = []
        with self.app.connection_for_read() as connection:
            queue = connection.SimpleQueue("default")
            while True:
                try:
                    message = queue.get_nowait()
                except queue.Empty:
                    break
                message.ack()
                bodies.append(json.dumps(message._raw))
            queue.close()
        return bodies

    def run_all(self) -> list[Any]:
        """Deliver what is published until nothing more is."""
        verdicts = []
        while bodies := self.take():
            for body in bodies:
                verdicts += self.handle(body)
        return verdicts

    def purge(self) -> None:
        with self.app.connection_for_write() as connection:
            queue = connection.SimpleQueue("default")
            queue.clear()
            queue.close()
