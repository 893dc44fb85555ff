"""The part of the system checks that looks at the Celery app; see ``checks.py``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.checks import Warning as Finding  # noqa: TID253  only Django calls it

from ._awaited import find_awaited
from ._settings import read_timers, try_find_app
from .exceptions import UnknownQueueError, render_queue_line

if TYPE_CHECKING:
    from celery import Celery

SHOWN_NAMES = 3

TABLES_TIMER = "-schedule"
"""End of the name of the timer that `schedule: "database"` creates."""

OWN_SCHEDULER = "celery.beat:PersistentScheduler"


def check_celery(**_: Any) -> list[Finding]:
    """Return warnings about what the app relies on and the stack does not have."""
    app = try_find_app()
    if app is None:
        return []
    app.loader.import_default_modules()
    try_import_views()
    checks = (
        find_scheduler_that_nothing_runs,
        find_unknown_queues,
        find_unknown_tasks,
        find_eager_tasks,
        find_results_that_nothing_stores,
    )
    return [finding for check in checks for finding in check(app)]


def try_import_views() -> None:
    """Load sources that may wait for results; Django itself reports their errors."""
    from django.urls import get_resolver

    with suppress(Exception):
        get_resolver().url_patterns  # noqa: B018  it imports them


def find_scheduler_that_nothing_runs(app: Celery) -> Iterator[Finding]:
    # Celery may still be loading when the checks are registered.
    from ._periodic import FIX, MISSING, is_installed

    timers = read_timers()
    if timers is not None and any(name.endswith(TABLES_TIMER) for name in timers):
        if not is_installed():
            yield Finding(f"{MISSING}.", hint=FIX, id="push_worker.W007")
        return
    scheduler = app.conf.beat_scheduler or OWN_SCHEDULER
    if scheduler != OWN_SCHEDULER:
        yield Finding(
            f"beat_scheduler is '{scheduler}', and nothing runs it: there is no beat "
            "in the cloud, only the stack's timers.",
            hint="If its entries are in django-celery-beat's tables, set `schedule: "
            '"database"` in config.ts, and silence this check. Otherwise move them to '
            "beat_schedule, and export it: "
            "`python -m celery_push_worker schedule -o schedule.json`.",
            id="push_worker.W007",
        )
    elif timers is not None and is_installed():
        yield Finding(
            "django_celery_beat is in INSTALLED_APPS, and the entries in its tables "
            "have no timer: they never run.",
            hint='Set `schedule: "database"` in config.ts.',
            id="push_worker.W007",
        )
    if timers is not None:
        yield from find_entries_without_a_timer(app, timers)


def find_entries_without_a_timer(app: Celery, timers: list[str]) -> Iterator[Finding]:
    from ._cron_utc import InexpressibleError
    from .schedule import plan_name

    for key in app.conf.beat_schedule or {}:
        try:
            name = plan_name(str(key))
        except InexpressibleError:
            continue  # The export reports it.
        # The stack puts its own name in front of a timer's.
        if not any(f"-{timer}".endswith(f"-{name}") for timer in timers):
            yield Finding(
                f"Entry '{key}' of beat_schedule has no timer: it never runs.",
                hint="Export the entries (`python -m celery_push_worker schedule -o "
                "schedule.json`), and set `schedule` in config.ts to that file.",
                id="push_worker.W007",
            )


def find_unknown_queues(app: Celery) -> Iterator[Finding]:
    wanted: dict[str, list[str]] = {}
    known: list[str] = []
    for who, problem in find_routing_problems(app):
        if isinstance(problem, UnknownQueueError):
            known = problem.known
            wanted.setdefault(problem.queue, []).append(who)
        else:
            yield Finding(
                str(problem), hint="Correct the route.", id="push_worker.W008"
            )
    for queue, names in wanted.items():
        yield Finding(
            f"Queue '{queue}' is used by {enumerate_some(names)}, and the stack has no "
            "queue of that name.",
            hint=f"Add it to config.ts ({render_queue_line(queue)}), or use "
            f"{' or '.join(map(repr, known))}.",
            id="push_worker.W008",
        )


def enumerate_some(names: list[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def find_routing_problems(app: Celery) -> Iterator[tuple[str, Exception]]:
    # Celery may still be loading when the checks are registered.
    from ._routing import find_problems

    for name, _ in find_tasks(app):
        # The project's own router may need arguments.
        with suppress(Exception):
            for problem in find_problems(app, name, {}):
                yield f"task '{name}'", problem
    for key, entry in (app.conf.beat_schedule or {}).items():
        options = entry.get("options") or {}
        if options.get("queue") and entry.get("task") in app.tasks:
            for problem in find_problems(app, entry["task"], options):
                yield f"entry '{key}' of beat_schedule", problem


def find_tasks(app: Celery) -> list[tuple[str, Any]]:
    return [
        (name, task)
        for name, task in sorted(app.tasks.items())
        if not name.startswith("celery.")
    ]


def find_unknown_tasks(app: Celery) -> Iterator[Finding]:
    named = [
        (f"Entry '{key}' of beat_schedule", entry.get("task"))
        for key, entry in (app.conf.beat_schedule or {}).items()
    ]
    routes = app.conf.task_routes
    if isinstance(routes, dict):
        # A pattern is not a name.
        names = [key for key in routes if isinstance(key, str)]
        named += [("task_routes", name) for name in names if not set(name) & set("*?[")]
    for who, name in named:
        if name and name not in app.tasks:
            yield Finding(
                f"{who} names task '{name}', which is not registered.",
                hint="Correct the name, or import the task's module in the tasks.py of "
                "an installed app.",
                id="push_worker.W009",
            )


def find_eager_tasks(app: Celery) -> Iterator[Finding]:
    if app.conf.task_always_eager:
        yield Finding(
            "task_always_eager is on: tasks run inside the request, and none reaches "
            "the queue.",
            hint="Set it in test settings only.",
            id="push_worker.W010",
        )


def find_results_that_nothing_stores(app: Celery) -> Iterator[Finding]:
    from celery.backends.base import DisabledBackend

    if isinstance(app.backend, DisabledBackend):
        why, ignored = "there is no result backend", None
        hint = "Set CELERY_RESULT_BACKEND, or do not wait."
    else:
        ignored = {
            name.rpartition(".")[2]
            for name, task in find_tasks(app)
            if task.ignore_result
        }
        why = "the task's result is ignored"
        hint = "Remove `ignore_result`, or do not wait."
    for place, task in find_awaited():
        if ignored is None or task in ignored:
            yield Finding(
                f"The result of '{task}' is awaited ({place}), but {why}: the wait "
                "never ends.",
                hint=hint,
                id="push_worker.W011",
            )
