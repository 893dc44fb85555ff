"""Answers only when as many requests are worked on at once as the query says."""

import os
import time
from pathlib import Path


def application(environ, start_response):
    if environ["PATH_INFO"] == "/healthz":
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    folder, number = Path(os.environ["MEETING"]), int(environ["QUERY_STRING"])
    (folder / f"{time.monotonic_ns()}-{os.urandom(4).hex()}").touch()
    while len(list(folder.iterdir())) < number:
        time.sleep(0.01)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
