"""For publishers: ``import celery_push_worker.publisher`` in the module of the app.

From then on a task with ``countdown`` or ``eta`` is held back by the queue, and a
message that the trigger would never deliver is refused where it is sent. Importing this
module is the explicit way to have that for every app of the process; ``install(app)``
of the package does it for one.
"""

from __future__ import annotations

from ._install import install, install_everywhere

__all__ = ["install"]

install_everywhere()
