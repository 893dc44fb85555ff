"""What is known about a visitor. It is in the session's signed cookie, so it stays small."""

from dataclasses import dataclass
from time import time
from uuid import uuid4

from jobs.catalog import KINDS, Kind

MAX_JOBS = 12
MAX_NAME_LENGTH = 40


@dataclass(frozen=True, kw_only=True)
class Job:
    id: str
    kind: Kind
    started: int
    """Seconds since the epoch."""


class Visitor:
    def __init__(self, session):
        self.session = session

    @property
    def name(self) -> str | None:
        return self.session.get("name")

    def sign_in(self, name: str) -> None:
        self.session["name"] = name.strip()[:MAX_NAME_LENGTH] or "Guest"

    def sign_out(self) -> None:
        self.session.flush()

    def start(self, kind: Kind) -> Job:
        job = Job(id=str(uuid4()), kind=kind, started=int(time()))
        kind.canvas(job.id, self.name).apply_async()
        entries = [[job.id, kind.slug, job.started], *self.session.get("jobs", [])]
        self.session["jobs"] = entries[:MAX_JOBS]
        return job

    def jobs(self) -> list[Job]:
        """The newest first. A kind that a deploy has removed is left out."""
        return [
            Job(id=job_id, kind=KINDS[slug], started=started)
            for job_id, slug, started in self.session.get("jobs", [])
            if slug in KINDS
        ]

    def forget_jobs(self) -> None:
        self.session["jobs"] = []
