import os

from celery import shared_task


@shared_task
def succeed(word):
    if os.environ["WATCHER"] == "structlog":
        import structlog

        structlog.get_logger("shop").info("inside", word=word)
    return word


@shared_task
def fail():
    raise ValueError("broken")
