"""Makes apps publish for a trigger. Does not configure them, and imports little."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

CELERYS_OWN = "celery.app.amqp:AMQP"
OURS = "celery_push_worker._amqp:PushAMQP"


def install(app: Celery) -> None:
    """Make the app publish for a trigger. Calling it again changes nothing.

    Tasks with ``countdown`` or ``eta`` are delayed by the queue, messages that the
    trigger would never deliver raise ``MessageTooLargeError``, unknown queues raise
    ``UnknownQueueError``. May be called right after the app is created.
    """
    adopt_stores(app)
    if is_installed(app.amqp_cls):
        return
    app.amqp_cls = choose_class(app.amqp_cls)
    if "amqp" in vars(app):
        from ._amqp import wrap_sender

        amqp: Any = app.amqp
        amqp.send_task_message = wrap_sender(amqp.send_task_message, app)


def install_everywhere() -> None:
    """Make every app publish for a trigger, present and future."""
    from celery import Celery, _state

    if not is_installed(Celery.amqp_cls):
        Celery.amqp_cls = choose_class(Celery.amqp_cls)
        kind: Any = Celery
        kind._get_backend = adopting(kind._get_backend)  # noqa: SLF001  where every store is created
    state: Any = _state
    for app in state._get_active_apps():  # noqa: SLF001  there is no public list
        install(app)


def adopt_stores(app: Any) -> None:
    """Make the app's result stores count chord members by their ids."""
    if not getattr(app._get_backend, "push_worker_installed", False):  # noqa: SLF001
        app._get_backend = adopting(app._get_backend)  # noqa: SLF001
    if app._backend is not None:  # noqa: SLF001  the public attribute would create it
        from ._chords import adopt

        adopt(app._backend)  # noqa: SLF001


def adopting(make: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(make)
    def make_store(*args: Any) -> Any:
        from ._chords import adopt

        return adopt(make(*args))

    make_store.push_worker_installed = True  # type: ignore[attr-defined]  # found again by it
    return make_store


def is_installed(amqp_cls: Any) -> bool:
    return amqp_cls == OURS or bool(getattr(amqp_cls, "push_worker_installed", False))


def choose_class(amqp_cls: Any) -> Any:
    if amqp_cls == CELERYS_OWN:
        return OURS
    from celery.utils.imports import symbol_by_name

    from ._amqp import extend

    return extend(symbol_by_name(amqp_cls))
