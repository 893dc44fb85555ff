"""A request comes in, its messages are executed, one status goes out."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from celery import signals

from ._deduplication import Ledger
from ._events import parse_event
from ._execution import Executor
from ._install import install
from ._lifecycle import IdleWatch, TaskContext, WorkerIdentity, start_worker
from ._logs import (
    add_handler,
    keep_own_lines,
    log,
    name_tasks,
    quieten,
    remove_handlers,
)
from ._outages import tolerating
from ._outcomes import Answer, Outcome, Verdict, plan_answer
from ._settings import STALL_SECONDS, load_settings, read_settings
from .exceptions import Reason, RequestError, RetryLaterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

    from celery import Celery

    from ._events import Event
    from ._settings import Settings

__all__ = ["PushWorker"]

GATEWAY_HEADERS = (
    "HTTP_X_SERVERLESS_GATEWAY_ID",
    "HTTP_X_SERVERLESS_CERTIFICATE_IDS",
    "HTTP_X_YC_APIGATEWAY_OPERATION_CONTEXT",
)
"""Headers that the gateway adds to what it passes on; the trigger sends none."""

GATEWAY_HOSTS = (".apigw.yandexcloud.net",)
"""Where every gateway answers, whatever other domains it has."""

OWN_HOSTS = (".containers.yandexcloud.net", "localhost", "127.0.0.1", "[::1]", "*")
"""Hosts that are no sign of the gateway, even where the site allows them."""

HEALTH_PATH = "/healthz"

MAX_LENGTH_DIGITS = 15

INFRASTRUCTURE = (Reason.STORE_FAILED, Reason.BROKER_FAILED)
"""Reasons for which the next message would fail, too."""


class PushWorker:
    """A WSGI application that executes the Celery messages POSTed to it.

    Creating it imports the app's tasks and sends the signals of a worker's start.

    :param app: the Celery app whose tasks are executed.
    :param take_over_logging: whether log handlers of the process are replaced, as
        ``celery worker`` does; without it they are set up only where there are none.
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
                prepare_logging, app, self.settings, take_over=take_over_logging
            ),
        )
        self.ledger = Ledger(app, self.settings)
        self.executor = Executor(identity, self.settings, self.ledger)
        self.idle_watch = IdleWatch(app, self.settings.idle_seconds)
        self.tasks = TaskContext(copy_context())

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        headers: dict[str, str] = {}
        try:
            answer = self.answer(environ)
        except RequestError as exc:
            answer, headers = render_problem(exc.status, str(exc)), exc.headers
            log.warning(
                "Refused a request: %s", exc, extra={"fields": {"status": exc.status}}
            )
        except Exception:  # noqa: BLE001  the last fence: the trigger must get an answer
            log.exception("A request failed")
            answer = render_problem(500, "internal_error")
        content = respond(answer, headers, start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else content

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """Return the answer to a request.

        :raises RequestError: the request is none of a trigger's.
        """
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            return answer_health(environ)
        if method != "POST":
            raise RequestError(405, "Only POST is answered", Allow="POST")
        refuse_gateway(environ, self.settings.public_hosts)
        events = parse_event(read_body(environ, self.settings.max_body_bytes))
        self.idle_watch.wake()
        try:
            return plan_answer(self.handle(events, read_request_id(environ)))
        finally:
            self.idle_watch.rest()

    def handle(
        self, events: Sequence[Event], request_id: str | None = None
    ) -> list[Verdict]:
        """Execute the messages of one request, in their order."""
        alone = len(events) == 1
        fields = {"request_id": request_id} if request_id else {}
        verdicts: list[Verdict] = []
        for event in events:
            if verdicts and verdicts[-1].reason in (
                *INFRASTRUCTURE,
                Reason.NOT_STARTED,
            ):
                verdict = Verdict(
                    message_id=event.message_id,
                    outcome=Outcome.RETRY_LATER,
                    reason=Reason.NOT_STARTED,
                )
            else:
                verdict = self.tasks.context.run(
                    self.executor.handle, event, alone=alone, fields=fields
                )
            verdicts.append(verdict)
        self.remember(verdicts)
        return verdicts

    def remember(self, verdicts: Sequence[Verdict]) -> None:
        """Note what was done of a request that comes back whole."""
        done = [v.message_id for v in verdicts if v.outcome.is_done]
        if not done or len(done) == len(verdicts):
            return
        with (
            suppress(RetryLaterError),
            tolerating(Reason.STORE_FAILED, "What was done cannot be noted"),
        ):
            self.ledger.mark(done)


def prepare_logging(app: Celery, settings: Settings, *, take_over: bool) -> None:
    """Set up logging, unless the project does so itself."""
    level = settings.log_level
    if settings.json_logs and take_over:
        take_over_logging(app, level)
    elif settings.json_logs and not logging.root.handlers:
        add_handler("", level)
        quieten()
    name_tasks()
    if logging.getLevelName(level) <= logging.INFO:
        keep_own_lines()


def take_over_logging(app: Celery, level: str) -> None:
    """Do what a worker does: ask the project, else set up the root and the tasks."""
    details: dict[str, Any] = {
        "loglevel": logging.getLevelName(level),
        "logfile": None,
        "colorize": False,
    }
    formats = app.conf.worker_log_format, app.conf.worker_task_log_format
    if signals.setup_logging.send(sender=None, format=formats[0], **details):
        return
    if app.conf.worker_hijack_root_logger:
        remove_handlers()
    root = add_handler("", level)
    signals.after_setup_logger.send(
        sender=None, logger=root, format=formats[0], **details
    )
    tasks = add_handler("celery.task", level)
    tasks.propagate = False
    signals.after_setup_task_logger.send(
        sender=None, logger=tasks, format=formats[1], **details
    )
    quieten()


def answer_health(environ: WSGIEnvironment) -> Answer:
    if environ.get("PATH_INFO", "") != HEALTH_PATH:
        raise RequestError(404, "Nothing is here; events are POSTed")
    return Answer(status=HTTPStatus.OK, body=b'{"status": "ready"}')


def refuse_gateway(environ: WSGIEnvironment, public_hosts: Sequence[str]) -> None:
    """Refuse a request that came through the public gateway.

    :raises RequestError: with 403.
    """
    host = str(environ.get("HTTP_HOST", "")).lower()
    host = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    public = [h for h in public_hosts if not matches(h.lstrip("."), OWN_HOSTS)]
    if any(header in environ for header in GATEWAY_HEADERS) or matches(
        host.rstrip("."), (*GATEWAY_HOSTS, *public)
    ):
        raise RequestError(403, "The worker is not public")


def matches(host: str, patterns: Sequence[str]) -> bool:
    return any(
        host == pattern.lstrip(".") or (pattern[:1] == "." and host.endswith(pattern))
        for pattern in patterns
    )


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Return the request's body.

    :raises RequestError: it is longer than the limit, or shorter than announced.
    """
    length = read_length(environ)
    if length is None and not environ.get("wsgi.input_terminated"):
        raise RequestError(411, "The request has no Content-Length")
    if (length or 0) > limit:
        raise RequestError(413, f"The request has more than {limit} bytes")
    body = read_bytes(environ, limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestError(413, f"The request has more than {limit} bytes")
    if length is not None and len(body) != length:
        raise RequestError(400, f"The request ends after {len(body)} of {length} bytes")
    return body


def read_bytes(environ: WSGIEnvironment, size: int) -> bytes:
    """Read so many bytes, and wait for the next of them no longer than is sensible."""
    connection = environ.get("gunicorn.socket")
    if connection:
        connection.settimeout(STALL_SECONDS)
    try:
        body: bytes = environ["wsgi.input"].read(size)
    except TimeoutError as exc:
        raise RequestError(408, "The request's body does not arrive") from exc
    except Exception as exc:
        # Each server has its own error for a chunk that is none.
        raise RequestError(400, f"The request's body cannot be read: {exc}") from exc
    return body


def read_length(environ: WSGIEnvironment) -> int | None:
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS):
        raise RequestError(400, "Content-Length is no number of bytes")
    return int(text)


def read_request_id(environ: WSGIEnvironment) -> str | None:
    value: str | None = environ.get("HTTP_X_REQUEST_ID")
    return value[:128] if value else None


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
