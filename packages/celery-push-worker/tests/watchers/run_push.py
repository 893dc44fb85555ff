"""Executes what is in the queue's folder by one of the ways of mounting the worker."""

import io
import json
import os
import sys
from pathlib import Path
from wsgiref.util import setup_testing_defaults

from celery_push_worker.testing import build_event

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")


def find_application(way):
    if way == "wsgi":
        from celery_push_worker.wsgi import application

        return application
    from django.core.wsgi import get_wsgi_application

    site = get_wsgi_application()
    if way == "view":
        return site
    from celery_push_worker import mount
    from shop.celery import app

    return mount(site, "/worker/", app)


def post(application, text):
    body = json.dumps(build_event([text])).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/worker/",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    answer = application(environ, lambda status, _headers, *_: print(status))
    print(b"".join(answer).decode())
    if hasattr(answer, "close"):
        answer.close()


application = find_application(sys.argv[1])
for file in sorted((Path(os.environ["SHOP_FOLDER"]) / "queue").iterdir()):
    post(application, file.read_text())
