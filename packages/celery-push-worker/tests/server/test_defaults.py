"""What a project need not say about its queue, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from matrix.environments import PACKAGE, find_python

QUEUE = "https://localhost:1/b1g/dj6/shop-tasks"
ENVIRONMENT = {
    "SQS_QUEUE": QUEUE,
    "SQS_REGION": "ru-central1",
    "CELERY_BROKER_URL": "sqs://",
}
LINES = {
    "is_secure": True,
    "region": "ru-central1",
    "predefined_queues": {"default": {"url": QUEUE}},
}
RELEASES = ["5.3.6", "5.7.0"]

SHOW = """
import json
conf = app.conf
print(json.dumps([conf.task_default_queue, conf.broker_transport_options]))
"""


def run(script: str, release: str | None = None, **environment: str) -> str:
    python = sys.executable if release is None else find_python(release)
    own = PACKAGE / "layer" / "own"
    ended = subprocess.run(
        [python, "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(own), str(PACKAGE / "src")]),
            **ENVIRONMENT,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def show(script: str, release: str | None = None, **environment: str) -> tuple:
    return tuple(json.loads(run(script + SHOW, release, **environment)))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "first", ["", "import kombu.entity", "import kombu.serialization", "import celery"]
)
def test_a_project_that_says_nothing_has_its_queue(release, first):
    script = f"{first}\nfrom celery import Celery\napp = Celery('shop')"

    assert show(script, release) == ("default", LINES)


def test_a_queue_without_tls_is_asked_without():
    script = "from celery import Celery\napp = Celery('shop')"
    url = QUEUE.replace("https:", "http:")

    _, options = show(script, SQS_QUEUE=url)

    assert options["is_secure"] is False


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_project_says_is_kept(release):
    script = """
from celery import Celery
class Settings:
    CELERY_TASK_DEFAULT_QUEUE = "main"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"region": "mars", "is_secure": False}
app = Celery("shop")
app.config_from_object(Settings, namespace="CELERY")
"""
    queue, options = show(script, release)

    assert queue == "main"
    assert {**options, "predefined_queues": None} == {
        "region": "mars",
        "is_secure": False,
        "predefined_queues": None,
    }
    # The stack's one queue goes by the project's name for it, too.
    assert options["predefined_queues"]["main"] == {"url": QUEUE}


STRICT = """app.conf.task_create_missing_queues = False
app.conf.task_queues = [Queue('default'), Queue('heavy', routing_key='h')]"""
TOPIC = "app.conf.task_queues = [Queue('heavy', Exchange('x', 'topic'), 'h.#')]"

FURTHER = {"heavy": f"{QUEUE}-heavy", "low_prio": f"{QUEUE}-low-prio"}
QUEUES = {
    "default": {"url": QUEUE},
    "heavy": {"url": f"{QUEUE}-heavy"},
    "low_prio": {"url": f"{QUEUE}-low-prio"},
}


@pytest.mark.parametrize("release", RELEASES)
def test_further_queues_need_no_line_either(release):
    script = "from celery import Celery\napp = Celery('shop')"

    assert show(script, release, SQS_QUEUES=json.dumps(FURTHER)) == (
        "default",
        {**LINES, "predefined_queues": QUEUES},
    )


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "own",
    [
        {"default": {"url": QUEUE, "region": "ru-central1"}},
        {"default": {"url": QUEUE}, "heavy": {"url": "https://elsewhere/1/heavy"}},
    ],
)
def test_a_project_that_names_its_one_queue_has_the_further_ones_too(release, own):
    # The lines that are written for a stack of one queue.
    script = f"""
from celery import Celery
class Settings:
    CELERY_TASK_DEFAULT_QUEUE = "default"
    CELERY_BROKER_TRANSPORT_OPTIONS = {{"is_secure": True, "predefined_queues": {own}}}
app = Celery("shop")
app.config_from_object(Settings, namespace="CELERY")
app.finalize()
"""
    _, options = show(script, release, SQS_QUEUES=json.dumps(FURTHER))

    assert options["predefined_queues"] == {**QUEUES, **own}
    assert show(script, release)[1]["predefined_queues"] == own


def test_a_further_queue_may_be_the_projects_default():
    script = (
        "from celery import Celery\napp = Celery('shop', task_default_queue='heavy')"
    )

    queue, options = show(script, SQS_QUEUES=json.dumps(FURTHER))

    assert queue == "heavy"
    assert options["predefined_queues"] == QUEUES


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("send", "queue"),
    [
        ("add.delay(1, 2)", "default"),
        ("add.apply_async((1, 2), queue='heavy')", "heavy"),
        ("app.send_task('elsewhere', queue='low_prio')", "low_prio"),
        ("own.delay()", "heavy"),
        ("(add.s(1, 2).set(queue='low_prio') | own.si()).delay()", "low_prio"),
        ("app.conf.task_routes = {'t.*': 'heavy'}; add.delay(1, 2)", "heavy"),
        (f"{STRICT}; add.apply_async((1, 2), queue='heavy')", "heavy"),
        (f"{TOPIC}; add.apply_async((1, 2), exchange='x', routing_key='h.1')", "heavy"),
    ],
)
def test_a_task_is_sent_to_the_queue_that_celery_names(release, send, queue):
    script = f"""
from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import SQS
SQS.Channel._size = lambda channel, queue: 0
SQS.Channel._put = lambda channel, queue, message, **_: print(queue)
app = Celery("shop")
@app.task(name="t.add")
def add(x, y): return x + y
@app.task(name="own", queue="heavy")
def own(): return None
{send}
"""
    assert run(script, release, SQS_QUEUES=json.dumps(FURTHER)) == f"{queue}\n"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "line",
    [
        "app = Celery('shop', broker_transport_options=OPTIONS)",
        "app = Celery('shop'); app.conf.broker_transport_options = OPTIONS",
        """app = Celery('shop')
app.conf.timezone
app.conf.broker_transport_options = OPTIONS
app.tasks""",
        "app = Celery('shop'); app.conf.update(broker_transport_options=OPTIONS)",
    ],
)
def test_options_are_filled_up_wherever_they_are_set(release, line):
    script = f"""
from celery import Celery
OPTIONS = {{"predefined_queues": {{"mine": {{"url": "x"}}}}}}
{line}
"""
    queue, options = show(script, release)

    assert queue == "default"
    assert options == {**LINES, "predefined_queues": {"mine": {"url": "x"}}}


def test_apps_that_were_there_before_have_it_too():
    script = """
import os
queue = os.environ.pop("SQS_QUEUE")
from celery import Celery
app = Celery("shop")
assert app.conf.task_default_queue == "celery"
os.environ["SQS_QUEUE"] = queue
from celery_push_worker._defaults import activate
activate()
"""
    assert show(script) == ("default", LINES)


@pytest.mark.parametrize(
    "environment",
    [{"SQS_QUEUE": ""}, {"CELERY_BROKER_URL": "redis://localhost"}],
)
def test_without_the_queue_nothing_changes(environment):
    script = "from celery import Celery\napp = Celery('shop')"

    assert show(script, **environment) == ("celery", {})


def test_without_the_queue_nothing_is_loaded():
    script = """
import sys
import kombu.serialization
print([name for name in sys.modules if name.startswith("celery")])
"""
    assert run(script, SQS_QUEUE="") == (
        "['celery_push_worker', 'celery_push_worker._defaults']\n"
    )


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("send", "queue"),
    [
        ("add.apply_async((1, 2), queue='emails')", "emails"),
        ("app.send_task('t.add', queue='celery')", "celery"),
        ("app.conf.task_routes = {'t.*': 'slow'}; add.delay(1, 2)", "slow"),
    ],
)
def test_a_queue_that_is_not_there_is_named_where_the_task_is_sent(
    release, send, queue
):
    script = f"""
import pickle
from celery import Celery
app = Celery("shop")
@app.task(name="t.add")
def add(x, y): return x + y
try:
    {send}
except Exception as exc:
    assert str(pickle.loads(pickle.dumps(exc))) == str(exc)
    print(type(exc).__name__, exc, sep=": ")
"""
    assert run(script, release) == (
        f"UnknownQueueError: Task 't.add' is sent to queue '{queue}', which does not "
        f"exist (known: 'default'). Add it to config.ts (queues: {{ {queue}: {{}} }}), or "
        f"remove '{queue}' from the task's route, 'task_routes', the call's 'queue=' or "
        "'task_default_queue'.\n"
    )


def test_the_layers_entry_point_is_the_packages():
    import tomllib

    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (info,) = (PACKAGE / "layer" / "own").glob("*.dist-info")
    (group,) = project["entry-points"]
    (name,) = project["entry-points"][group]

    assert info.name == f"celery_push_worker-{project['version']}.dist-info"
    assert f"Version: {project['version']}\n" in (info / "METADATA").read_text()
    assert (info / "entry_points.txt").read_text() == (
        f"[{group}]\n{name} = {project['entry-points'][group][name]}\n"
    )
