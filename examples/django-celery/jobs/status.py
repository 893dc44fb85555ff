"""How a job stands, from what its tasks have stored."""

from dataclasses import dataclass
from datetime import datetime, timezone
from time import time

from celery.states import FAILURE, PENDING, RETRY, STARTED, SUCCESS

from jobs import tasks
from jobs.catalog import part_id
from jobs.visitor import Job
from shop.celery import app

MAX_ATTEMPTS = tasks.ask_supplier.max_retries + 1
WORDS = {PENDING: "queued", STARTED: "running", "PROGRESS": "running", RETRY: "retrying", SUCCESS: "done"}
FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task of a job."""

    name: str
    state: str
    percent: int
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    job: Job
    state: str
    """queued, delayed, running, retrying, done or failed."""
    steps: list[Step]
    result: object = None
    error: str = ""
    attempts: int = 1
    seconds: float | None = None
    """From the click to the stored result."""

    @property
    def finished(self) -> bool:
        return self.state in ("done", FAILED)

    @property
    def percent(self) -> int:
        return sum(step.percent for step in self.steps) // len(self.steps)

    @property
    def due_in(self) -> int:
        return max(0, round(self.job.started + self.job.kind.delay_seconds - time()))


def status_of(job: Job) -> Status:
    last = read(job.id)
    steps = [*read_parts(job, known_done=last["status"] == SUCCESS), step_of(job.kind.steps[-1], last)]
    error = next((step.error for step in steps if step.state == FAILED), steps[-1].error)
    return Status(
        job=job,
        state=state_of(job, steps),
        steps=steps,
        result=last["result"] if last["status"] == SUCCESS else None,
        error=error,
        attempts=(last.get("retries") or 0) + 1,
        seconds=seconds_of(job, last),
    )


def read(task_id: str) -> dict:
    """The stored state of one task: one read of the result store."""
    return app.backend.get_task_meta(task_id)


def read_parts(job: Job, known_done: bool) -> list[Step]:
    """A job whose last task is done needs no more reads."""
    return [
        step_of(name, {"status": SUCCESS} if known_done else read(part_id(job.id, number)))
        for number, name in enumerate(job.kind.steps[:-1], start=1)
    ]


def step_of(name: str, meta: dict) -> Step:
    state = WORDS.get(meta["status"], FAILED)
    error = meta.get("result") if isinstance(meta.get("result"), Exception) else None
    return Step(
        name=name,
        state=state,
        percent=percent_of(meta),
        error=f"{type(error).__name__}: {error}" if error else "",
    )


def percent_of(meta: dict) -> int:
    if meta["status"] == "PROGRESS":
        return 100 * meta["result"]["done"] // meta["result"]["total"]
    return 100 if meta["status"] in (SUCCESS, FAILURE) else 0


def state_of(job: Job, steps: list[Step]) -> str:
    states = {step.state for step in steps}
    if FAILED in states:
        return FAILED
    if states == {"queued"}:
        return "delayed" if job.kind.delay_seconds else "queued"
    return steps[-1].state if len(states) == 1 or len(steps) == 1 else "running"


def seconds_of(job: Job, meta: dict) -> float | None:
    if not meta.get("date_done") or meta["status"] not in (SUCCESS, FAILURE):
        return None
    done = datetime.fromisoformat(str(meta["date_done"]))
    return max(0.0, done.replace(tzinfo=done.tzinfo or timezone.utc).timestamp() - job.started)
