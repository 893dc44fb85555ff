"""Classes that the gunicorn settings name; gunicorn imports them."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.sync import SyncWorker

from ._settings import STALL_SECONDS


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Writes no access log: the worker logs each message itself."""

    def access(self, *_: Any) -> None:
        """Do nothing."""


class PatientWorker(SyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """One request at a time; a silent client is disconnected after a minute."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Handle one connection."""
        client.settimeout(STALL_SECONDS)
        super().handle(listener, client, addr)
