"""Start and shutdown of a worker: what ``celery worker`` does around its tasks.

The same signals in the same order, so that whatever is connected to them works:
Django's fixup, metrics, tracing.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextvars import Context
from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.app import trace
from celery.utils.nodenames import default_nodename

from ._bootsteps import Bootsteps

if TYPE_CHECKING:
    from celery import Celery

SKIP_CHECKS = "CELERY_SKIP_CHECKS"
"""Celery's own variable: its fixup then skips Django's system checks."""


class WorkerIdentity:
    """What receivers of Celery's signals get as the worker."""

    pool_cls = "solo"
    """Django's fixup reads it to see whether processes share connections."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.hostname: str = default_nodename(None)  # type: ignore[arg-type]  # None is the default host
        self.pid = os.getpid()
        self.controller = self
        self.concurrency = 1
        self.steps: list[Any] = []
        """Started bootsteps, which are stopped at the end: they add themselves here."""


def start_worker(
    identity: WorkerIdentity, *, prepare_logging: Callable[[], None]
) -> None:
    """Import the tasks and prepare them, and send Celery's signals.

    :param prepare_logging: called when a worker sets up logging: after the project was
        imported.
    """
    app, hostname = identity.app, identity.hostname
    import_tasks(app)
    # Looked up in the module: instrumentation replaces the function there.
    trace.setup_worker_optimizations(app, hostname)
    signals.celeryd_init.send(
        sender=hostname, instance=identity, conf=app.conf, options={}
    )
    signals.worker_init.send(sender=identity)
    prepare_logging()
    steps = Bootsteps(app)
    steps.make(identity)
    signals.worker_process_init.send(sender=None)
    signals.celeryd_after_setup.send(sender=hostname, instance=identity, conf=app.conf)
    build_tracers(app, hostname)
    steps.start(identity)
    atexit.register(stop_worker, identity, steps)
    signals.worker_ready.send(sender=identity)


def import_tasks(app: Celery) -> None:
    """Import what a worker imports, without running Django's system checks.

    Celery ignores what they find. Their one lasting effect is kept: they import the
    site's views, and with these the tasks that are defined there.
    """
    if SKIP_CHECKS in os.environ:
        app.loader.init_worker()
        return
    os.environ[SKIP_CHECKS] = "true"
    try:
        app.loader.init_worker()
    finally:
        del os.environ[SKIP_CHECKS]
    import_views()


def import_views() -> None:
    django = sys.modules.get("django.conf")
    if not (django and django.settings.configured):
        return
    if urls := getattr(django.settings, "ROOT_URLCONF", None):
        import_module(urls)


def build_tracers(app: Celery, hostname: str) -> None:
    """Give every task that has none a tracer, by which Celery runs it."""
    for name, task in app.tasks.items():
        if getattr(task, "__trace__", None) is None:
            task.__trace__ = trace.build_tracer(
                name, task, app.loader, hostname, app=app
            )


def stop_worker(identity: WorkerIdentity, steps: Bootsteps) -> None:
    """Send the signals of the shutdown, in the process that was started."""
    if identity.pid != os.getpid():
        return
    signals.worker_shutting_down.send(
        sender=identity.hostname, sig="SIGTERM", how="Warm", exitcode=0
    )
    signals.worker_process_shutdown.send(sender=None, pid=identity.pid, exitcode=0)
    identity.app.loader.shutdown_worker()
    steps.stop(identity)
    signals.worker_shutdown.send(sender=identity)


class TaskContext(threading.local):
    """Context variables for a thread's tasks: those at the start, as in a worker.

    Not those of a request, in which a site's middleware sets its language or trace.
    """

    def __init__(self, start: Context) -> None:
        self.context = start.copy()
