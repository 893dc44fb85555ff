"""What the image is built from, as far as it can be seen without building it."""

import re
from importlib.metadata import requires

from tests.stand_ins import PROJECT

LINES = [line for line in (PROJECT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", "\n".join(LINES), re.M))
CONSTRAINTS = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (PROJECT / "constraints.txt").read_text(), re.M))


def test_every_requirement_is_pinned_or_lies_in_this_repository():
    others = [line for line in LINES if "==" not in line]
    assert others == ["-c constraints.txt", "../../packages/celery-push-worker"]


def test_what_they_require_is_pinned_too():
    pinned = {normal(name) for name in PINS | CONSTRAINTS}
    assert closure("django", "celery", "boto3", "gunicorn", "whitenoise") <= pinned


def test_the_worker_package_is_never_looked_for_elsewhere():
    """Without its build context an empty stage stands there, not an image of that name."""
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", (PROJECT / "Dockerfile").read_text(), re.M)
    assert stages[0] == ("scratch", "celery-push-worker")


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
