"""What the gunicorn settings name, loaded by gunicorn itself."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

__all__ = ["QuietLogger"]


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Leaves requests to the worker's own lines; gunicorn would render each, unread."""

    def access(self, *_: Any) -> None:
        """Do nothing."""
