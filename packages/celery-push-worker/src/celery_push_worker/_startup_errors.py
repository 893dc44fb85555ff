"""Describes an error at start in one line: type, file, line, missing variable.

Imports nothing that could have failed itself.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from types import TracebackType

from .exceptions import ConfigurationError

FOREIGN = (
    *("<frozen ", "/site-packages/", "/dist-packages/"),
    os.path.dirname(os.__file__),  # noqa: PTH120  as in a traceback
)
"""Parts of paths that do not belong to a project."""

OWN = os.path.dirname(__file__)  # noqa: PTH120  the same


def describe_failure(exc: BaseException) -> str:
    """Return one sentence about an error that was raised by an import."""
    place: tuple[str, int | None] | None
    cause = find_cause(exc)
    if isinstance(cause, ConfigurationError):
        return str(cause)
    if isinstance(cause, SyntaxError) and cause.filename:
        what, place = cause.msg, (cause.filename, cause.lineno)
    else:
        what, place = str(cause), find_place(cause.__traceback__)
    where = f" in {place[0]}, line {place[1]}" if place else ""
    return f"{type(cause).__name__}: {what}{where}{explain_variable(cause)}"


def find_cause(exc: BaseException) -> BaseException:
    return find_cause(exc.__cause__) if exc.__cause__ else exc


def find_place(start: TracebackType | None) -> tuple[str, int | None] | None:
    """Return file and line of the project's last frame, or else of the last one."""
    places = list(walk(start))
    own = [place for place in places if is_projects(place[0])]
    found = own or places
    return found[-1] if found else None


def is_projects(file: str) -> bool:
    """Return whether a source file belongs to the project, not to a library."""
    return not any(path in file for path in FOREIGN)


def walk(start: TracebackType | None) -> Iterator[tuple[str, int | None]]:
    for frame, line in traceback.walk_tb(start):
        file = frame.f_code.co_filename
        if not file.startswith(OWN):
            yield file, line


def explain_variable(exc: BaseException) -> str:
    frames = [frame for frame, _ in traceback.walk_tb(exc.__traceback__)]
    if not isinstance(exc, KeyError) or not frames:
        return ""
    module = frames[-1].f_globals.get("__name__")
    return f". Set environment variable {exc}" if module == "os" else ""
