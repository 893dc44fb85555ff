"""A moto server on a free port; prints its address."""

import logging
import os
import time

os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"

from moto.server import ThreadedMotoServer  # noqa: E402

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://localhost:{port}", flush=True)
while True:
    time.sleep(60)
