"""The launcher in images whose ``python3`` is not the project's."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from matrix.environments import PACKAGE

SHOW = """
import sys
print("ran in", sys.prefix, *[p for p in sys.path if "fallback" in p])
"""


def make_environment(folder: Path, *paths: str) -> Path:
    venv.create(folder, symlinks=True)
    (lib,) = (folder / "lib").glob("python*")
    (lib / "site-packages" / "more.pth").write_text("\n".join(paths))
    return folder


@pytest.fixture
def image(tmp_path):
    """A python3 that knows nothing, with the layer on top of it."""
    layer = tmp_path / "layer"
    (layer / "own").mkdir(parents=True)
    (layer / "own" / "celery_push_worker").symlink_to(
        PACKAGE / "src" / "celery_push_worker"
    )
    for package in ("gunicorn", "boto3"):
        folder = layer / "fallback" / package / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    app = layer / "fallback" / "gunicorn" / "gunicorn" / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "wsgiapp.py").write_text(f"def run():\n    exec({SHOW!r})\n")
    (tmp_path / "app").mkdir()
    make_environment(tmp_path / "system")
    return tmp_path


def make_project(folder: Path, *packages: str) -> Path:
    """An environment that has Celery, and nothing else of what is needed."""
    modules = folder.parent / f"{folder.name}-modules"
    for package in ("celery", *packages):
        (modules / package).mkdir(parents=True)
        (modules / package / "__init__.py").touch()
    return make_environment(folder, str(modules))


def launch(image: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [image / "system" / "bin" / "python3", "-m", "celery_push_worker", "web"],
        cwd=image / "app",
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(image / "home"),
            "PYTHONPATH": str(image / "layer" / "own"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("place", "variable"),
    [
        ("app/.venv", None),
        ("app/venv", None),
        ("elsewhere", "VIRTUAL_ENV"),
        ("elsewhere", "UV_PROJECT_ENVIRONMENT"),
        ("home/.cache/pypoetry/virtualenvs/shop-x-py3", None),
        ("poetry/virtualenvs/shop-x-py3", "POETRY_CACHE_DIR"),
    ],
)
def test_the_projects_environment_is_found(image, place, variable):
    environment = make_project(image / place)
    value = image / "poetry" if variable == "POETRY_CACHE_DIR" else environment
    ended = launch(image, **({variable: str(value)} if variable else {}))

    assert f"ran in {environment}" in ended.stdout, ended.stderr


def test_what_the_project_lacks_comes_last_and_its_own_is_kept(image):
    fallback = image / "layer" / "fallback"
    make_project(image / "app" / ".venv")
    both = launch(image).stdout

    assert both.split()[-2:] == [str(fallback / "gunicorn"), str(fallback / "boto3")]


@pytest.mark.parametrize("own", ["boto3", "botocore"])
def test_boto3_and_botocore_are_never_of_two_origins(image, own):
    make_project(image / "app" / ".venv", own)

    assert "fallback/boto3" not in launch(image).stdout
    assert "fallback/gunicorn" in launch(image).stdout


def test_an_active_environment_is_kept(image):
    make_project(image / "app" / ".venv")
    own = make_project(image / "own")
    system = image / "system"
    (next((system / "lib").glob("python*")) / "site-packages" / "more.pth").write_text(
        f"{own.parent / 'own-modules'}\n"
    )

    assert f"ran in {system}" in launch(image).stdout
    assert f"ran in {system}" in launch(image, VIRTUAL_ENV=str(system)).stdout
    assert f"ran in {own}" in launch(image, VIRTUAL_ENV=str(own)).stdout


def test_without_any_the_way_out_is_told(image):
    ended = launch(image)

    assert ended.returncode == 1
    assert "Celery is not installed for" in ended.stderr
    assert 'env: { VIRTUAL_ENV: "/path/to/it" }' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_real_server_starts_so(tmp_path):
    """With the packages of these tests as the project's."""
    system = make_environment(tmp_path / "system")
    make_environment(tmp_path / ".venv", sysconfig.get_path("purelib"))
    ended = subprocess.run(
        [system / "bin" / "python3", "-m", "celery_push_worker", "web", "nowhere:app"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(PACKAGE / "src"),
            "PATH": os.environ["PATH"],
            "PORT": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Starting gunicorn" in ended.stderr
    assert "No module named 'nowhere'" in ended.stderr
    assert sys.prefix not in ended.stderr.split("Traceback")[0]


def test_a_gunicorn_that_cannot_be_imported_is_named_with_the_way_out(image):
    """As 20.1 on an image of today, whose setuptools has no pkg_resources."""
    project = make_project(image / "app" / ".venv", "gunicorn/app")
    module = image / "app" / ".venv-modules" / "gunicorn" / "app" / "wsgiapp.py"
    module.write_text("import absent_pkg_resources\n")
    ended = launch(image)

    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1] == (
        f"gunicorn is installed for {project}/bin/python, but cannot be imported: "
        "No module named 'absent_pkg_resources'. Install what it lacks, or a newer "
        "release: gunicorn>=22"
    )
