from __future__ import annotations

import sys
from importlib import import_module

import pytest

from celery_push_worker._startup_errors import describe_failure
from celery_push_worker.exceptions import ConfigurationError


@pytest.fixture
def fail(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def fail(source):
        file = tmp_path / "broken_settings.py"
        file.write_text(source)
        sys.modules.pop("broken_settings", None)
        try:
            import_module("broken_settings")
        except Exception as exc:
            return describe_failure(exc), file
        raise AssertionError

    return fail


def test_a_missing_variable_is_named_with_file_and_line(fail):
    text, file = fail("import os\n\nTOKEN = os.environ['SHOP_TOKEN']\n")

    assert text == (
        f"KeyError: 'SHOP_TOKEN' in {file}, line 3. "
        "Set environment variable 'SHOP_TOKEN'"
    )


def test_a_key_of_the_projects_own_is_no_variable(fail):
    text, file = fail("{}['SHOP_TOKEN']\n")

    assert text == f"KeyError: 'SHOP_TOKEN' in {file}, line 1"


def test_what_a_library_raises_is_blamed_on_the_line_that_has_called_it(fail):
    text, file = fail("import json\njson.loads('{')\n")

    assert text.startswith("JSONDecodeError: ")
    assert text.endswith(f"in {file}, line 2")


def test_a_line_that_is_no_python_is_told(fail):
    text, file = fail("\nif True\n")

    assert text == f"SyntaxError: expected ':' in {file}, line 2"


def test_a_missing_module_is_told(fail):
    text, file = fail("import not_there_at_all\n")

    expected = "ModuleNotFoundError: No module named 'not_there_at_all'"
    assert text == f"{expected} in {file}, line 1"


def test_an_error_of_ours_says_it_itself():
    assert describe_failure(ConfigurationError("Set it")) == "Set it"


def test_the_cause_is_told_in_place_of_what_hides_it(fail):
    text, file = fail(
        "try:\n    1 / 0\nexcept Exception as exc:\n    raise ImportError('x') from exc\n"
    )

    assert text == f"ZeroDivisionError: division by zero in {file}, line 2"
