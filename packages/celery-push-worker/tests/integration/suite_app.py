"""The app whose worker executes the tasks of Celery's own integration tests."""

from __future__ import annotations

import json
import os
from pathlib import Path

from celery import Celery

app = Celery("suite", set_as_current=True, include=["t.integration.tasks"])
app.conf.update(json.loads(Path(os.environ["SUITE_CONFIG"]).read_text()))

from t.integration.tasks import ClassBasedAutoRetryTask  # noqa: E402  needs the app

app.register_task(ClassBasedAutoRetryTask())
