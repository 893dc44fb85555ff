"""What the image is built from, as far as it can be seen without building it."""

from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import PROJECT


def read(name):
    lines = (PROJECT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith(("#", "-c "))]


REQUIRED = read("requirements.txt")
PINNED = [*REQUIRED, *read("constraints.txt")]


def test_everything_is_pinned():
    versions = [str(requirement.specifier) for requirement in PINNED]
    assert [version for version in versions if not version.startswith("==")] == []


def test_what_they_require_is_pinned_too():
    assert closure() == {canonicalize_name(one.name) for one in PINNED if one.marker is None or one.marker.evaluate()}


def closure():
    """Names of all that is installed, nothing missing and nothing too much."""
    seen, todo = set(), list(REQUIRED)
    while todo:
        one = todo.pop()
        key = (canonicalize_name(one.name), *sorted(one.extras))
        if key not in seen:
            seen.add(key)
            todo += [needed for line in requires(one.name) or [] if is_needed(needed := Requirement(line), one.extras)]
    return {name for name, *_ in seen}


def is_needed(requirement, extras):
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ["", *extras])
