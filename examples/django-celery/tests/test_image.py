"""What the image is built from, as far as it can be seen without building it."""

import re
from importlib.metadata import requires

from tests import PROJECT

LINES = [line for line in (PROJECT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", "\n".join(LINES), re.M))
CONSTRAINTS = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (PROJECT / "constraints.txt").read_text(), re.M))


def test_every_requirement_is_pinned():
    assert [line for line in LINES if "==" not in line] == ["-c constraints.txt"]


def test_what_they_require_is_pinned_too():
    pinned = {normal(name) for name in PINS | CONSTRAINTS}
    assert closure(*PINS) <= pinned


def closure(*names):
    found, todo = set(), list(names)
    while todo:
        name = normal(todo.pop())
        if name not in found:
            found.add(name)
            todo += [re.match(r"[\w.-]+", line)[0] for line in requires(name) or [] if needed(line)]
    return found


def needed(requirement):
    """Not for an extra, another system or an older Python."""
    _, _, marker = requirement.partition(";")
    return not re.search(r"extra|win32|Windows|python_version\s*<|python_full_version\s*<", marker)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()
