"""The same tests with a boto3 that speaks the Query protocol and reads XML."""

import os
import subprocess
import sys

from conftest import HERE

PROTOCOL = "import botocore.session as s; print(s.get_session().get_service_model('sqs').protocol)"


def test_boto3_by_the_query_protocol(url, query_path):
    environment = {**os.environ, "PYTHONPATH": query_path, "LOCAL_QUEUE": url}
    protocol = subprocess.check_output([sys.executable, "-c", PROTOCOL], env=environment, text=True)
    assert protocol.strip() == "query"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_boto3.py"]
    run = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout and "skipped" not in run.stdout
