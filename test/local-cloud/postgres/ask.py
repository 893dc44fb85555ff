"""Connects as sites do, with what is in the environment only: `python ask.py psycopg`."""

import importlib
import sys

QUERY = "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def by_driver(name: str) -> tuple:
    connection = importlib.import_module(name).connect("")
    cursor = connection.cursor()
    cursor.execute(QUERY)
    return cursor.fetchone()


def by_django(database: dict) -> tuple:
    import django
    from django.conf import settings
    from django.db import connection

    settings.configure(DATABASES={"default": database})
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        return cursor.fetchone()


def by_dj_database_url() -> tuple:
    import dj_database_url

    return by_django(dj_database_url.config())


def by_django_environ() -> tuple:
    import environ

    return by_django(environ.Env().db())


WAYS = {
    "psycopg": lambda: by_driver("psycopg"),
    "psycopg2": lambda: by_driver("psycopg2"),
    "dj-database-url": by_dj_database_url,
    "django-environ": by_django_environ,
}

if __name__ == "__main__":
    print(*WAYS[sys.argv[1]]())
