"""What Sentry, OpenTelemetry and django-structlog see here, and in a real worker.

The real packages, set up as their documentation says, over the same two messages.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WAYS = ["wsgi", "mount", "view"]
REFERENCE = "celery worker"


def prepare(folder, watcher):
    for name in ("queue", "control", "results"):
        (folder / name).mkdir()
    environment = {
        **os.environ,
        "SHOP_FOLDER": str(folder),
        "CELERY_APP": "shop.celery:app",
        "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHONWARNINGS": "ignore",
    }
    run([HERE / "publish.py"], {**environment, "WATCHER": "nobody"})
    return {**environment, "WATCHER": watcher}


def run(arguments, environment):
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def run_worker(environment, folder):
    command = ["-m", "celery", "-A", "shop.celery", "worker", "-P", "solo", "-Q"]
    process = subprocess.Popen(
        [sys.executable, *command, "default", "--loglevel", "INFO"],
        cwd=HERE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 60
    while len(list((folder / "results").iterdir())) < 2:
        assert time.monotonic() < end, process.kill() or process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def see(tmp_path_factory):
    """Return what a watcher has seen in one way, each way run once."""
    known = {}

    def see(watcher, way):
        if (watcher, way) not in known:
            folder = tmp_path_factory.mktemp(watcher)
            environment = prepare(folder, watcher)
            if way == REFERENCE:
                run_worker(environment, folder)
            else:
                run([HERE / "run_push.py", way], environment)
            lines = (folder / "seen").read_text().splitlines()
            known[watcher, way] = [json.loads(line) for line in lines]
        return known[watcher, way]

    return see


def sort_by(key, lines):
    """Sort by task: the worker takes the two messages in any order."""
    return sorted(lines, key=key)


def read_events(lines):
    """Return what makes one event of Sentry differ from another."""
    events = [
        {
            "kind": line["kind"],
            "transaction": line.get("transaction"),
            "error": [
                (value["type"], value["value"], value["mechanism"]["type"])
                for value in line.get("exception", {}).get("values", [])
            ],
            "job": line.get("extra", {}).get("celery-job"),
            "tags": line.get("tags"),
            "request": line.get("request"),
            "trace": {
                key: line["contexts"]["trace"].get(key)
                for key in ("op", "status", "parent_span_id")
            },
        }
        for line in lines
        if line["kind"] in ("event", "transaction")
    ]
    return sort_by(lambda event: event["transaction"], events)


def is_of_task(event):
    return event["trace"]["op"] == "queue.task.celery" or event["kind"] == "event"


@pytest.mark.parametrize("way", WAYS)
def test_sentry_sees_the_same(see, way):
    expected = read_events(see("sentry", REFERENCE))
    found = read_events(see("sentry", way))

    assert [e["kind"] for e in expected] == ["event", "transaction", "transaction"]
    assert [e for e in found if is_of_task(e)] == expected
    # A view is a page of the site, too, and watched as such.
    others = [e["trace"]["op"] for e in found if not is_of_task(e)]
    assert others == (["http.server"] * 2 if way == "view" else [])


@pytest.mark.parametrize("way", WAYS)
def test_opentelemetry_sees_the_same(see, way):
    expected = read_spans(see("opentelemetry", REFERENCE))

    assert [span["status"] for span in expected] == ["ERROR", "UNSET"]
    assert read_spans(see("opentelemetry", way)) == expected


def read_spans(lines):
    spans = [line for line in lines if line["kind"] == "CONSUMER"]
    for span in spans:  # Of the process, and of the publisher's.
        varying = {"celery.hostname", "celery.reply_to"}
        span["attributes"] = {
            key: value
            for key, value in span["attributes"].items()
            if key not in varying
        }
    return sort_by(lambda span: span["name"], spans)


def leave_out_times(lines):
    varying = ("duration_ms", "timestamp", "exception")
    kept = [
        {key: value for key, value in line.items() if key not in varying}
        for line in lines
        if not str(line["event"]).startswith("request_")
    ]
    return sort_by(lambda line: line["task_id"], kept)


@pytest.mark.parametrize("way", WAYS)
def test_structlog_sees_the_same(see, way):
    expected = leave_out_times(see("structlog", REFERENCE))

    assert [line["event"] for line in expected] == [
        "task_started",
        "task_failed",
        "task_started",
        "inside",
        "task_succeeded",
    ]
    assert leave_out_times(see("structlog", way)) == expected
