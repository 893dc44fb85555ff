"""A container that does what its path says; used by the tests beside it."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

if os.environ.get("BROKEN"):
    raise RuntimeError("broken on purpose")


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        time.sleep(float(query.get("seconds", 0)))
        while "until" in query and not os.path.exists(query["until"]):
            time.sleep(0.01)
        if "say" in query:
            print(query["say"], flush=True)
        if url.path == "/crash":
            print("about to crash", file=sys.stderr, flush=True)
            os._exit(3)
        if url.path == "/eat":
            eaten.append(bytearray(int(query["mib"]) << 20))
        if url.path == "/chunked":
            page = b"<!doctype html>\n<head><title>\nDisallowedHost at /\n</title></head>"
            self.send_response(int(query.get("status", 200)))
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page))
            return
        if url.path == "/work":
            query["status"] = work(json.loads(body))
        self.send_response(int(query.get("status", 200)))
        for name, value in query.items():
            if name.startswith("header-"):
                self.send_header(name.removeprefix("header-"), value)
        content = self.render(url, query, body)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    do_POST = do_HEAD = do_PUT = do_GET

    def render(self, url, query, body):
        if url.path == "/big":
            return b"x" * int(query["bytes"])
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "bytes": len(body),
            "environment": dict(os.environ),
            "pid": os.getpid(),
            "cwd": os.getcwd(),
        }
        return json.dumps(seen).encode()

    def log_message(self, *_):
        pass


def work(event):
    """Notes each message, and fails where a message says so."""
    bodies = [message["details"]["message"]["body"] for message in event["messages"]]
    with open(os.environ["DONE"], "a") as done:
        done.write("".join(f"{body}\n" for body in bodies))
    time.sleep(0.003)
    return 500 if any(body.startswith("fail") for body in bodies) else 200


eaten = []
print("listening", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Site).serve_forever()
