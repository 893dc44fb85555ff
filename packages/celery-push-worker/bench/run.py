"""How fast the worker is, in pairs with what it replaces, on one machine.

``python bench/run.py [pairs]`` prints two tables. It needs ``redis-server`` on the
path, and makes an environment with Celery, Django, gunicorn and Redis's client once.

**Time per message.** Ours: gunicorn with the shipped settings gets the trigger's event
with one message per request, one request after the other, the next one when the last is
answered; the time is the client's, from the first byte sent to the last one received,
connecting included, as this server closes each connection.
Theirs: ``celery worker -P solo`` takes as many messages from a queue on Redis; the time
is that between two tasks, before and after them. Both store results in the same Redis,
log to a file at their default levels (ours a line per message, theirs none), run the
same project, and have been warmed up. Messages are made before the clock runs. Ours
looks for duplicates, which theirs does not; a line tells what it is without.

**Start to first answer.** Ours: from the start of gunicorn's process to the answer of
``/healthz`` or, in its own line, to that of the first message. Theirs: an interpreter
that imports the project and does nothing else, until its last import is done; either
every module of the project, or the app and its tasks only.
A pair is one run of each, one right after the other, in alternating order. The ratio is
the median of the pairs' ratios, the times are medians of their own. Machines differ in
times; ratios are what is wanted. On a machine that is busy with other work ours waits
more than theirs, which has its queue at hand: the load is printed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).parent
PACKAGE = HERE.parent
PATHS = [PACKAGE / "src", PACKAGE / "tests", HERE / "project"]

CELERY = "5.6.3"
KOMBU = "5.6.2"
REDIS = "6.4.0"

MESSAGES = 400
"""In each run of a pair."""

WARM_UP = 200

HOST = "127.0.0.1"

GUNICORN = [
    *(sys.executable, "-m", "gunicorn", "-c", "python:celery_push_worker.gunicorn"),
    "celery_push_worker.wsgi:application",
]
CELERY_WORKER = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo"]

NO_DUPLICATES = {"BENCH_DEDUPLICATE": "0"}

WHOLE_PROJECT = (
    "shop.wsgi, shop.urls, orders.admin, orders.models, orders.views, orders.tasks"
)
TASKS_ONLY = "shop.celery, orders.tasks"
IMPORTS = "import os, shop.celery, django; django.setup(); import {}; os.write(1, b'.')"


def main(pairs: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_port = stack.enter_context(run_redis(folder))
        os.environ |= {
            "REDIS_URL": f"redis://{HOST}:{redis_port}/0",
            "BENCH_MARKS": str(folder / "marks"),
            "CELERY_APP": "shop.celery:app",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONPATH": os.pathsep.join(map(str, PATHS)),
        }
        print(
            f"Python {sys.version.split()[0]}, Celery {CELERY}, {pairs} pairs, "
            f"{MESSAGES} messages each, load {os.getloadavg()[0]:.1f} on "
            f"{os.cpu_count()} cores"
        )
        compare_messages(pairs, folder)
        compare_starts(pairs, folder)


def compare_messages(pairs: int, folder: Path) -> None:
    print(f"\n{'Time per message':<48} ours, ms  theirs, ms  ratio  wanted")
    with process(CELERY_WORKER, folder / "celery.log"):
        theirs = Theirs(folder / "marks")
        for task, label, wanted, environment in (
            ("add_up_silently", "without a stored result", 0.75, {}),
            ("add_up", "with a stored result", 0.9, {}),
            ("add_up", "the same, duplicates not looked for", None, NO_DUPLICATES),
        ):
            with serve(folder, **environment) as port:
                ours = Ours(port)
                ours.run(task, WARM_UP)
                theirs.run(task, WARM_UP)
                times = run_pairs(
                    pairs,
                    lambda ours=ours, task=task: ours.run(task, MESSAGES) / MESSAGES,
                    lambda task=task: theirs.run(task, MESSAGES) / MESSAGES,
                )
            report(label, times, wanted, digits=3)


def compare_starts(pairs: int, folder: Path) -> None:
    print(f"\n{'Start to first answer':<48} ours, ms  theirs, ms  ratio  wanted")
    message = Ours.build_requests("add_up", pairs + 1)
    for label, modules, first, wanted in (
        ("/healthz : whole project", WHOLE_PROJECT, None, 1.1),
        ("/healthz : app and tasks only", TASKS_ONLY, None, None),
        ("first message : whole project", WHOLE_PROJECT, message, None),
    ):

        def ours(first: list[bytes] | None = first) -> float:
            return time_start(folder, first.pop() if first else None)

        def theirs(modules: str = modules) -> float:
            return time_imports(modules)

        ours(), theirs()
        report(label, run_pairs(pairs, ours, theirs), wanted, digits=0)


def run_pairs(
    pairs: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> list[tuple[float, float]]:
    times = []
    for number in range(pairs):
        if number % 2:
            second = theirs()
            times.append((ours(), second))
        else:
            times.append((ours(), theirs()))
    return times


def report(
    label: str, times: Sequence[tuple[float, float]], wanted: float | None, digits: int
) -> None:
    ours, theirs = (statistics.median(side) * 1000 for side in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    verdict = "" if wanted is None else f"{wanted:>6} {'' if ratio <= wanted else 'no'}"
    print(
        f"{label:<48} {ours:>8.{digits}f}  {theirs:>10.{digits}f}  {ratio:>5.2f}"
        f"  {verdict}",
        flush=True,
    )


class Ours:
    """Posts events to the worker, as the trigger does."""

    def __init__(self, port: int) -> None:
        self.client = Client(port)

    def run(self, task: str, count: int) -> float:
        requests = self.build_requests(task, count)
        answers = []
        start = time.monotonic()
        for request in requests:
            answers.append(self.client.send(request))  # noqa: PERF401  what is timed is seen
        seconds = time.monotonic() - start
        for head, body in answers:
            (message,) = json.loads(body)["messages"]
            if not head.startswith(b"HTTP/1.1 200 ") or message["outcome"] != "done":
                raise RuntimeError(f"{head!r}{body!r}")
        return seconds

    @staticmethod
    def build_requests(task: str, count: int) -> list[bytes]:
        from celery_push_worker.testing import build_bodies, build_event

        return [
            build_request(json.dumps(build_event(build_bodies(signature))).encode())
            for signature in (find_task(task).s(number, 1) for number in range(count))
        ]


class Theirs:
    """Fills the worker's queue, and waits until the last task tells that it has run."""

    PARKED = "parked"

    def __init__(self, marks: Path) -> None:
        from redis import Redis

        self.redis = Redis.from_url(os.environ["REDIS_URL"])
        self.marks = marks

    def run(self, task: str, count: int) -> float:
        self.marks.write_text("")
        mark, task = find_task("mark"), find_task(task)
        mark.apply_async(queue=self.PARKED)
        ids = [task.apply_async((n, 1), queue=self.PARKED).id for n in range(count)]
        mark.apply_async(queue=self.PARKED)
        self.redis.rename(self.PARKED, "default")
        while len(marks := self.marks.read_text().splitlines()) < 2:  # noqa: PLR2004
            time.sleep(0.05)
        stored = self.redis.exists(*(f"celery-task-meta-{id_}" for id_ in ids))
        if stored != (0 if task.ignore_result else count):
            raise RuntimeError(f"{stored} tasks of {count} have a result")
        return float(marks[1]) - float(marks[0])


def find_task(name: str) -> Any:
    import django

    django.setup()
    from shop.celery import app

    app.loader.import_default_modules()
    # Whoever publishes to Redis subscribes to the results; nobody waits for them here.
    app.conf.result_backend = "disabled://"
    return app.tasks[f"orders.tasks.{name}"]


class Client:
    """The plainest client there is; keeps its connection where the server does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def send(self, request: bytes) -> tuple[bytes, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head, _, body = self.receive(b"").partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body = self.receive(body)
        if fields.get(b"connection") == b"close":
            self.socket.close()
            self.socket = None
        return head, body

    def receive(self, data: bytes) -> bytes:
        assert self.socket is not None
        more = self.socket.recv(65_536)
        if not more:
            raise ConnectionError("The server has closed the connection")
        return data + more


def build_request(body: bytes | None) -> bytes:
    if body is None:
        return b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body


def time_start(folder: Path, request: bytes | None) -> float:
    start = time.monotonic()
    with serve(folder, request):
        return time.monotonic() - start


def time_imports(modules: str) -> float:
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTS.format(modules)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        if child.stdout.read(1) != b".":
            raise RuntimeError("The project cannot be imported")
        return time.monotonic() - start


@contextmanager
def serve(
    folder: Path, request: bytes | None = None, **environment: str
) -> Iterator[int]:
    """Run our worker; it has answered the request when the block begins."""
    port = find_port()
    with process(GUNICORN, folder / "gunicorn.log", PORT=str(port), **environment):
        client = Client(port)
        wait_for(port)
        head, body = client.send(request or build_request(None))
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{head!r}{body!r}")
        yield port


@contextmanager
def run_redis(folder: Path) -> Iterator[int]:
    server = shutil.which("redis-server")
    if server is None:
        sys.exit("The benchmark needs redis-server on the path")
    port = find_port()
    options = ["--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    with process([server, *options], folder / "redis.log"):
        wait_for(port)
        yield port


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator[None]:
    with (
        log.open("a") as output,
        subprocess.Popen(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as child,
    ):
        try:
            yield
        except BaseException:
            sys.stderr.write(log.read_text()[-2000:])
            raise
        finally:
            child.terminate()


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            time.sleep(0.002)
        else:
            return
    raise TimeoutError(f"Nothing listens on port {port}")


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def enter_environment() -> None:
    """Go on in an environment that has what is measured and nothing else."""
    sys.path[:0] = map(str, PATHS)
    if os.environ.get("BENCH_PYTHON") == sys.executable:
        return
    from matrix.environments import make_environment, read_pins

    wanted = [f"celery=={CELERY}", f"kombu=={KOMBU}", f"redis=={REDIS}"]
    pins = read_pins(["Django", "gunicorn", "python-dateutil"])
    python = str(make_environment("bench", [*wanted, *pins]))
    os.environ["BENCH_PYTHON"] = python
    os.execv(python, [python, *sys.argv])


if __name__ == "__main__":
    enter_environment()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
