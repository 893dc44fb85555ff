"""python -m tests.local: the whole site on this machine, without a cloud. Ctrl-C ends it."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stand_ins import EXECUTORS, run_all

executor = sys.argv[1] if len(sys.argv) > 1 else next(reversed(EXECUTORS))
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with TemporaryDirectory() as folder, run_all(Path(folder), executor, port=8000) as url:
    print(f"{url}  (tasks by {executor}; Ctrl-C ends it)", flush=True)
    with suppress(KeyboardInterrupt):
        signal.pause()
