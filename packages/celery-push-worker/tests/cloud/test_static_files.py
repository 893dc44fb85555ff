"""``python -m celery_push_worker upload-static``, into the bucket of a stand-in server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from shutil import copytree

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from celery_push_worker._static_bucket import KEPT_DEPLOYS, LISTS, StaticBucket
from celery_push_worker._static_file import StaticFile
from celery_push_worker._static_files import MAX_SERVED_BYTES
from celery_push_worker.exceptions import ConfigurationError
from matrix.environments import PACKAGE

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""

SETTINGS = """
from pathlib import Path
BASE = Path(__file__).parent.parent
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
STATIC_URL = "static/"
STATIC_ROOT = BASE / "collected"
STORAGES = {"staticfiles": {"BACKEND": "%s"}}
"""

CELERY = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
"""

ELSEWHERE = """
from django.core.files.storage import InMemoryStorage

class Elsewhere(InMemoryStorage):
    pass
"""

PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"

STYLE = "body { background: url(logo.svg) }" + " " * 1000
LOGO = "<svg xmlns='http://www.w3.org/2000/svg'/>"

FOREVER = "public, max-age=31536000, immutable"
SOON = "public, max-age=60"


class Objects:
    """The bucket as the gateway sees it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.name = name
        self.url = f"{endpoint}/{name}"
        self.s3 = boto3.client("s3", endpoint_url=endpoint)
        self.s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ru-central1"}
        )

    def put(self, name: str, body: bytes = b"foreign") -> None:
        self.s3.put_object(Bucket=self.name, Key=name, Body=body)

    def get(self, name: str):
        return self.s3.get_object(Bucket=self.name, Key=name)

    def body(self, name: str) -> bytes:
        return self.get(name)["Body"].read()

    def names(self) -> set[str]:
        return {key for key in self.keys() if not key.startswith(LISTS)}

    def lists(self) -> set[str]:
        return {key for key in self.keys() if key.startswith(LISTS)}

    def keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [it["Key"] for page in pages for it in page.get("Contents", [])]


@pytest.fixture
def objects(request, endpoint):
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower())
    return Objects(endpoint, f"static-{name[-50:].strip('-')}")


@pytest.fixture
def make_file(tmp_path):
    def make(name, content="x", *, is_hashed=False):
        path = tmp_path / f"{abs(hash((name, content)))}"
        path.write_text(content)
        return StaticFile(name, path, is_hashed)

    return make


@pytest.fixture
def make_deploy(make_file):
    """Make the files of a deploy: one that is always the same, one that is its own."""

    def make(number):
        return [
            make_file("same.js", "same"),
            make_file("page.js", f"page {number}"),
            make_file(f"page.{number}.js", f"page {number}", is_hashed=True),
        ]

    return make


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project")


def make_project(folder):
    static = folder / "shop" / "static"
    static.mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "celery.py").write_text(CELERY)
    (folder / "shop" / "elsewhere.py").write_text(ELSEWHERE)
    (folder / "manage.py").write_text(MANAGE)
    (static / "style.css").write_text(STYLE)
    (static / "logo.svg").write_text(LOGO)
    use(folder, MANIFEST)
    return folder


@pytest.fixture(scope="module")
def image_files(tmp_path_factory):
    """What an image has collected with hashed names."""
    folder = make_project(tmp_path_factory.mktemp("image"))
    collect(folder)
    return folder / "collected"


@pytest.fixture
def image(project, image_files):
    """Make the image of the project: its files are collected."""
    copytree(image_files, project / "collected")
    return project


def use(project, storage, more=""):
    (project / "shop" / "settings.py").write_text(SETTINGS % storage + more)


def run(project, *words, url="", **environment):
    completed = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE / "src"), *sys.path]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CELERY_APP": "shop.celery:app",
            **({"STATIC_BUCKET_URL": url} if url else {}),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return completed.returncode, completed.stdout


def collect(project):
    assert run(project, "manage.py", "collectstatic", "--noinput")[0] == 0


def upload(project, objects, **environment):
    url = objects.url
    return run(
        project, "-m", "celery_push_worker", "upload-static", url=url, **environment
    )


def manifest_of(project):
    text = (project / "collected" / "staticfiles.json").read_text()
    return json.loads(text)["paths"]


@pytest.mark.parametrize("storage", [MANIFEST, WHITENOISE])
def test_the_files_that_the_images_pages_name_are_in_the_bucket(
    project, objects, storage
):
    use(project, storage)
    collect(project)
    hashed = manifest_of(project)

    assert upload(project, objects) == (0, "4 files, 4 uploaded, 0 removed\n")

    assert objects.names() == {*hashed, *hashed.values()}
    style = objects.get(hashed["style.css"])
    assert (
        style["Body"]
        .read()
        .decode()
        .startswith(f'body {{ background: url("{hashed["logo.svg"]}") }}')
    )
    assert style["ContentType"] == "text/css; charset=utf-8"
    assert style["CacheControl"] == FOREVER
    assert objects.get("style.css")["CacheControl"] == SOON


def test_a_second_run_uploads_nothing_and_a_changed_file_itself(image, objects):
    upload(image, objects)
    before = manifest_of(image)

    assert upload(image, objects) == (0, "4 files, 0 uploaded, 0 removed\n")

    (image / "shop" / "static" / "style.css").write_text("body { color: red }")
    collect(image)
    # As a new image has it.
    (image / "collected" / before["style.css"]).unlink()
    assert upload(image, objects) == (0, "4 files, 2 uploaded, 0 removed\n")
    assert objects.body("style.css") == b"body { color: red }"
    assert objects.names() == {
        *before,
        *before.values(),
        *manifest_of(image).values(),
    }


def test_without_hashed_names_all_is_collected_anew(project, objects):
    use(project, PLAIN)
    collect(project)
    (project / "shop" / "static" / "logo.svg").write_text("<svg/>")

    assert upload(project, objects) == (0, "2 files, 2 uploaded, 0 removed\n")

    assert objects.body("logo.svg") == b"<svg/>"
    assert objects.get("logo.svg")["ContentType"] == "image/svg+xml"
    assert objects.get("style.css")["CacheControl"] == SOON
    # The image's own are left alone.
    assert (project / "collected" / "logo.svg").read_text() == LOGO


def test_an_image_without_a_manifest_is_told_how_to_get_one(project, objects):
    status, output = upload(project, objects)

    warning, last = output.splitlines()
    assert (status, last) == (0, "4 files, 4 uploaded, 0 removed")
    assert warning.startswith("The image has no staticfiles.json, in which its pages")
    assert "RUN python manage.py collectstatic --noinput" in warning
    assert not (project / "collected").exists()


def test_under_debug_what_was_collected_before_does_not_count(image, objects):
    use(image, MANIFEST, "DEBUG = True")
    (image / "shop" / "static" / "logo.svg").write_text("<svg/>")

    assert upload(image, objects)[0] == 0
    assert objects.body("logo.svg") == b"<svg/>"


def test_a_site_under_debug_needs_no_manifest(project, objects):
    use(project, MANIFEST, "DEBUG = True")

    assert upload(project, objects) == (0, "4 files, 4 uploaded, 0 removed\n")


def test_it_is_a_command_of_a_request(image, objects):
    (image / "request").write_text('{"manage": ["upload-static"]}')

    assert run(
        image,
        *("-m", "celery_push_worker", "manage"),
        url=objects.url,
        REQUEST_PATH=str(image / "request"),
    ) == (0, "4 files, 4 uploaded, 0 removed\n")


def test_it_is_a_command_with_a_terminal(image, objects):
    words = ["-m", "celery_push_worker", "manage", "upload-static"]

    assert run(image, *words, url=objects.url) == (
        0,
        "4 files, 4 uploaded, 0 removed\n",
    )


def test_files_that_are_not_on_disk_are_where_their_storage_puts_them(project, objects):
    use(project, "shop.elsewhere.Elsewhere")

    status, output = upload(project, objects)

    assert status == 0
    first, _, rest = output.partition("\n")
    assert first == (
        "STORAGES['staticfiles'] is shop.elsewhere.Elsewhere, which has its own place:"
    )
    assert "2 static files copied" in rest
    assert objects.keys() == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            'STATIC_URL = "assets/"',
            (
                "STATIC_URL is '/assets/', and the gateway serves the bucket at /static/. "
                "Set STATIC_URL = 'static/'."
            ),
        ),
        (
            'INSTALLED_APPS = ["shop"]',
            (
                "'django.contrib.staticfiles' is not in INSTALLED_APPS. Add it, or remove "
                "'staticBucket' from config.ts."
            ),
        ),
    ],
)
def test_settings_with_which_pages_would_miss_their_files_are_refused(
    project, objects, more, told
):
    use(project, MANIFEST, more)

    assert upload(project, objects) == (1, f"{told}\n")
    assert objects.keys() == []


def test_a_folder_stands_for_the_bucket_on_a_laptop(image, tmp_path):
    folder = tmp_path / "my buckets" / "shop-static"
    hashed = manifest_of(image)
    command = ["-m", "celery_push_worker", "upload-static"]

    assert run(image, *command, url=folder.as_uri()) == (
        0,
        "4 files, 4 uploaded, 0 removed\n",
    )
    assert {it.name for it in folder.iterdir()} == {*hashed, *hashed.values()}

    (folder / "own.txt").write_text("foreign")
    (folder / "style.css").write_text("x" * len(STYLE))
    assert run(image, *command, url=folder.as_uri()) == (
        0,
        "4 files, 1 uploaded, 0 removed\n",
    )
    assert (folder / "style.css").read_text() == STYLE
    assert (folder / "own.txt").exists()


@pytest.mark.parametrize("url", ["/static/", "https://cdn.example.com/shop/"])
def test_other_settings_are_not(project, objects, url):
    use(project, PLAIN, f"STATIC_URL = '{url}'")

    assert upload(project, objects) == (0, "2 files, 2 uploaded, 0 removed\n")


def test_without_a_project_and_without_a_bucket_the_setting_is_named(project, objects):
    command = ["-m", "celery_push_worker", "upload-static"]

    assert run(project, *command) == (
        1,
        "STATIC_BUCKET_URL is not set. Set 'staticBucket' in config.ts, and deploy.\n",
    )
    (project / "shop" / "celery.py").write_text(
        "from celery import Celery\napp=Celery()"
    )
    assert run(project, *command, url=objects.url) == (
        1,
        (
            "No settings of Django are known. Set 'env.DJANGO_SETTINGS_MODULE' in "
            "config.ts, or remove 'staticBucket'.\n"
        ),
    )


def test_a_file_that_the_gateway_cannot_serve_is_told(project, objects):
    use(project, PLAIN)
    (project / "shop" / "static" / "film.mp4").write_bytes(bytes(MAX_SERVED_BYTES + 1))
    (project / "shop" / "static" / "clip.mp4").write_bytes(bytes(MAX_SERVED_BYTES))

    status, output = upload(project, objects)

    assert (status, output) == (
        0,
        (
            "film.mp4 has 2.5 MB, and the gateway answers with 2.5 MB at most. Make it "
            "smaller, or link to it in a public bucket.\n"
            "4 files, 4 uploaded, 0 removed\n"
        ),
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.0123456789ab.js", "text/javascript; charset=utf-8"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.js.map", "application/json"),
        ("a.json", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.xml", "application/xml"),
        ("a.svg", "image/svg+xml"),
        ("a.PNG", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.gif", "image/gif"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("favicon.ico", "image/x-icon"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("a.ttf", "font/ttf"),
        ("a.otf", "font/otf"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.mp4", "video/mp4"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.css.gz", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_types_are_the_same_whatever_the_image_knows(make_file, name, kind):
    assert make_file(name).content_type == kind


def test_what_a_deploy_had_stays_for_some_more(objects, make_deploy):
    for number in range(1, KEPT_DEPLOYS + 1):
        StaticBucket(objects.url).fill(make_deploy(number))
    hashed = {f"page.{number}.js" for number in range(1, KEPT_DEPLOYS + 1)}
    assert objects.names() == {"same.js", "page.js", *hashed}

    # The same once more is none.
    assert StaticBucket(objects.url).fill(make_deploy(KEPT_DEPLOYS)) == (0, 0)

    assert StaticBucket(objects.url).fill(make_deploy(6)) == (2, 1)
    assert objects.names() == {"same.js", "page.js", "page.6.js", *hashed} - {
        "page.1.js"
    }
    assert objects.body("page.js") == b"page 6"
    assert len(objects.lists()) == KEPT_DEPLOYS


def test_a_deploy_of_what_was_there_before_counts_as_the_newest(objects, make_deploy):
    for number in (1, 2, 3, 4, 5, 1, 6, 7, 8):
        StaticBucket(objects.url).fill(make_deploy(number))

    # The last five: 5, 1, 6, 7 and 8.
    assert objects.names() == {"same.js", "page.js"} | {
        f"page.{number}.js" for number in (1, 5, 6, 7, 8)
    }


def test_objects_of_others_are_left_alone(objects, make_deploy):
    objects.put("robots.txt")
    objects.put("page.0.js")
    for number in range(2 * KEPT_DEPLOYS):
        StaticBucket(objects.url).fill(make_deploy(number + 1))

    assert objects.body("robots.txt") == objects.body("page.0.js") == b"foreign"


def test_a_file_that_was_uploaded_by_hand_gets_its_type(objects, make_file):
    objects.put("style.css", b"x")

    assert StaticBucket(objects.url).fill([make_file("style.css")]) == (1, 0)
    assert objects.get("style.css")["ContentType"] == "text/css; charset=utf-8"


def test_what_somebody_has_changed_or_deleted_is_put_back(objects, make_deploy):
    StaticBucket(objects.url).fill(make_deploy(1))
    objects.put("same.js")
    objects.s3.delete_object(Bucket=objects.name, Key="page.1.js")

    assert StaticBucket(objects.url).fill(make_deploy(1)) == (2, 0)
    assert objects.body("same.js") == b"same"


def test_the_gateway_cannot_be_asked_for_a_list_without_knowing_it(
    objects, make_deploy
):
    StaticBucket(objects.url).fill(make_deploy(1))

    (key,) = objects.lists()
    assert len(key) == len(LISTS) + 64 + len(".json")
    assert json.loads(objects.body(key))["names"] == ["page.1.js", "page.js", "same.js"]


def break_after(bucket, requests):
    """Let nothing through after so many requests, as if the process was killed."""
    sent = []

    def count(**_):
        sent.append(None)
        if len(sent) > requests:
            raise EndpointConnectionError(endpoint_url="killed")

    bucket.client.meta.events.register("before-send.s3", count)
    return sent


def test_a_run_that_is_killed_anywhere_is_made_up_for(objects, make_deploy):
    objects.put("foreign.js")
    for number in range(1, KEPT_DEPLOYS + 1):
        StaticBucket(objects.url).fill(make_deploy(number))
    for requests in range(100):
        number += 1
        bucket = StaticBucket(objects.url)
        break_after(bucket, requests)
        try:
            bucket.fill(make_deploy(number))
        except ConfigurationError:
            # Nothing that an open page names is gone.
            assert hashed(number - 1) & hashed(number) <= objects.names()
            StaticBucket(objects.url).fill(make_deploy(number))
        else:
            break

        assert objects.names() == {"foreign.js", "same.js", "page.js"} | hashed(number)
        assert objects.body("page.js") == f"page {number}".encode()
        assert len(objects.lists()) == KEPT_DEPLOYS
    assert requests > 10


def hashed(last):
    """Return the names of what the last deploys had, up to one."""
    return {f"page.{it}.js" for it in range(last - KEPT_DEPLOYS + 1, last + 1)}


def test_two_at_once_do_not_remove_each_others_files(objects, make_deploy):
    for number in range(1, KEPT_DEPLOYS + 1):
        StaticBucket(objects.url).fill(make_deploy(number))
    back = StaticBucket(objects.url)
    others = [make_deploy(number) for number in (10, 11)]
    written = []

    def run_others(params, **_):
        # Once the first has said what it needs, and before it uploads anything.
        written.append(params["Key"])
        while len(written) > 1 and others:
            StaticBucket(objects.url).fill(others.pop())

    back.client.meta.events.register("provide-client-params.s3.PutObject", run_others)
    # Its file is old for the others, but for the list.
    back.fill([*make_deploy(1), *make_deploy(12)])

    assert others == []
    assert {f"page.{it}.js" for it in (1, 10, 11, 12)} <= objects.names()


def test_a_bucket_that_is_not_there_is_named(endpoint, make_file):
    bucket = StaticBucket(f"{endpoint}/not-there")

    with pytest.raises(ConfigurationError) as refused:
        bucket.fill([make_file("a.js")])

    assert str(refused.value).startswith("Bucket not-there: ")
    assert str(refused.value).endswith("Create it, or fix 'staticBucket' in config.ts.")


def test_no_checksums_of_aws_are_sent(objects, make_file):
    headers = []
    bucket = StaticBucket(objects.url)
    bucket.client.meta.events.register(
        "before-send.s3", lambda request, **_: headers.extend(request.headers)
    )

    bucket.fill([make_file("a.js")])
    bucket.delete("a.js")

    assert headers
    assert not [it for it in headers if it.lower().startswith("x-amz-checksum")]
    assert "x-amz-sdk-checksum-algorithm" not in {it.lower() for it in headers}


def test_all_pages_of_the_bucket_are_read(objects, make_deploy):
    def shorten(params, **_):
        params["MaxKeys"] = 2

    for expected in [(3, 0), (0, 0)]:
        bucket = StaticBucket(objects.url)
        bucket.client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", shorten
        )
        assert bucket.fill(make_deploy(1)) == expected


def test_names_are_passed_on_as_they_are(objects, make_file):
    names = ["a b.js", "ё.js", "a+b&c=%20.js", "deep/er/a.js"]

    files = [make_file(name, name) for name in names]
    assert StaticBucket(objects.url).fill(files) == (4, 0)

    assert objects.names() == set(names)
    assert StaticBucket(objects.url).fill(files) == (0, 0)
