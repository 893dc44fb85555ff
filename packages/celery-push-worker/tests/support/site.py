"""The Django settings of this process, which can be made only once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@cache
def set_up_django() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        ROOT_URLCONF="support.site",
        ALLOWED_HOSTS=["shop.example.com", ".containers.yandexcloud.net"],
        SECRET_KEY="x",
        INSTALLED_APPS=["django_celery_beat"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": Path(mkdtemp()) / "db.sqlite3",
                "ATOMIC_REQUESTS": True,
                "OPTIONS": {"init_command": "PRAGMA synchronous = off"},
            }
        },
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


urlpatterns: list[object] = []
