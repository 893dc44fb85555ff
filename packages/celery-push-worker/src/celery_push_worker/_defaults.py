"""Configures apps from the environment: a project need not name its queue.

Kombu loads this module as an entry point in every process that uses Celery: the site,
the worker, ``manage.py`` and ``celery``. Without ``SQS_QUEUE`` only Django's system
checks are registered.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

APPS_MODULE = "celery.app.base"
CHECKS_MODULE = "django.core.checks"

serializer = (None, None, "application/x-celery-push-worker")
"""An entry point must be a serializer: this one neither encodes nor decodes."""


def activate() -> None:
    """Configure every app of the process, present and future."""
    run_after(CHECKS_MODULE, "register", register_checks)
    if not os.environ.get("SQS_QUEUE"):
        return
    from ._launch import add_fallback

    add_fallback()
    run_after(APPS_MODULE, "Celery", prepare_all)


def run_after(name: str, attribute: str, then: Callable[[ModuleType], None]) -> None:
    """Call ``then`` as soon as a module has the attribute, now or when it is loaded."""
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
    """An import hook: kombu may be loaded while Celery is loading, or before Django."""

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
    """Prepare the existing apps, and each new one when it is created."""
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
    # Again at the end: the project may replace options after they were read.
    for event in (app.on_after_configure, app.on_after_finalize):
        event.connect(apply_defaults, weak=False, dispatch_uid="celery_push_worker")
    if app.configured:
        apply_defaults(app)


def apply_defaults(sender: Any, **_: Any) -> None:
    from ._platform import QUEUE
    from ._settings import read_queues

    conf = sender.conf
    if not str(conf.broker_write_url or "").lower().startswith("sqs"):
        return
    if not any("push_worker_default" in values for values in conf.maps):
        # Before Celery's own defaults, which are last, and after all of the project's.
        own = {"push_worker_default": True, "task_default_queue": QUEUE}
        conf.maps.insert(len(conf.maps) - 1, own)
    options = find_options(conf)
    url = os.environ["SQS_QUEUE"]
    # A local queue speaks http; kombu would take a broker URL with a host for https.
    options.setdefault("is_secure", url.lower().startswith("https:"))
    if os.environ.get("SQS_REGION"):
        options.setdefault("region", os.environ["SQS_REGION"])
    further = read_queues()
    urls = {QUEUE: url, conf.task_default_queue: url, **further}
    queues = options.setdefault(
        "predefined_queues", {name: {"url": of} for name, of in urls.items()}
    )
    # A project that names its queue has the further ones, too. No queues at all mean
    # something else: it asks the cloud for them.
    for name, of in further.items() if queues else ():
        queues.setdefault(name, {"url": of})


def find_options(conf: Any) -> dict[str, Any]:
    """Return the app's own dictionary of transport options, to be completed."""
    options = conf.broker_transport_options
    if not isinstance(options, dict):
        options = dict(options or {})
        conf.broker_transport_options = options
    return options


activate()
