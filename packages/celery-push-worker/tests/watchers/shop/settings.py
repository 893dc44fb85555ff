"""A site that is watched by one of three packages, which ``WATCHER`` names."""

import os
from pathlib import Path

FOLDER = Path(os.environ["SHOP_FOLDER"])
WATCHER = os.environ["WATCHER"]

SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
INSTALLED_APPS = ["django_structlog"] if WATCHER == "structlog" else []
MIDDLEWARE = [
    *(["shop.spans.middleware"] if WATCHER == "opentelemetry" else []),
    *(
        ["django_structlog.middlewares.RequestMiddleware"]
        if WATCHER == "structlog"
        else []
    ),
]
DJANGO_STRUCTLOG_CELERY_ENABLED = True

CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "data_folder_in": str(FOLDER / "queue"),
    "data_folder_out": str(FOLDER / "queue"),
    "control_folder": str(FOLDER / "control"),
}
CELERY_RESULT_BACKEND = f"file://{FOLDER / 'results'}"
CELERY_TASK_DEFAULT_QUEUE = "default"

if WATCHER == "sentry":
    import sentry_sdk

    from shop.envelopes import FileTransport

    sentry_sdk.init(
        dsn="http://key@127.0.0.1/1",
        transport=FileTransport,
        traces_sample_rate=1.0,
    )

if WATCHER == "structlog":
    from shop.lines import LOGGING  # noqa: F401  Django reads it
