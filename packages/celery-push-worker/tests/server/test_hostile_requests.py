"""Requests that no client sends, byte by byte to the command that a container runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("gunicorn")

HERE = Path(__file__).parent
PATIENCE_SECONDS = 60


class Server:
    def __init__(self, folder, settings="celery_push_worker.gunicorn"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-c", f"python:{settings}"),
                "celery_push_worker.wsgi:application",
            ],
            cwd=HERE,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
                "PORT": str(self.port),
                "CELERY_APP": "shop:app",
                "SHOP_FOLDER": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.wait()

    def wait(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.stop())

    def open(self, raw):
        connection = socket.create_connection(
            ("127.0.0.1", self.port), timeout=PATIENCE_SECONDS
        )
        connection.sendall(raw)
        return connection

    def send(self, raw):
        """Return the status of the answer, None when there is none."""
        with self.open(raw) as connection:
            line = connection.makefile("rb").readline()
        return int(line.split()[1]) if line else None

    def stop(self):
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_SECONDS)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("shop"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("impatient"), "impatient")
    yield server
    server.stop()


def head(method, path="/", **headers):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]
    ).encode()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}x\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n"],
)
def test_a_chunk_that_is_none_is_a_bad_request(server, chunks):
    assert server.send(head("POST", Transfer_Encoding="chunked") + chunks) == 400


@pytest.mark.parametrize("length", ["9" * 5_000, "9" * 30, "-1", "1e3", "1_0"])
def test_an_absurd_length_is_a_bad_request(server, length):
    assert server.send(head("POST", Content_Length=length) + b"{}") == 400


@pytest.mark.parametrize("path", ["/%", "///", "//", "/%zz", "//[", "///x", "/%00"])
def test_nothing_is_at_a_path_that_is_none(server, path):
    assert server.send(head("GET", path)) == 404


def test_a_body_that_stalls_gives_the_process_free(impatient):
    with impatient.open(head("POST", Content_Length="100") + b"{") as stalled:
        assert impatient.send(head("GET", "/healthz")) == 200
        assert stalled.makefile("rb").readline().split()[1] == b"408"


def test_a_chunk_that_stalls_gives_the_process_free(impatient):
    chunked = head("POST", Transfer_Encoding="chunked")
    with impatient.open(chunked + b"ff\r\n{") as stalled:
        assert impatient.send(head("GET", "/healthz")) == 200
        assert stalled.makefile("rb").readline().split()[1] == b"408"


@pytest.mark.parametrize("said", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: a\r\n"])
def test_a_client_that_says_no_more_gives_the_process_free(impatient, said):
    with impatient.open(said) as silent:
        assert impatient.send(head("GET", "/healthz")) == 200
        assert silent.makefile("rb").readline() == b""
