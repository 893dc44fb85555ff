"""Uses of the public names that a type checker must accept. Nobody runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery

import celery_push_worker
from celery_push_worker import PushWorker, install, mount
from celery_push_worker.django import view
from celery_push_worker.exceptions import MessageTooLargeError, Reason
from celery_push_worker.schedule import export_schedule
from celery_push_worker.testing import build_bodies, build_event, post

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

app = Celery("shop")
install(app)

worker: WSGIApplication = PushWorker(app, take_over_logging=True)
site: WSGIApplication = mount(worker, "/worker/", app)
version: str = celery_push_worker.__version__
urls = [view(app)]
text: str = export_schedule(app)


def use(error: MessageTooLargeError) -> tuple[int, str]:
    signature = app.signature("shop.add", (2, 3))
    (verdict,) = post(app, signature)
    build_event(build_bodies(signature, wrapped=False))
    if verdict.outcome.is_done and verdict.reason is not Reason.UNKNOWN_TASK:
        return error.limit, verdict.outcome.value
    return error.size, verdict.message_id
