"""Publishes a task that succeeds and one that fails, by a process nobody watches."""

from shop.tasks import fail, succeed

from shop.celery import app

succeed.apply_async(args=["hello"], task_id="succeeds")
fail.apply_async(task_id="fails")
app.close()
