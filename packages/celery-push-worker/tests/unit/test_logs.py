from __future__ import annotations

import io
import json
import logging

import pytest
from celery.utils.log import get_task_logger

from celery_push_worker._log_setup import (
    add_handler,
    find_obstacle,
    keep_own_lines,
    name_tasks,
    remove_handlers,
)
from celery_push_worker._logs import JsonFormatter, log
from celery_push_worker._platform import MAX_LOG_LINE_BYTES


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


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x9b31m", "\x7f", "a\u2028b\u2029", "\x85"]
)
def test_what_a_terminal_obeys_is_escaped(text):
    written = JsonFormatter().format(record(message=text, fields={"task_name": text}))

    assert written.isprintable()
    assert json.loads(written)["message"] == json.loads(written)["task_name"] == text


def test_a_line_is_as_long_as_the_service_reads_it():
    whole = record(message="x" * 60_000)

    assert line(whole)["message"] == "x" * 60_000


@pytest.mark.parametrize("letter", ["x", "\x1b", "я", "🐍", "\ud800", '"'])
def test_a_line_that_is_too_long_is_cut_in_the_middle(letter):
    text = f"start {letter * 300_000} end"
    fields = {f"field_{i}": [text] for i in range(20)}
    written = JsonFormatter().format(record(message=text, fields=fields))

    assert len(written.encode()) <= MAX_LOG_LINE_BYTES
    found = json.loads(written)["message"]
    assert found.startswith("start ")
    assert found.endswith(" end")
    assert "characters are cut" in found


def test_the_end_of_a_long_traceback_is_kept():
    try:
        raise ValueError("x" * 100_000 + " what matters")
    except ValueError as exc:
        made = record(exc_info=(type(exc), exc, exc.__traceback__))

    found = line(made)
    assert found["exception"].startswith("Traceback")
    assert found["exception"].endswith("what matters")


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


@pytest.fixture
def root():
    """Give the root logger back as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers[:] = [logging.StreamHandler(io.StringIO())]
    root.setLevel(logging.INFO)
    yield root
    root.handlers[:] = before
    root.setLevel(level)
    log.disabled, log.propagate = False, True
    log.setLevel(logging.NOTSET)
    logging.disable(logging.NOTSET)


def test_half_a_character_breaks_no_line(root):
    text = JsonFormatter().format(record(message="a\ud800", fields={"name": "\udfff"}))

    assert text.encode()
    assert json.loads(text)["message"] == "a\ud800"


def test_lines_inside_a_task_carry_its_id_and_name(world, root):
    ours, theirs = io.StringIO(), io.StringIO()
    root.handlers[:] = [logging.StreamHandler(ours), logging.StreamHandler(theirs)]
    root.handlers[0].setFormatter(JsonFormatter())
    root.handlers[1].setFormatter(
        logging.Formatter("%(task_name)s %(task_id)s %(message)s", defaults={})
    )
    root.setLevel(logging.CRITICAL)
    name_tasks()

    @world.app.task(name="t.talk", shared=False)
    def talk():
        logging.getLogger("any").critical("hi")
        get_task_logger("mine").critical("hello")

    world.handle(talk.s().set(task_id="inside"))
    root.handlers[1].setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("any").critical("outside")

    lines = [json.loads(line) for line in ours.getvalue().splitlines()]
    assert [(x["message"], x.get("task_id"), x.get("task_name")) for x in lines] == [
        ("hi", "inside", "t.talk"),
        ("hello", "inside", "t.talk"),
        ("outside", None, None),
    ]
    assert theirs.getvalue().splitlines() == [
        "t.talk inside hi",
        "t.talk inside hello",
        "outside",
    ]


def test_a_field_of_the_projects_own_is_left_alone(world, root):
    seen = io.StringIO()
    root.handlers[:] = [logging.StreamHandler(seen)]
    root.handlers[0].setFormatter(logging.Formatter("%(task_id)s"))
    root.setLevel(logging.CRITICAL)
    name_tasks()

    @world.app.task(name="t.talk", shared=False)
    def talk():
        logging.getLogger("any").critical("hi", extra={"task_id": "theirs"})

    world.handle(talk.s())

    assert seen.getvalue() == "theirs\n"


def set_root_level(root):
    root.setLevel(logging.ERROR)


def set_own_level(_root):
    log.setLevel(logging.WARNING)


def switch_everything_off(_root):
    logging.disable(logging.WARNING)


def set_handlers_level(root):
    root.handlers[1:] = []
    root.handlers[0].setLevel(logging.WARNING)


def keep_to_itself(_root):
    log.propagate = False


@pytest.mark.parametrize(
    ("switch", "told"),
    [
        (set_root_level, "logger 'root' has level ERROR"),
        (set_own_level, "logger 'celery_push_worker' has level WARNING"),
        (switch_everything_off, "logging.disable() was called"),
        (set_handlers_level, "the handlers of logger 'root' have a higher level"),
        (keep_to_itself, "logger 'celery_push_worker' has no handler"),
    ],
)
def test_what_switches_the_lines_off_is_told(root, capsys, switch, told):
    switch(root)

    keep_own_lines()

    written = capsys.readouterr()
    seen = root.handlers[0].stream.getvalue() + written.out + written.err
    assert seen.count(told) == 1


def test_a_configuration_that_disables_what_it_does_not_know_keeps_no_line_back(root):
    log.disabled = True

    keep_own_lines()

    assert not log.disabled
    assert find_obstacle(logging.INFO) is None
    assert root.handlers[0].stream.getvalue() == ""
