"""Tasks that do next to nothing: what is measured is everything around them."""

import os
import time

from celery import shared_task


@shared_task
def add_up(x, y):
    return x + y


@shared_task(ignore_result=True)
def add_up_silently(x, y):
    return x + y


@shared_task(ignore_result=True)
def mark():
    """Tell the time at which everything before was done."""
    with open(os.environ["BENCH_MARKS"], "a", encoding="ascii") as marks:  # noqa: PTH123
        marks.write(f"{time.monotonic()}\n")
