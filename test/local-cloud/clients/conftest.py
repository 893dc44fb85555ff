"""The local queue as a process, moto beside it, and an older boto3 for the Query protocol."""

import hashlib
import os
import pathlib
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]

os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="ru-central1",
    # Or moto refuses Yandex's region.
    MOTO_ALLOW_NONEXISTENT_REGION="true",
)


def make_client(url: str):
    return boto3.client(
        "sqs", endpoint_url=url, config=Config(retries={"max_attempts": 0}, user_agent="tests")
    )


@pytest.fixture(scope="session")
def url():
    """The address of a local queue. A test run inside another uses the outer one's."""
    if outer := os.environ.get("LOCAL_QUEUE"):
        yield outer
        return
    command = ["node", "run.mjs", "test/local-cloud/clients/serve.ts"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="session")
def sqs(url):
    return make_client(url)


@pytest.fixture(scope="session")
def moto():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield make_client(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="session")
def query_path():
    """A folder with a boto3 of the Query protocol, made once beside the environment's own."""
    requirements = HERE / "requirements-query.txt"
    version = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = pathlib.Path(sys.prefix) / f"query-{version}"
    if not folder.exists():
        half = folder.with_suffix(".half")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", half, "-r", requirements], check=True)
        half.rename(folder)
    return str(folder)
