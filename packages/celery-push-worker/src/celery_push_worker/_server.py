"""What the gunicorn settings name, loaded by gunicorn itself."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.sync import SyncWorker

from ._settings import STALL_SECONDS


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Leaves requests to the worker's own lines; gunicorn would render each, unread."""

    def access(self, *_: Any) -> None:
        """Do nothing."""


class PatientWorker(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """One request at a time, and none that keeps the process by saying nothing."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Answer one connection."""
        client.settimeout(STALL_SECONDS)
        super().handle(listener, client, addr)
