"""The commands of ``python -m celery_push_worker``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ._launch import launch, switch_to_project
from ._manage import manage
from ._settings import find_app, has_django, try_find_app
from .exceptions import ConfigurationError, ScheduleError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    options = build_parser().parse_args(arguments)
    sys.path.insert(0, str(Path.cwd()))
    try:
        return options.run(options) or 0
    except (ConfigurationError, ScheduleError) as exc:
        print(exc, file=sys.stderr)  # noqa: T201  a command talks
        return 1


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m celery_push_worker", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    web = commands.add_parser("web", help="serve the site")
    web.add_argument(
        "application",
        nargs="?",
        help="module:attribute (default: from the project's settings)",
    )
    web.set_defaults(run=lambda options: launch("web", options.application))
    worker = commands.add_parser("worker", help="run the tasks that triggers deliver")
    worker.set_defaults(run=lambda _: launch("worker"))
    command = commands.add_parser(
        "manage", help="run a command of manage.py, by default that of the request"
    )
    command.add_argument("words", nargs=argparse.REMAINDER, metavar="command")
    command.set_defaults(run=lambda options: manage(options.words))
    upload = commands.add_parser(
        "upload-static", help="bring the bucket of static files up to date"
    )
    upload.set_defaults(run=lambda _: fill_static_bucket())
    schedule = commands.add_parser(
        "schedule", help="export beat_schedule as a file of timers"
    )
    schedule.add_argument("-o", "--output", help="file to write (default: print it)")
    schedule.add_argument("-A", "--app", help="module:attribute (default: CELERY_APP)")
    schedule.set_defaults(
        run=lambda options: write_schedule(options.app, options.output)
    )
    check = commands.add_parser("check", help="list what will not work in the cloud")
    check.add_argument(
        "--json", action="store_true", help="print one JSON object per line"
    )
    check.set_defaults(run=lambda options: show_checks(as_json=options.json))
    return parser


def fill_static_bucket() -> int:
    from ._static_files import upload_static

    return upload_static()


def show_checks(*, as_json: bool) -> None:
    switch_to_project(["check", *(["--json"] if as_json else [])])
    for finding in list_findings():
        text = "{id}  {text}\n  {hint}".format(**finding)
        sys.stdout.write((json.dumps(finding) if as_json else text) + "\n")


def list_findings() -> list[dict[str, str]]:
    """Return what the system checks find; nothing without Django."""
    # The app's module may be what sets DJANGO_SETTINGS_MODULE.
    try_find_app()
    if not has_django():
        return []
    import django
    from django.core.checks import run_checks

    from .checks import TAG, register_checks

    django.setup()
    register_checks()
    return [
        {"id": str(found.id), "text": str(found.msg), "hint": str(found.hint)}
        for found in run_checks(tags=[TAG], include_deployment_checks=True)
        if not found.is_silenced()
    ]


def write_schedule(app_name: str | None, output: str | None) -> None:
    from ._lifecycle import import_tasks
    from .schedule import export_schedule, find_unseen

    app = find_app(app_name)
    import_tasks(app)  # As the worker does that will execute them.
    text = export_schedule(app)
    if warning := find_unseen():
        print(warning, file=sys.stderr)  # noqa: T201  a command talks
    if output is None:
        sys.stdout.write(text)
    else:
        Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
