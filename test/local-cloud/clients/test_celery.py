"""A real `celery worker` consumes from the local queue, by both protocols."""

import os
import signal
import subprocess
import sys
import uuid

import pytest
from conftest import HERE

WORKER = ["worker", "-P", "solo", "-Q", "default", "-l", "INFO"]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


@pytest.mark.parametrize("protocol", ["json", "query"])
def test_a_worker_consumes_and_a_site_reads_its_results(sqs, url, query_path, tmp_path, protocol):
    queue = sqs.create_queue(QueueName=f"celery-{protocol}-{uuid.uuid4()}")["QueueUrl"]
    environment = {
        **os.environ,
        "BROKER": url.replace("http://", "sqs://test:test@"),
        "SQS_QUEUE": queue,
        "RESULTS": str(tmp_path),
        "PYTHONPATH": query_path if protocol == "query" else "",
    }
    celery = [sys.executable, "-m", "celery", "-A", "shop", *WORKER, *QUIET]
    log = (tmp_path / "log").open("w+")
    worker = subprocess.Popen(celery, cwd=HERE, env=environment, stdout=log, stderr=log)
    try:
        site = subprocess.run(
            [sys.executable, "shop.py"], cwd=HERE, env=environment, capture_output=True, text=True
        )
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=60)
    log.seek(0)
    assert site.stdout.endswith("all done\n"), site.stderr + log.read()
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"]
    assert left == dict.fromkeys(counts, "0")
