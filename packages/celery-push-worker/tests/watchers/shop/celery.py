import os

from celery import Celery, signals

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["shop"])

if os.environ["WATCHER"] == "opentelemetry":
    import shop.spans  # noqa: F401  it waits for the worker's start

if os.environ["WATCHER"] == "structlog":
    from django_structlog.celery.steps import DjangoStructLogInitStep

    app.steps["worker"].add(DjangoStructLogInitStep)

    @signals.setup_logging.connect
    def set_up_logging(**_):
        from logging.config import dictConfig

        from shop.lines import LOGGING

        dictConfig(LOGGING)
