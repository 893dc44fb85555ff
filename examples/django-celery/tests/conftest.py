import os
import secrets
import subprocess
import sys

import pytest

from tests import PROJECT

REPOSITORY = PROJECT.parent.parent

# What Django needs before its settings are read. The tests in this process see the settings of a
# deployed site; those of jobs and of the page see the site that the local cloud runs.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "shop.settings",
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "shop.example.com,.apigw.yandexcloud.net",
    "CELERY_BROKER_URL": "memory://",
    "CELERY_RESULT_BACKEND": "cache+memory://",
}


@pytest.fixture(scope="session")
def site():
    """Address of the site in a local cloud, which ends when its standard input is closed."""
    command = ["node", "run.mjs", "scripts/local.ts", "--python", sys.executable, "--once", "echo $SITE_URL; cat"]
    env = {name: os.environ[name] for name in ("PATH", "HOME")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, env=env, **pipes) as cloud:
        url = cloud.stdout.readline().strip()
        assert url, "The local cloud did not start: see above"
        yield url
