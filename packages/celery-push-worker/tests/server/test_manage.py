"""``python -m celery_push_worker manage``, with the commands of a real Django project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from celery_push_worker._manage import KEPT_BYTES, USAGE, UsageError, read_words
from matrix.environments import PACKAGE

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""

CELERY = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
"""

COMMANDS = {
    "talk": """
        print("one")
        print("two", file=sys.stderr)
        print("three")
        sys.exit(7)""",
    "echo": """
        print(json.dumps([words, sys.stdin.read(), os.getcwd()]))""",
    "shout": """
        for number in range(int(words[0])):
            print("%09d" % number)""",
    "wait": """
        print("waiting")
        time.sleep(600)""",
    "die": """
        print("dying")
        os.kill(os.getpid(), signal.SIGKILL)""",
    "leave": """
        print(subprocess.Popen(["sleep", "600"]).pid)""",
}

COMMAND = """
import json, os, signal, subprocess, sys, time
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    requires_system_checks = []

    def run_from_argv(self, argv):
        self.run(argv[2:])

    def run(self, words):%s
"""


@pytest.fixture
def project(tmp_path):
    commands = tmp_path / "shop" / "management" / "commands"
    commands.mkdir(parents=True)
    for name, text in {"__init__": "", "settings": SETTINGS, "celery": CELERY}.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text)
    for name, text in COMMANDS.items():
        (commands / f"{name}.py").write_text(COMMAND % text)
    (tmp_path / "manage.py").write_text(MANAGE)
    return tmp_path


def start(project, *words, request=None, **environment):
    if request is not None:
        (project / "request").write_bytes(request)
        environment["REQUEST_PATH"] = str(project / "request")
    return subprocess.Popen(
        [sys.executable, "-m", "celery_push_worker", "manage", *words],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PACKAGE / "src"),
            "CELERY_APP": "shop.celery:app",
            **environment,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(project, *words, **options):
    process = start(project, *words, **options)
    stdout, stderr = process.communicate(b"typed")
    return process.returncode, stdout.decode(), stderr.decode()


def ask(*words):
    return json.dumps({"manage": words}).encode()


def as_http(body, line=b"\r\n"):
    headers = [b"POST / HTTP/1.1", b"Host: x", b'X-Ids: {"manage": ["no"]}', b"", body]
    return line.join(headers)


@pytest.mark.parametrize(
    "request_",
    [
        ask("talk"),
        ask("talk") + b"\r\n\r\n",
        as_http(ask("talk")),
        as_http(ask("talk"), b"\n"),
        b"\xef\xbb\xbf" + ask("talk"),
    ],
)
def test_a_request_is_run_with_its_output_in_order(project, request_):
    assert run(project, request=request_) == (7, "one\ntwo\nthree\n", "")


def test_a_command_gets_its_words_as_they_are_and_nothing_to_read(project):
    words = [
        "echo",
        "a b",
        "",
        "$HOME; `ls`",
        '{"manage": ["x"]}',
        "ё\n\n",
        "--noinput",
    ]

    status, stdout, _ = run(project, request=ask(*words))

    assert (status, json.loads(stdout)) == (0, [words[1:], "", str(project)])


def test_migrate_migrates(project):
    (project / "shop" / "settings.py").write_text(
        SETTINGS.replace('["shop"]', '["shop", "django.contrib.contenttypes"]')
    )

    status, stdout, _ = run(project, request=ask("migrate", "--noinput"))
    assert status == 0
    assert "Applying contenttypes.0001_initial... OK" in stdout
    assert run(project, request=ask("migrate", "--check")) == (0, "", "")


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"migrate",
        b"{}",
        b"[]",
        b'["manage"]',
        b'{"manage": []}',
        b'{"manage": [""]}',
        b'{"manage": "migrate"}',
        b'{"manage": {"0": "migrate"}}',
        b'{"manage": ["migrate", 1]}',
        b'{"manage": [null]}',
        b'{"manage": ["migrate"]',
        b'{"manage": ["migrate"]} and more',
        b'{"other": {"manage": ["migrate"]}}',
        b'{"manage": ["\xff"]}',
        b"[" * 200_000,
        b"9" * 10_000,
        as_http(b""),
        as_http(b"manage=migrate"),
        b"\r\n\r\n",
        bytes(range(256)),
    ],
)
def test_a_body_without_a_command_is_refused(request_):
    with pytest.raises(UsageError) as refused:
        read_words(request_)

    assert str(refused.value) == USAGE


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (b"{}", USAGE),
        (ask("talk", "a\0b"), "embedded null byte"),
        (b'{"manage": ["talk", "\\ud800"]}', "surrogates not allowed"),
        (ask("talk", "x" * 1_000_000), "Argument list too long"),
    ],
)
def test_a_request_that_cannot_be_run_is_answered(project, request_, told):
    status, stdout, stderr = run(project, request=request_)

    assert (status, stderr) == (2, "")
    assert told in stdout
    assert len(stdout.splitlines()) == 1


def test_without_words_and_without_a_request_the_form_is_told(project):
    status, stdout, _ = run(project)

    assert (status, stdout) == (
        2,
        "Which command? Write e.g. python3 -m celery_push_worker manage migrate\n",
    )


def test_a_request_that_is_not_there_is_told(project):
    status, stdout, _ = run(project, REQUEST_PATH="/not/there")

    assert status == 2
    assert "/not/there" in stdout


def test_words_of_the_command_line_are_run_with_the_terminal(project):
    status, stdout, stderr = run(project, "talk", REQUEST_PATH="/not/there")
    assert (status, stdout, stderr) == (7, "one\nthree\n", "two\n")

    status, stdout, _ = run(project, "echo", "--help", "-A")
    assert json.loads(stdout) == [["--help", "-A"], "typed", str(project)]


@pytest.mark.parametrize("place", ["manage.py", "site/manage.py", "a/manage.py"])
def test_manage_py_is_found_here_or_one_folder_down(project, place):
    target = project / place
    target.parent.mkdir(exist_ok=True)
    (project / "manage.py").rename(target)

    status, stdout, _ = run(project, request=ask("echo"), PYTHONPATH=path(project))

    assert (status, json.loads(stdout)[2]) == (0, str(project))


def path(*more):
    return os.pathsep.join([str(PACKAGE / "src"), *map(str, more)])


@pytest.mark.parametrize("variable", [{}, {"DJANGO_SETTINGS_MODULE": "shop.settings"}])
def test_without_a_manage_py_djangos_own_is_run(project, variable):
    (project / "manage.py").unlink()

    assert run(project, request=ask("talk"), **variable)[:2] == (7, "one\ntwo\nthree\n")


def test_of_two_none_is_guessed(project):
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "manage.py").write_text("print('not this')")
    (project / "manage.py").unlink()

    assert run(project, request=ask("talk"))[:2] == (7, "one\ntwo\nthree\n")


def test_without_any_settings_the_way_out_is_told(project):
    (project / "manage.py").unlink()
    (project / "shop" / "celery.py").write_text(
        "from celery import Celery\napp=Celery()"
    )

    status, stdout, _ = run(project, request=ask("migrate"))

    assert status == 2
    assert stdout == (
        f"There is no manage.py in {project}, and no settings are known. Set "
        "'env.DJANGO_SETTINGS_MODULE' in config.ts.\n"
    )


def test_an_unknown_command_and_a_broken_project_fail_as_django_says(project):
    status, stdout, _ = run(project, request=ask("migrat"))
    assert status == 1
    assert "Unknown command: 'migrat'" in stdout

    (project / "shop" / "settings.py").write_text("import not_there")
    status, stdout, _ = run(project, request=ask("migrate"))
    assert status == 1
    assert "No module named 'not_there'" in stdout


LINE = len("000000000\n")


def test_of_a_long_output_both_ends_are_kept(project):
    lines = 3 * KEPT_BYTES // LINE

    status, stdout, _ = run(project, request=ask("shout", str(lines)))

    first, between, last = stdout.partition(f"\n… {KEPT_BYTES:,} bytes left out …\n")
    assert (status, between != "") == (0, True)
    assert (len(first), len(last)) == (KEPT_BYTES, KEPT_BYTES)
    assert first.startswith("000000000\n000000001\n")
    assert last.endswith(f"{lines - 1:09}\n")


def test_of_one_that_fits_all_is_kept(project):
    lines = 2 * KEPT_BYTES // LINE

    _, stdout, _ = run(project, request=ask("shout", str(lines)))

    assert stdout == "".join(f"{number:09}\n" for number in range(lines))


def test_output_comes_at_once_and_the_command_ends_with_its_container(project):
    process = start(project, request=ask("wait"))
    assert process.stdout.readline() == b"waiting\n"

    process.send_signal(signal.SIGTERM)

    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (128 + signal.SIGTERM, b"", b"")


def test_a_command_that_was_killed_is_not_a_success(project):
    assert run(project, request=ask("die")) == (128 + signal.SIGKILL, "dying\n", "")


def test_a_process_that_a_command_leaves_behind_is_not_waited_for(project):
    status, stdout, _ = run(project, request=ask("leave"))

    os.kill(int(stdout), signal.SIGKILL)
    assert status == 0
