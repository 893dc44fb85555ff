"""A site under the settings for sites, as a process of its own.

``DEEP=1`` runs it on every supported kind of gunicorn, which is installed and kept.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from matrix.environments import PACKAGE, find_cache

HERE = Path(__file__).parent
# Only what hangs is cut short: a busy machine is no failure.
PATIENCE_SECONDS = 120
LAUNCH = [sys.executable, "-m", "celery_push_worker", "web"]
MODULE = [sys.executable, "-m", "gunicorn"]
HERE_VERSION = version("gunicorn")
OTHERS = {
    # It imports pkg_resources, which setuptools 82 removed.
    "20.1.0": ["setuptools==81.0.0"],
    "21.2.0": [],
    "23.0.0": [],
    "25.0.0": [],
}
RUNS = [
    (HERE_VERSION, kind)
    for kind in ("gthread", "sync", "uvicorn_worker.UvicornWorker", "asgi")
]
if os.environ.get("DEEP"):
    kinds = ("gthread", "sync", "uvicorn_worker.UvicornWorker")
    RUNS += [(other, kind) for other in OTHERS for kind in kinds]
    RUNS.append(("25.0.0", "asgi"))
else:
    print("sample: gunicorn of one release; DEEP=1 runs", *OTHERS)


def find_gunicorn(wanted: str) -> list[str]:
    """Return what goes onto Python's path for that release."""
    if wanted == HERE_VERSION:
        return []
    wheels = [f"gunicorn=={wanted}", *OTHERS[wanted]]
    folder = find_cache() / "+".join(wheels)
    if not (folder / "done").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--target", folder, *wheels], check=True, timeout=300)
        (folder / "done").touch()
    return [str(folder)]


class Site:
    def __init__(  # noqa: PLR0913  what a container has
        self,
        folder: Path,
        command: list[str] = LAUNCH,
        *,
        release: str = HERE_VERSION,
        threads: int = 3,
        timeout: int = 30,
        settings: str = "",
        **environment: str,
    ) -> None:
        (folder / "gunicorn.conf.py").write_text(settings)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        arguments = f"--config=python:celery_push_worker.web --threads={threads}"
        path = [*find_gunicorn(release), str(PACKAGE / "src"), str(HERE)]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "PYTHONPATH": os.pathsep.join(path),
                "PORT": str(self.port),
                "LISTEN_HOST": "127.0.0.1",
                "CELERY_APP": "bakery.celery:app",
                "GUNICORN_CMD_ARGS": f"{arguments} --timeout={timeout}",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self) -> Site:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.exchange("GET", "/facts/")
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError(self.stop())

    def request(self, method: str, path: str, **headers: str) -> Answer:
        return Answer(self.exchange(method, path, **headers), method)

    def exchange(self, method: str, path: str, **headers: str) -> bytes:
        lines = {"Host": "localhost", "Connection": "close", **headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.sendall(f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self) -> str:
        self.process.terminate()
        try:
            return self.process.communicate(timeout=PATIENCE_SECONDS)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()[0]


class Answer:
    def __init__(self, raw: bytes, method: str) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        self.status = int(status.split(" ")[1])
        self.headers = http.client.HTTPMessage()
        for line in lines:
            name, _, value = line.partition(": ")
            self.headers[name] = value
        # Whatever else is tested, the platform takes it.
        assert self.headers["Transfer-Encoding"] is None, raw[:500]
        if self.status not in (204, 304):
            assert len(self.headers.get_all("Content-Length")) == 1, raw[:500]
            if method != "HEAD":
                assert int(self.headers["Content-Length"]) == len(self.body)
        if method == "HEAD" or self.status in (204, 304):
            assert self.body == b""


@pytest.fixture
def start(tmp_path):
    sites = []

    def start(*command, **options) -> Site:
        sites.append(Site(tmp_path, *command, **options))
        return sites[-1].wait()

    yield start
    for site in sites:
        site.stop()


@pytest.fixture(scope="module", params=RUNS, ids="-".join)
def site(request, tmp_path_factory):
    release, kind = request.param
    site = Site(
        tmp_path_factory.mktemp("site"),
        release=release,
        threads=1 if kind == "sync" else 3,
        settings=f"worker_class = {kind!r}" if kind not in ("gthread", "sync") else "",
    )
    yield site.wait()
    site.stop()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/facts", 301),
        ("/cakes/", 302),
        ("/nothing/", 404),
        ("/empty/", 204),
        ("/same/", 304),
        ("/file/", 200),
        ("/memory/", 200),
        ("/stream/5/", 200),
        ("/stream/0/", 200),
    ],
)
def test_answers_have_a_length(site, method, path, status):
    answer = site.request(method, path)

    assert answer.status == status
    if status == 301:
        assert answer.headers["Location"] == "/facts/"


def test_a_host_that_is_not_allowed_is_answered(site):
    assert site.request("GET", "/facts/", Host="elsewhere").status == 400


def test_a_stream_is_answered_as_a_whole(site):
    answer = site.request("GET", "/stream/3000/")

    assert (answer.status, len(answer.body)) == (200, 3000 * 1024)
    assert answer.headers["Content-Type"] == "text/csv"


def test_a_file_arrives_as_it_is(site):
    source = (HERE / "bakery" / "urls.py").read_bytes()

    assert site.request("GET", "/file/").body == source
    assert site.request("GET", "/memory/").body == b"in memory"


@pytest.mark.parametrize("path", ["/stream/100000000/", "/large/"])
def test_what_the_platform_would_not_pass_on_is_a_502_that_says_why(site, path):
    answer = site.request("GET", path)

    assert answer.status == 502
    assert answer.body.decode() == (
        f"GET {path} answered with more than 3.5 MB, the platform's limit. "
        "Put large files into a bucket, and redirect to them.\n"
    )
    assert site.request("HEAD", path).status in (200, 502)


def test_an_endless_stream_does_not_run_on(site):
    site.request("GET", "/stream/100000000/")

    end = time.monotonic() + PATIENCE_SECONDS
    while site.request("GET", "/closed/").body != b"True":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_error_in_the_middle_of_a_stream_is_one(site):
    assert site.request("GET", "/break/").status == 500


def test_the_site_is_told_that_the_browser_speaks_https(site):
    facts = json.loads(site.request("GET", "/facts/").body)

    assert facts["scheme"] == "https"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://localhost", 200), ("http://localhost", 403), ("https://elsewhere", 403)],
)
def test_a_form_is_taken_from_its_own_site_alone(site, origin, status):
    """Django compares the scheme with the browser's Origin."""
    form = site.request("GET", "/form/")
    token, cookie = form.body.decode(), form.headers["Set-Cookie"].split(";")[0]

    answer = site.request(
        "POST", "/form/", **{"X-CSRFToken": token, "Cookie": cookie, "Origin": origin}
    )

    assert answer.status == status


def test_a_stream_that_does_not_end_in_time_is_a_502(start):
    site = start(timeout=1)

    answer = site.request("GET", "/drip/")

    assert answer.status == 502
    assert "was still answering after 1 s" in answer.body.decode()


def test_the_scheme_is_another_without_tls(start):
    site = start(URL_SCHEME="http")

    assert json.loads(site.request("GET", "/facts/").body)["scheme"] == "http"


@pytest.mark.parametrize(
    "command",
    [
        LAUNCH,
        [*LAUNCH, "bakery.wsgi:application"],
        [*MODULE, "bakery.wsgi"],
        [*MODULE, "--bind", "0.0.0.0:1", "bakery.wsgi"],
    ],
    ids=["guessed", "named", "gunicorn", "another address"],
)
def test_as_many_requests_at_once_whatever_the_command(start, command):
    """And whatever the project's own file says about where to listen."""
    site = start(command, settings="bind = 'unix:/nowhere'\nthreads = 1\nworkers = 1")

    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda _: site.request("GET", "/together/"), range(3))

    assert [answer.body for answer in answers] == [b"met"] * 3
    told = "Listening on PORT instead of 0.0.0.0:1" in site.stop()
    assert told is ("--bind" in command)


def test_the_projects_own_settings_and_hooks_are_read(start, tmp_path):
    notes = tmp_path / "notes"
    settings = f"""
import sys
workers = 40
raw_env = ["FLOUR=rye"]
def note(word):
    with open({str(notes)!r}, "a") as file:
        file.write(word + " ")
def on_starting(server): note("starting")
def post_worker_init(worker): note(type(worker.wsgi).__name__)
def post_fork(server, worker): note("forked")
"""
    site = start(settings=settings)

    assert "Starting 3 processes instead of 40" in site.stop()
    words = notes.read_text().split()
    assert words[0] == "starting"
    assert sorted(words[1:]) == ["forked"] * 3 + ["function"] * 3


def test_a_broken_file_of_the_project_is_named(tmp_path):
    site = Site(tmp_path, settings="workers = nothing")

    output = site.process.communicate(timeout=PATIENCE_SECONDS)[0]

    assert site.process.returncode != 0
    file = tmp_path / "gunicorn.conf.py"
    assert f"{file}, line 1: NameError: name 'nothing' is not defined" in output


@pytest.mark.parametrize("kind", ["gthread", "uvicorn_worker.UvicornWorker", "asgi"])
def test_nobody_comes_in_but_the_local_cloud(start, kind):
    settings = "" if kind == "gthread" else f"worker_class = {kind!r}"
    site = start(settings=settings, LOCAL_CLOUD_TOKEN="secret")

    assert site.request("POST", "/facts/").status == 403
    token = {"X-Local-Cloud-Token": "secret"}
    answer = site.request("GET", "/facts/", **token)
    assert answer.status == 200
    assert "secret" not in answer.body.decode()
    assert site.request("GET", "/facts/", **{"X-Local-Cloud-Token": "é"}).status == 403


SETTINGS = "'WSGI_APPLICATION' in the project's settings"


@pytest.mark.parametrize(
    ("site", "reason", "app", "error"),
    [
        ("oven.wsgi.x", SETTINGS, "bakery.celery:app", "No module named 'oven'"),
        ("bakery.wsgi.x", SETTINGS, "bakery.celery:app", "has no attribute 'x'"),
        ("", "'shop:app'", "shop:app", "No module named 'shop.wsgi'"),
    ],
)
def test_a_wrong_guess_is_told_with_the_way_out(tmp_path, site, reason, app, error):
    environment = {"CELERY_APP": app, "BAKERY_WSGI": site, "SHOP_FOLDER": "."}
    server = Site(tmp_path, **environment)

    output = server.process.communicate(timeout=PATIENCE_SECONDS)[0]

    assert server.process.returncode != 0
    place = site.replace(".x", ":x") or "shop.wsgi:application"
    assert f"was looked for at '{place}', which was guessed from {reason}" in output
    assert error in output
    assert '"celery_push_worker", "web", "module:attribute"' in output


def test_an_error_of_the_site_is_its_own(tmp_path):
    (tmp_path / "pastry.py").write_text("import nowhere\n")
    site = Site(tmp_path, BAKERY_WSGI="pastry.application")

    output = site.process.communicate(timeout=PATIENCE_SECONDS)[0]

    assert "No module named 'nowhere'" in output
    assert "was guessed" not in output


CONSOLE = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"own": {"class": "logging.StreamHandler"}},
}
MAIL = {"own": {"class": "django.utils.log.AdminEmailHandler"}}
ROOT = {"root": {"handlers": ["own"]}}


@pytest.mark.parametrize(
    ("project", "ours"),
    [
        # Django prints them.
        ({"BAKERY_DEBUG": "1"}, 0),
        ({"BAKERY_LOGGING": CONSOLE | ROOT}, 0),
        # It mails them to nobody.
        ({}, 1),
        ({"BAKERY_LOGGING": CONSOLE}, 1),
        ({"BAKERY_LOGGING": CONSOLE | ROOT | {"handlers": MAIL}}, 1),
    ],
)
def test_an_error_of_a_page_is_in_the_log_once(start, project, ours):
    if "BAKERY_LOGGING" in project:
        project = {"BAKERY_LOGGING": json.dumps(project["BAKERY_LOGGING"])}
    site = start(**project)

    assert site.request("GET", "/burn/").status == 500
    output = site.stop()

    assert output.count("Internal Server Error: /burn/") == 1
    assert output.count("RuntimeError: burnt") == 1
    entries = [json.loads(line) for line in output.splitlines() if line[:1] == "{"]
    assert [entry["level"] for entry in entries] == ["ERROR"] * ours


@pytest.mark.parametrize("kind", ["gthread", "asgi"])
def test_a_site_whose_urls_fail_does_not_start(tmp_path, kind):
    (tmp_path / "streets.py").write_text("import nowhere\n")
    settings = "" if kind == "gthread" else f"worker_class = {kind!r}"
    site = Site(tmp_path, settings=settings, BAKERY_URLS="streets")

    output = site.process.communicate(timeout=PATIENCE_SECONDS)[0]

    assert site.process.returncode == 3
    assert "No module named 'nowhere'" in output


@pytest.mark.parametrize("name", ["lazy", "late", "written", "replaced"])
def test_older_ways_to_answer_are_complete_too(start, name):
    site = start([*LAUNCH, "answers:application"], CELERY_APP="bakery.celery:app")

    answer = site.request("GET", f"/{name}")

    assert (answer.status, answer.body) == {
        "lazy": (200, b"lazy"),
        "late": (201, b"late"),
        "written": (200, b"written and returned"),
        "replaced": (500, b"replaced"),
    }[name]
