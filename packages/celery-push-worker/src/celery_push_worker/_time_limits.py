"""Soft and hard time limits for a task that runs in this process.

A pool of processes kills the child at the hard limit. Here the task is interrupted by
an exception that ``except Exception`` does not catch. If it does not stop even then,
its failure is recorded and the process exits.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType

from celery.exceptions import SoftTimeLimitExceeded

from ._logs import log

EXIT_STATUS = 70
"""Exit status of the process if a task does not stop."""


class HardTimeLimitReached(BaseException):
    """Interrupts a task at its hard time limit."""


@contextmanager
def time_limits(
    soft: float | None,
    hard: float | None,
    *,
    grace: float,
    on_soft: Callable[[], None],
    on_stuck: Callable[[], None],
) -> Iterator[None]:
    """Interrupt what runs inside at its limits, in seconds.

    :param grace: seconds to stop after the hard limit.
    :param on_soft: called at the soft limit, before the task is interrupted.
    :param on_stuck: called if the task has not stopped after ``grace``, before the
        process exits.
    """
    if not soft and not hard:
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()
    clock = (SignalClock if is_main else ThreadClock)(soft, hard, on_soft)
    watchdog = Watchdog(hard + grace, on_stuck) if hard else None
    try:
        try:
            clock.start()
            yield
        finally:
            clock.stop()
    finally:
        clock.stop()  # Again: it may have fired before it was stopped.
        if watchdog:
            watchdog.cancel()


def find_greenlets() -> str | None:
    """Return the library that has replaced threads by greenlets, if any.

    Greenlets share one thread: an interrupt would hit any of them, and a greenlet that
    does not yield cannot be interrupted.
    """
    gevent = sys.modules.get("gevent.monkey")
    if gevent and gevent.is_module_patched("threading"):
        return "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    return "eventlet" if eventlet and eventlet.is_monkey_patched("thread") else None


@cache
def can_be_enforced(name: str) -> bool:
    """Return whether time limits work here; warn once for each task if not."""
    library = find_greenlets()
    if library:
        log.warning(
            "The time limits of task %s are not enforced, because %s runs several "
            "requests in one thread: use gunicorn's worker class sync or gthread",
            name,
            library,
        )
    return not library


class SignalClock:
    """Interrupts the main thread, system calls included."""

    def __init__(
        self, soft: float | None, hard: float | None, on_soft: Callable[[], None]
    ) -> None:
        self.soft = soft
        self.hard = hard
        self.on_soft = on_soft
        self.running = False

    def start(self) -> None:
        self.previous = signal.signal(signal.SIGALRM, self.ring)
        self.running = True
        signal.setitimer(signal.ITIMER_REAL, self.soft or self.hard or 0)

    def ring(self, _signum: int, _frame: FrameType | None) -> None:
        if not self.running:
            return
        if self.soft:
            soft, self.soft = self.soft, None
            if self.hard:
                signal.setitimer(signal.ITIMER_REAL, max(0.001, self.hard - soft))
            self.on_soft()
            raise SoftTimeLimitExceeded
        raise HardTimeLimitReached

    def stop(self) -> None:
        self.running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.previous or signal.SIG_DFL)


class ThreadClock:
    """Interrupts a thread other than the main one, at its next bytecode."""

    def __init__(
        self, soft: float | None, hard: float | None, on_soft: Callable[[], None]
    ) -> None:
        self.thread_id = threading.get_ident()
        self.on_soft = on_soft
        self.lock = threading.Lock()
        self.running = True
        self.timers = [
            threading.Timer(seconds, self.ring, [error])
            for seconds, error in (
                (soft, SoftTimeLimitExceeded),
                (hard, HardTimeLimitReached),
            )
            if seconds
        ]

    def start(self) -> None:
        for timer in self.timers:
            timer.daemon = True
            timer.start()

    def ring(self, error: type[BaseException]) -> None:
        import ctypes

        with self.lock:
            if not self.running:
                return
            if error is SoftTimeLimitExceeded:
                self.on_soft()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread_id), ctypes.py_object(error)
            )

    def stop(self) -> None:
        with self.lock:
            self.running = False
        for timer in self.timers:
            timer.cancel()


class Watchdog(threading.Timer):
    """Ends the process if a task outlives its hard limit."""

    def __init__(self, seconds: float, on_stuck: Callable[[], None]) -> None:
        super().__init__(seconds, end_process, [on_stuck])
        self.daemon = True
        self.start()


def end_process(on_stuck: Callable[[], None]) -> None:
    try:
        on_stuck()
    finally:
        os._exit(EXIT_STATUS)
