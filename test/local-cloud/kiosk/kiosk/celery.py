from celery import Celery

app = Celery("kiosk")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="kiosk.sell")
def sell(paper):
    return paper
