"""Where our worker means to differ from Celery's, each with the reason.

A row names scenarios and paths of their observations by patterns. A difference that no
row names is a failure, and so is a row that names nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MISSING = "(nothing)"


@dataclass(frozen=True)
class Row:
    scenarios: str
    paths: str
    reason: str
    celery: str = "*"

    def covers(self, scenario: str, path: str, celery: str) -> bool:
        return (
            fnmatchcase(scenario, self.scenarios)
            and fnmatchcase(celery, self.celery)
            and bool(re.fullmatch(self.paths, path))
        )


INTENDED = (
    Row(
        "*/inner body that is no JSON",
        "/messages/root, message 1",
        "Celery acknowledges what it cannot decode, and it is lost; here it ends among "
        "the dead letters.",
    ),
    Row(
        "*/body that is not compressed as it says",
        "/messages/root, message 1",
        "The same: an undecodable message is kept.",
    ),
    Row(
        "*/delivered twice",
        "/signals/<root>",
        "A message whose task has succeeded is not run again (push_worker_deduplicate).",
    ),
    Row(
        "strict/*",
        "/signals/<errback>",
        "The same: a task that fails at each delivery publishes its errback each time, "
        "with one id; it runs once.",
    ),
    Row(
        "early/hard time limit*",
        r"/(published|signals/<\w+>|messages/errback, message 2)",
        "A pool of processes records the failure twice, by the limit and by the end of "
        "the process: two signals, two errbacks. Here once.",
    ),
    Row(
        "*/hard time limit*",
        r"/signals/<root>(\[\d+\])?(/.*)?",
        "The limit is told by one process and the end by another, in no order; here the "
        "task ends first.",
    ),
    Row(
        "*/the task leaves",
        "/(signals/<root>|results/.*|messages/.*).*",
        "A process that ends tells its exit code, an exception tells itself.",
    ),
    Row(
        "*-solo (lifecycle)",
        "/end",
        "worker_process_shutdown is sent, too: what worker_process_init opened is "
        "closed.",
    ),
)


DEFECTS: tuple[Row, ...] = ()
"""Differences that are not meant: a scenario that still has one is expected to fail."""


def find_differences(
    one: Any, other: Any, path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Return the paths at which two observations differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from find_differences(
                one.get(key, MISSING), other.get(key, MISSING), f"{path}/{key}"
            )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from find_differences(a, b, f"{path}[{index}]")
    elif one != other:
        yield path, one, other
