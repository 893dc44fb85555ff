"""Runs a project's own bootsteps: what is in ``app.steps["worker"]``.

A step that needs what only a consuming worker has (its timer, pool or consumer) is
skipped, and named in a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.utils.imports import symbol_by_name

from ._logs import log, logged

if TYPE_CHECKING:
    from celery import Celery

COMPONENTS = "celery.worker."
"""Prefix of the names of the steps that a worker itself consists of."""


class Bootsteps:
    """The bootsteps of one app, in the order of their dependencies."""

    def __init__(self, app: Celery) -> None:
        self.left_out: dict[str, str] = {
            name_step(step): "it belongs to the consumer"
            for step in app.steps["consumer"]
        }
        self.types: dict[Any, None] = {}
        for step in sorted(app.steps["worker"], key=name_step):
            self.add(symbol_by_name(step))
        self.made: list[Any] = []

    def add(self, step: Any) -> None:
        needed = find_component(step)
        if needed:
            self.left_out[name_step(step)] = f"it needs {needed}"
            return
        for required in step.requires:
            self.add(symbol_by_name(required))
        self.types[step] = None

    def make(self, worker: Any) -> None:
        """Create the steps; those to be started add themselves to the worker."""
        for step in self.types:
            with self.leaving_out(step, worker):
                self.made.append(step(worker))
        for step in list(self.made):
            with self.leaving_out(step, worker):
                step.include(worker)

    def start(self, worker: Any) -> None:
        """Start the steps, and name those that were skipped."""
        for step in list(worker.steps):
            with self.leaving_out(step, worker):
                step.start(worker)
        if self.left_out:
            log.warning(
                "These bootsteps are skipped, because this worker consumes nothing: %s",
                ", ".join(f"{name} ({why})" for name, why in self.left_out.items()),
            )

    def stop(self, worker: Any) -> None:
        steps = [("close", s) for s in worker.steps]
        steps += [("stop", s) for s in worker.steps[::-1]]
        for method, step in steps:
            with logged(f"Bootstep {name_step(step)} failed in '{method}'"):
                getattr(step, method)(worker)

    @contextmanager
    def leaving_out(self, step: Any, worker: Any) -> Iterator[None]:
        try:
            yield
        except AttributeError as exc:
            is_of_worker = exc.obj is worker
            if not is_of_worker:
                raise
            self.left_out[name_step(step)] = f"it needs the worker's '{exc.name}'"
            worker.steps[:] = [other for other in worker.steps if other is not step]


def find_component(step: Any) -> str | None:
    """Return the part of a consuming worker that a step needs, if any."""
    names = [name_step(required) for required in step.requires]
    if component := next((n for n in names if n.startswith(COMPONENTS)), None):
        return component
    needed = (find_component(symbol_by_name(r)) for r in step.requires)
    return next(filter(None, needed), None)


def name_step(step: Any) -> str:
    """Return ``module.Class`` of a step, which may itself be given as a name."""
    return str(getattr(step, "name", step)).replace(":", ".")
