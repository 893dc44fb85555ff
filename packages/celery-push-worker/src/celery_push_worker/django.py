"""The worker as a view of a Django site: ``path("worker/", view(app))`` in ``urls.py``.

``celery_push_worker.mount`` is preferable: it bypasses the site's middleware. A view
goes through all of it, so the container's own host must be in ``ALLOWED_HOSTS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery
    from django.http import HttpRequest, HttpResponse

__all__ = ["view"]


def view(app: Celery) -> Callable[..., HttpResponse]:
    """Return a view that executes the messages POSTed to it.

    The worker starts with the first request, because Django is not ready while it is
    importing URLs. The view is exempt from CSRF checks and ``ATOMIC_REQUESTS``.

    :param app: the Celery app whose tasks are executed.
    """
    from contextvars import Context
    from functools import lru_cache

    from django.db import transaction
    from django.http import HttpResponse
    from django.views.decorators.csrf import csrf_exempt

    from .worker import PushWorker

    # Not in the context of the first request, which has its own language and trace.
    worker = lru_cache(maxsize=1)(lambda: Context().run(PushWorker, app))

    def push_worker(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        response = HttpResponse()

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            response.status_code = int(status.partition(" ")[0])
            for name, value in headers:
                response[name] = value

        # Read from the environment: Django's limit on the body is meant for forms.
        answer: Any = worker()
        response.content = b"".join(answer(request.environ, start_response))
        return response

    exempt: Callable[..., HttpResponse] = csrf_exempt(
        transaction.non_atomic_requests(push_worker)
    )
    return exempt
