"""What a project need not say: its queue, where the environment names one.

Found by kombu as an entry point, in every process that uses Celery: the site, the
worker, ``manage.py`` and ``celery``. Nothing happens without ``SQS_QUEUE``.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from celery import Celery

QUEUE = "default"
"""The stack has one queue, and this is its name."""

APPS_MODULE = "celery.app.base"
CHECKS_MODULE = "django.core.checks"

serializer = (None, None, "application/x-celery-push-worker")
"""What kombu takes for a serializer that neither encodes nor decodes."""


def activate() -> None:
    """Give every app of the process its defaults, those to come included."""
    run_after(CHECKS_MODULE, "register", register_checks)
    if not os.environ.get("SQS_QUEUE"):
        return
    from ._launch import add_fallback

    add_fallback()
    run_after(APPS_MODULE, "Celery", prepare_all)


def run_after(name: str, attribute: str, then: Callable[[ModuleType], None]) -> None:
    """Run something as soon as a module has what it is wanted for."""
    module = sys.modules.get(name)
    if module is not None and hasattr(module, attribute):
        then(module)
    elif not any(
        getattr(finder, "waits_for", None) == name for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, Waiting(name, then))


def register_checks(_module: ModuleType) -> None:
    from .checks import register_checks as register

    register()


class Waiting:
    """Waits for a module: kombu is loaded while Celery still is, or before Django."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self.waits_for = name
        self.then = then

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: Any = None
    ) -> ModuleSpec | None:
        if name != self.waits_for:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        loader: Any = spec and spec.loader
        if loader:
            execute = loader.exec_module
            loader.exec_module = lambda module: (execute(module), self.then(module))
        return spec


def prepare_all(module: ModuleType) -> None:
    """Prepare each app when it is made, and those that are there."""
    celery: Any = module.Celery
    if getattr(celery, "push_worker_defaults", False):
        return
    celery.push_worker_defaults = True
    initialize = celery.__init__

    @functools.wraps(initialize)
    def initialize_prepared(app: Celery, *args: Any, **options: Any) -> None:
        initialize(app, *args, **options)
        prepare(app)

    celery.__init__ = initialize_prepared
    from celery import _state

    state: Any = _state
    for app in list(state._get_active_apps()):  # noqa: SLF001  Celery has no other list
        prepare(app)


def prepare(app: Any) -> None:
    """Make an app publish for a trigger, to the queue of the environment."""
    from ._install import install

    install(app)
    # Again at the end: options may be replaced after they were read.
    for event in (app.on_after_configure, app.on_after_finalize):
        event.connect(apply_defaults, weak=False, dispatch_uid="celery_push_worker")
    if app.configured:
        apply_defaults(app)


def apply_defaults(sender: Any, **_: Any) -> None:
    conf = sender.conf
    if not str(conf.broker_write_url or "").lower().startswith("sqs"):
        return
    if not any("push_worker_default" in values for values in conf.maps):
        # The last are Celery's own defaults: whatever the project says comes before.
        own = {"push_worker_default": True, "task_default_queue": QUEUE}
        conf.maps.insert(len(conf.maps) - 1, own)
    options = find_options(conf)
    url = os.environ["SQS_QUEUE"]
    # A local queue speaks http, and a broker's URL with a host in it would mean https.
    options.setdefault("is_secure", url.lower().startswith("https:"))
    if os.environ.get("SQS_REGION"):
        options.setdefault("region", os.environ["SQS_REGION"])
    names = {QUEUE, conf.task_default_queue}
    options.setdefault("predefined_queues", {name: {"url": url} for name in names})


def find_options(conf: Any) -> dict[str, Any]:
    """Return the dictionary of transport options that counts, to be filled up."""
    options = conf.broker_transport_options
    if not isinstance(options, dict):
        options = dict(options or {})
        conf.broker_transport_options = options
    return options


activate()
