"""Messages that other releases of Celery have published, as the queue holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.txt"))
RELEASES = ["5.3", "5.4", "5.5", "5.6", "5.7"]

pytestmark = pytest.mark.filterwarnings("ignore:.*pickle")


@pytest.fixture
def world(make_world):
    return make_world(accept_content=["json", "pickle", "yaml", "msgpack"])


def test_every_release_that_is_supported_is_recorded():
    assert sorted({file.parent.name for file in FILES}) == RELEASES


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_a_message_of_every_release_is_executed(world, file):
    needed = {"yaml": "yaml", "msgpack": "msgpack"}.get(file.stem)
    if needed:
        pytest.importorskip(needed)

    (verdict,) = world.handle(file.read_text().strip())

    if file.stem == "eta":
        assert (verdict.outcome.value, world.runs) == ("delayed", [])
        return
    assert (verdict.outcome.value, verdict.state) == ("done", "SUCCESS")
    name, x, y = world.runs[0]
    assert (name, x + y) == ("add", {"chord": 2, "chord-1": 4}.get(file.stem, 5))


@pytest.mark.parametrize("release", RELEASES)
def test_what_follows_a_recorded_task_is_published(world, release):
    world.handle((HERE / release / "chain.txt").read_text().strip())
    world.run_all()

    assert world.runs == [("add", 2, 3), ("add", 5, 4), ("add", 9, 5)]
