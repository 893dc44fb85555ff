"""Puts the publisher's part into apps. Configures no app, and imports little."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

CELERYS_OWN = "celery.app.amqp:AMQP"
OURS = "celery_push_worker._amqp:PushAMQP"


def install(app: Celery) -> None:
    """Make the app publish for a trigger; a second call changes nothing.

    It may stand right after the app's creation.
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
    """Make every app publish for a trigger, those to come included."""
    from celery import Celery, _state

    if not is_installed(Celery.amqp_cls):
        Celery.amqp_cls = choose_class(Celery.amqp_cls)
        kind: Any = Celery
        kind._get_backend = adopting(kind._get_backend)  # noqa: SLF001  the one place where stores are made
    state: Any = _state
    for app in state._get_active_apps():  # noqa: SLF001  Celery has no other list
        install(app)


def adopt_stores(app: Any) -> None:
    """Make the app's result stores count the members of chords by their ids."""
    if not getattr(app._get_backend, "push_worker_installed", False):  # noqa: SLF001
        app._get_backend = adopting(app._get_backend)  # noqa: SLF001
    if app._backend is not None:  # noqa: SLF001  without the underscore it would be made
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
