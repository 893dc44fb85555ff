import os
import secrets

import pytest

from tests.stand_ins import EXECUTORS, run_all

# What Django needs before its settings are read. The tests in this process see the settings of a
# deployed site; those in a browser start a site of their own.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "shop.settings",
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "shop.example.com,.apigw.yandexcloud.net",
    "CELERY_BROKER_URL": "memory://",
    "CELERY_RESULT_BACKEND": "cache+memory://",
}


@pytest.fixture(scope="session", params=EXECUTORS)
def executor(request):
    return request.param


@pytest.fixture(scope="session")
def site(executor, tmp_path_factory):
    """Address of a site whose tasks are executed, over a real queue and table."""
    with run_all(tmp_path_factory.mktemp(executor), executor) as url:
        yield url
