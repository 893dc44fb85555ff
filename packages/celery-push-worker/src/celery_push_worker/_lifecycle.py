"""Start and end of a worker: what ``celery worker`` does around its tasks.

The same signals in the same order, so that what a project has connected to them works:
Django's fixup sets up Django and closes its connections, metrics and tracing start.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.app import trace
from celery.utils.nodenames import default_nodename

from . import _sockets
from ._bootsteps import Bootsteps

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from celery import Celery

SKIP_CHECKS = "CELERY_SKIP_CHECKS"
"""Celery's own variable, by which its fixup leaves out Django's system checks."""


class WorkerIdentity:
    """What receivers of Celery's signals see as the worker."""

    pool_cls = "solo"
    """What Django's fixup asks for, to know whether connections are shared."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.hostname: str = default_nodename(None)  # type: ignore[arg-type]  # None is the default host
        self.pid = os.getpid()
        self.controller = self
        self.concurrency = 1
        self.steps: list[Any] = []
        """What was started and has to be stopped, as Celery's steps expect it."""


def start_worker(
    identity: WorkerIdentity, *, prepare_logging: Callable[[], None]
) -> None:
    """Import the tasks and get them ready, and tell so by Celery's signals.

    :param prepare_logging: called where a worker sets up logging, which is after the
        project has been imported.
    """
    app, hostname = identity.app, identity.hostname
    import_tasks(app)
    # Looked up in the module: what watches tasks has put a function of its own there.
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
    """Import what a worker imports, without Django's system checks.

    Celery does not look at what they find. All that is left of them is that they import
    the site's views, and with these the tasks that are defined there.
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
    """Give every task that has none what Celery runs it with."""
    for name, task in app.tasks.items():
        if getattr(task, "__trace__", None) is None:
            task.__trace__ = trace.build_tracer(
                name, task, app.loader, hostname, app=app
            )


def stop_worker(identity: WorkerIdentity, steps: Bootsteps) -> None:
    """Tell the end, once, in the process that was started."""
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
    """The context variables of a thread's tasks: those of the start, as in a worker.

    A request has others, which a site's middleware has set: its language, its trace.
    """

    def __init__(self, start: Context) -> None:
        self.context = start.copy()


class IdleWatch:
    """Replaces connections that may have died while the instance was suspended.

    The platform takes the processor away between requests, and the network forgets
    connections meanwhile: the next use would wait for an answer that never comes.
    """

    def __init__(self, app: Celery, idle_seconds: float) -> None:
        self.app = app
        self.idle_seconds = idle_seconds
        self.last_used = time.time()

    def wake(self) -> None:
        """Call at the start of a request."""
        # Wall clock: others may stand still during suspension.
        if time.time() - self.last_used > self.idle_seconds:
            _sockets.close_idle(self.app)
        self.rest()

    def rest(self) -> None:
        """Call at the end of a request."""
        self.last_used = time.time()
