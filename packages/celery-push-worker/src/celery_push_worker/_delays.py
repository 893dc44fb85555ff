"""When a task is due, and for how many seconds the queue should delay its message.

The queue delays a message for 15 minutes at most, so a task that is due later goes in
hops: each is a new message for the rest of the time.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone

from ._platform import MAX_DELAY_SECONDS

HOPS_HEADER = "push_worker_hops"
"""Header: how often the message was republished because it was not due."""


def plan_delay(remaining: float) -> int:
    """Return seconds to delay the message: rounded up, 0 to 900."""
    return min(MAX_DELAY_SECONDS, max(0, math.ceil(remaining)))


def parse_eta(eta: object) -> datetime | None:
    """Return the time at which the task is due, None if there is none that is valid."""
    if not isinstance(eta, str):
        return None
    try:
        due = datetime.fromisoformat(eta.replace("Z", "+00:00"))
    except ValueError:
        return None
    return due if due.tzinfo else due.replace(tzinfo=timezone.utc)


def find_remaining(eta: object, now: float) -> float:
    """Return the seconds until the task is due, 0 if it is.

    :param now: Unix seconds.
    """
    due = parse_eta(eta)
    return 0.0 if due is None else max(0.0, due.timestamp() - now)


def count_hops(headers: dict[str, object]) -> int:
    hops = headers.get(HOPS_HEADER)
    return hops if isinstance(hops, int) and hops > 0 else 0
