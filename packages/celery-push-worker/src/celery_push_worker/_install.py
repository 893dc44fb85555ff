"""Puts the publisher's part into apps. Configures no app, and imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["install", "install_everywhere"]

CELERYS_OWN = "celery.app.amqp:AMQP"
OURS = "celery_push_worker._amqp:PushAMQP"


def install(app: Celery) -> None:
    """Make the app publish for a trigger; a second call changes nothing.

    It may stand right after the app's creation.
    """
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
    state: Any = _state
    for app in state._get_active_apps():  # noqa: SLF001  Celery has no other list
        install(app)


def is_installed(amqp_cls: Any) -> bool:
    return amqp_cls == OURS or bool(getattr(amqp_cls, "push_worker_installed", False))


def choose_class(amqp_cls: Any) -> Any:
    if amqp_cls == CELERYS_OWN:
        return OURS
    from celery.utils.imports import symbol_by_name

    from ._amqp import extend

    return extend(symbol_by_name(amqp_cls))
