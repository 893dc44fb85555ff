"""The command that a container runs, as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celery_push_worker.testing import build_bodies, build_event

pytest.importorskip("gunicorn")

HERE = Path(__file__).parent
PATIENCE_SECONDS = 120
"""Ends the wait for what never comes; nothing else depends on it."""

COMMAND = [
    sys.executable,
    "-m",
    "gunicorn",
    "-c",
    "python:celery_push_worker.gunicorn",
    "celery_push_worker.wsgi:application",
]


class Server:
    def __init__(
        self, folder: Path, command: list[str] = COMMAND, **environment: str
    ) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            command,
            cwd=HERE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "PORT": str(self.port),
                "CELERY_APP": "shop:app",
                "SHOP_FOLDER": str(folder),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE_SECONDS
        )
        try:
            connection.request(method, path, body, {"X-Request-Id": "r1"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def begin(self, body: bytes) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE_SECONDS
        )
        connection.request("POST", "/", body)
        return connection

    def wait(self) -> Server:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.request("GET", "/healthz")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.stop())

    def stop(self) -> tuple[str, str]:
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_SECONDS)

    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().split() if file.exists() else []

    def wait_for(self, note: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while note not in self.notes():
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.fixture
def start(tmp_path):
    servers = []

    def start(**environment: str) -> Server:
        servers.append(Server(tmp_path, **environment))
        return servers[-1].wait()

    yield start
    for server in servers:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    os.environ["SHOP_FOLDER"] = str(tmp_path_factory.mktemp("unused"))
    sys.path.insert(0, str(HERE))
    try:
        import shop

        return shop
    finally:
        sys.path.remove(str(HERE))
        del os.environ["SHOP_FOLDER"]


def event(*signatures) -> bytes:
    bodies = [body for s in signatures for body in build_bodies(s)]
    return json.dumps(build_event(bodies)).encode()


def test_it_starts_executes_logs_and_stops(start, shop):
    server = start()
    status, _ = server.request("POST", "/any", event(shop.add.s(2, 3)))
    stdout, stderr = server.stop()

    assert status == 200
    assert server.process.returncode == 0
    assert stderr == ""
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert {line["level"] for line in lines} <= {"INFO", "WARN"}
    (line,) = [line for line in lines if line.get("task_name") == "t.add"]
    assert line["state"] == "SUCCESS"
    assert line["request_id"] == "r1"
    assert {"task_id", "attempt", "duration_seconds", "message_id"} <= line.keys()
    assert server.notes() == [
        "celeryd_init",
        "worker_init",
        "worker_process_init",
        "celeryd_after_setup",
        "worker_ready",
        "worker_shutting_down",
        "worker_process_shutdown",
        "worker_shutdown",
    ]


def test_a_running_task_ends_before_the_server_does(start, shop):
    server = start()
    connection = server.begin(event(shop.sleep.s(1)))
    server.wait_for("begun")

    server.process.send_signal(signal.SIGTERM)

    assert connection.getresponse().status == 200
    server.process.wait(PATIENCE_SECONDS)
    assert "ended" in server.notes()


def test_a_task_may_take_longer_than_the_servers_own_patience(start, shop):
    import celery_push_worker.gunicorn as settings

    assert settings.timeout == 0
    assert settings.graceful_timeout == 600
    assert settings.workers == 1


def test_a_process_that_dies_answers_nothing_and_is_replaced(start, shop):
    server = start()

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        server.request("POST", "/", event(shop.die.s()))

    server.wait()
    assert server.notes().count("worker_ready") == 2


def test_a_task_that_will_not_end_is_recorded_and_not_run_again(start, shop):
    server = start()
    message = event(shop.deaf.s(60).set(time_limit=0.2))

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        server.request("POST", "/", message)
    server.wait()

    status, answer = server.request("POST", "/", message)
    assert (status, json.loads(answer)["messages"][0]["outcome"]) == (200, "duplicate")


def test_a_missing_app_is_told_and_ends_the_server(tmp_path):
    server = Server(tmp_path, CELERY_APP="")
    _, stderr = server.process.communicate(timeout=PATIENCE_SECONDS)

    assert server.process.returncode != 0
    assert "'CELERY_APP' is not set" in stderr + _


def test_an_idle_server_is_gone_before_it_would_be_killed(start, shop):
    server = start()
    server.request("POST", "/", event(shop.add.s(2, 3)))

    server.process.send_signal(signal.SIGTERM)

    # Whoever does not notice the signal is killed when the ten minutes are over.
    assert server.process.wait(PATIENCE_SECONDS) == 0
    assert server.notes()[-1] == "worker_shutdown"


def test_without_its_settings_the_servers_own_limit_is_warned_of(tmp_path):
    command = [part for part in COMMAND if part not in ("-c", COMMAND[4])]
    server = Server(tmp_path, command)
    server.wait()
    stdout, _ = server.stop()

    (warning,) = [line for line in stdout.splitlines() if "WARN" in line]
    assert "-c python:celery_push_worker.gunicorn" in warning


def test_limits_that_greenlets_cannot_have_are_named_once_for_each_task(start, shop):
    server = start(GUNICORN_CMD_ARGS="--worker-class=gevent")
    slow = shop.sleep.s(0.2).set(time_limit=0.1)
    for signature in (slow, slow, shop.add.s(2, 3), shop.add.s(2, 3)):
        assert server.request("POST", "/", event(signature))[0] == 200
    stdout, _ = server.stop()

    warnings = [line for line in stdout.splitlines() if "are not enforced" in line]
    assert len(warnings) == 1
    assert "t.sleep" in warnings[0]
    assert "gevent" in warnings[0]
    assert "gthread" in warnings[0]
    runs = [note for note in server.notes() if note in ("begun", "ended")]
    assert runs == ["begun", "ended"] * 2
