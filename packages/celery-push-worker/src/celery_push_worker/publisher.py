"""For publishers: ``import celery_push_worker.publisher`` in the module of the app.

From then on a task with ``countdown`` or ``eta`` is delayed by the queue, and sending a
message that the trigger would never deliver raises ``MessageTooLargeError``. Importing
this module does that for every app of the process; ``celery_push_worker.install(app)``
does it for one.
"""

from __future__ import annotations

from ._install import install, install_everywhere

__all__ = ["install"]

install_everywhere()
