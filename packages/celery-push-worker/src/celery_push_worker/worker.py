"""The WSGI application: executes a request's messages, and responds with one status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextvars import copy_context
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ._connections import IdleWatch
from ._deduplication import Deduplicator
from ._events import parse_event
from ._handler import MessageHandler
from ._install import install
from ._lifecycle import TaskContext, WorkerIdentity, start_worker
from ._log_setup import set_up_logging
from ._logs import log, logged
from ._outcomes import Answer, MessageResult, Outcome, plan_answer
from ._requests import read_body, read_request_id, reject_gateway
from ._settings import load_settings, read_settings
from .exceptions import Reason, RequestError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from celery import Celery

    from ._events import Event

__all__ = ["PushWorker"]

HEALTH_PATH = "/healthz"

INFRASTRUCTURE = (Reason.STORE_FAILED, Reason.BROKER_FAILED)
"""Reasons for which the next message would fail as well."""


class PushWorker:
    """A WSGI application that executes the Celery messages POSTed to it.

    Creating it imports the app's tasks and sends the signals of a worker's start.

    :param app: the Celery app whose tasks are executed.
    :param take_over_logging: replace the process's log handlers, as ``celery worker``
        does. Otherwise they are set up only if there are none.
    :raises ConfigurationError: names every ``push_worker_*`` setting of a wrong type.
    """

    def __init__(self, app: Celery, *, take_over_logging: bool = False) -> None:
        self.app = app
        load_settings(app)
        self.settings = read_settings(app)
        install(app)
        identity = WorkerIdentity(app)
        start_worker(
            identity,
            prepare_logging=partial(
                set_up_logging, app, self.settings, take_over=take_over_logging
            ),
        )
        self.deduplicator = Deduplicator(app, self.settings)
        self.handler = MessageHandler(identity, self.settings, self.deduplicator)
        self.idle_watch = IdleWatch(app, self.settings.idle_seconds)
        self.tasks = TaskContext(copy_context())

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Respond to one request."""
        headers: dict[str, str] = {}
        try:
            answer = self.answer(environ)
        except RequestError as exc:
            answer, headers = render_problem(exc.status, str(exc)), exc.headers
            log.warning(
                "Request rejected: %s", exc, extra={"fields": {"status": exc.status}}
            )
        except Exception:  # noqa: BLE001  the trigger must get a response
            log.exception("A request failed")
            answer = render_problem(500, "internal_error")
        content = respond(answer, headers, start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else content

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """Return the response to a request.

        :raises RequestError: it does not come from a trigger.
        """
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            return answer_health(environ)
        if method != "POST":
            raise RequestError(405, "Only POST is allowed", Allow="POST")
        reject_gateway(environ, self.settings.public_hosts)
        events = parse_event(read_body(environ, self.settings.max_body_bytes))
        self.idle_watch.wake()
        try:
            return plan_answer(self.handle(events, read_request_id(environ)))
        finally:
            self.idle_watch.rest()

    def handle(
        self, events: Sequence[Event], request_id: str | None = None
    ) -> list[MessageResult]:
        """Handle the messages of one request, in their order."""
        alone = len(events) == 1
        fields = {"request_id": request_id} if request_id else {}
        handle = partial(self.handler.handle, alone=alone, fields=fields)
        results: list[MessageResult] = []
        is_down = False
        for event in events:
            if is_down:
                results.append(leave(event))
                continue
            result = self.tasks.context.run(handle, event)
            is_down = result.reason in INFRASTRUCTURE
            results.append(result)
        self.remember(results)
        return results

    def remember(self, results: Sequence[MessageResult]) -> None:
        """Record what was done of a request that will come back."""
        done = [result.message_id for result in results if result.outcome.is_done]
        if done and len(done) < len(results):
            with logged("Done messages cannot be recorded"):
                self.deduplicator.mark(done)


def leave(event: Event) -> MessageResult:
    return MessageResult(
        message_id=event.message_id,
        outcome=Outcome.RETRY_LATER,
        reason=Reason.NOT_STARTED,
    )


def answer_health(environ: WSGIEnvironment) -> Answer:
    if environ.get("PATH_INFO", "") != HEALTH_PATH:
        raise RequestError(404, "Not found: events are POSTed to this path")
    return Answer(status=HTTPStatus.OK, body=b'{"status": "ready"}')


def render_problem(status: int, problem: str) -> Answer:
    return Answer(status=status, body=json.dumps({"error": problem}).encode())


def respond(
    answer: Answer, headers: dict[str, Any], start_response: StartResponse
) -> list[bytes]:
    start_response(
        f"{int(answer.status)} {HTTPStatus(answer.status).phrase}",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            *headers.items(),
        ],
    )
    return [answer.body]
