from __future__ import annotations

import io
import json
import logging

from celery_push_worker._logs import JsonFormatter, add_handler, remove_handlers


def record(level=logging.INFO, message="x", name="a", **extra):
    made = logging.LogRecord(name, level, "f.py", 1, message, (), None)
    vars(made).update(extra)
    return made


def line(made):
    text = JsonFormatter().format(made)
    assert "\n" not in text
    return json.loads(text)


def test_levels_are_named_as_the_service_names_them():
    assert line(record(logging.WARNING))["level"] == "WARN"
    assert line(record(logging.CRITICAL))["level"] == "FATAL"
    assert line(record(logging.ERROR))["level"] == "ERROR"


def test_fields_stand_beside_the_message():
    assert line(record(message="a\nb", fields={"task_id": "t"})) == {
        "level": "INFO",
        "message": "a\nb",
        "logger": "a",
        "task_id": "t",
    }


def test_of_celerys_data_only_name_and_id_are_taken():
    data = {"id": "t", "name": "n", "args": "('secret',)", "return_value": "secret"}

    found = line(record(data=data))

    assert (found["task_id"], found["task_name"]) == ("t", "n")
    assert "secret" not in json.dumps(found)


def test_an_exception_is_one_field():
    try:
        raise ValueError("x")
    except ValueError as exc:
        made = record(exc_info=(type(exc), exc, exc.__traceback__))

    assert line(made)["exception"].endswith("ValueError: x")


def test_handlers_of_the_site_stay_unless_they_are_taken_over():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    own = logging.StreamHandler(io.StringIO())
    try:
        root.handlers[:] = [own]
        add_handler("", "INFO")
        kept = list(root.handlers)
        remove_handlers()
        add_handler("", "INFO")
        replaced = list(root.handlers)
    finally:
        root.handlers[:] = before
        root.setLevel(level)

    assert kept == [own]
    assert isinstance(replaced[0].formatter, JsonFormatter)
