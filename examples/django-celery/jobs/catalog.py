"""The kinds of jobs that the page offers, each with the Celery canvas that starts it."""

from collections.abc import Callable
from dataclasses import dataclass

from celery import chain, chord
from celery.canvas import Signature

from jobs import tasks

DELAY_SECONDS = 10
RANGES = [(n * 200_000, (n + 1) * 200_000) for n in range(5)]


@dataclass(frozen=True, kw_only=True)
class Kind:
    slug: str
    title: str
    text: str
    celery: str
    """What it is called in Celery."""
    canvas: Callable[[str, str], Signature]
    """Makes the signature of a job from its id and the visitor's name."""
    steps: tuple[str, ...] = ("",)
    """Names of its tasks. The last one has the job's id, those before it `part_id(job, n)`."""
    delay_seconds: int = 0


def part_id(job_id: str, number: int) -> str:
    """Ids of the parts follow from the job's id, so that the cookie need not hold them."""
    return f"{job_id}.{number}"


def count(job_id, name):
    return tasks.count_primes.s(0, 200_000).set(task_id=job_id)


def make_report(job_id, name):
    return chain(
        tasks.read_orders.s(12).set(task_id=part_id(job_id, 1)),
        tasks.compare_orders.s().set(task_id=part_id(job_id, 2)),
        tasks.write_report.s().set(task_id=job_id),
    )


def count_together(job_id, name):
    header = [
        tasks.count_primes.s(start, stop).set(task_id=part_id(job_id, number))
        for number, (start, stop) in enumerate(RANGES, start=1)
    ]
    return chord(header, tasks.add_up.s().set(task_id=job_id))


def ask_until_answered(job_id, name):
    return tasks.ask_supplier.s(answers_at=3).set(task_id=job_id)


def ask_in_vain(job_id, name):
    return tasks.ask_supplier.s(answers_at=99).set(task_id=job_id)


def remind_later(job_id, name):
    return tasks.remind.s(name).set(task_id=job_id, countdown=DELAY_SECONDS)


KINDS = {
    kind.slug: kind
    for kind in [
        Kind(
            slug="count",
            title="Count primes",
            text="One task: how many primes are there below 200,000?",
            celery="task",
            canvas=count,
        ),
        Kind(
            slug="report",
            title="Make a report",
            text="Three tasks, each works on what the one before it returned and says how far it is.",
            celery="chain",
            canvas=make_report,
            steps=("Read the orders", "Compare them", "Write it down"),
        ),
        Kind(
            slug="together",
            title="Count together",
            text="Five tasks count the primes below a million side by side, a sixth adds up.",
            celery="chord",
            canvas=count_together,
            steps=(*(f"{start:,} to {stop:,}" for start, stop in RANGES), "Add up"),
        ),
        Kind(
            slug="retry",
            title="Try until it works",
            text="The supplier answers at the third attempt. Two seconds lie between them.",
            celery="retry",
            canvas=ask_until_answered,
        ),
        Kind(
            slug="fail",
            title="Fail for good",
            text="The supplier never answers. After three attempts the job fails.",
            celery="failure",
            canvas=ask_in_vain,
        ),
        Kind(
            slug="remind",
            title="Remind me",
            text=f"A task that shall not run before {DELAY_SECONDS} seconds have passed.",
            celery="countdown",
            canvas=remind_later,
            delay_seconds=DELAY_SECONDS,
        ),
    ]
}
