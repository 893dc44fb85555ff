"""django-storages against the local bucket, by the settings and the views of docs/files.md."""

import contextlib
import json
import os
import re
import subprocess
import types
import urllib.error
import urllib.request

import boto3
import django
import pytest
from botocore.config import Config
from conftest import ROOT
from django.conf import settings
from django.core.files.base import ContentFile

BUCKET = "shop-media-local"
ORIGIN = {"Origin": "http://localhost:8000"}
SETTINGS, VIEWS = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "files.md").read_text(), re.DOTALL
)
IMPORTS = """
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.files.storage import default_storage
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.http import require_POST
"""


@contextlib.contextmanager
def serve(*directory: str):
    command = ["node", "run.mjs", "test/local-cloud/clients/serve-storage.ts", BUCKET, *directory]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip(), server
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def storage():
    """Django's storage, as a container of the local cloud has it."""
    with serve() as (url, _):
        os.environ |= {
            "AWS_STORAGE_BUCKET_NAME": BUCKET,
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
        own = {"os": os}
        exec(SETTINGS, own)
        default = own["STORAGES"]["default"]
        settings.configure(STORAGES={"default": default}, SECRET_KEY="secret")
        django.setup()
        from django.core.files.storage import default_storage

        yield default_storage


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str):
    request = urllib.request.Request(url, body, headers | ORIGIN, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_files_are_saved_under_names_of_their_own_and_read_again(storage):
    first = storage.save("dir/фото 1.txt", ContentFile(b"one"))
    second = storage.save("dir/фото 1.txt", ContentFile(b"two!"))

    assert first == "dir/фото 1.txt"
    assert second != first
    assert storage.open(first).read() == b"one"
    assert storage.open(second).read() == b"two!"
    assert (storage.size(second), storage.exists(second)) == (4, True)
    assert storage.listdir("dir")[1] == sorted([first[4:], second[4:]])
    storage.delete(first)
    assert not storage.exists(first)
    storage.delete(first)


def test_a_file_is_overwritten_by_who_opens_it(storage):
    name = storage.save("log.txt", ContentFile(b"one"))
    with storage.open(name, "wb") as file:
        file.write(b"other")

    assert storage.open(name).read() == b"other"


@pytest.mark.parametrize("how", ["save", "write"])
def test_a_large_file_goes_in_parts(storage, how):
    content = os.urandom(20 * 1024 * 1024)
    if how == "save":
        name = storage.save("large.bin", ContentFile(content))
    else:
        name = "written.bin"
        with storage.open(name, "wb") as file:
            file.write(content)

    assert storage.size(name) == len(content)
    assert storage.open(name).read() == content


def test_its_link_is_signed_and_ends(storage):
    name = storage.save("a b+c.png", ContentFile(b"image"))
    link = storage.url(name)
    plain, _, _ = link.partition("?")

    assert ask(link) == (200, b"image")
    assert ask(link, Range="bytes=1-2") == (206, b"ma")
    assert ask(plain)[0] == 403
    assert ask(link[:-4] + "0000")[0] == 403
    assert ask(storage.url(name, expire=-1))[0] == 403
    assert "image/png" in urllib.request.urlopen(link).headers["content-type"]


def test_a_link_of_another_version_is_refused(storage):
    name = storage.save("b.png", ContentFile(b"image"))
    client = boto3.client("s3", config=Config(signature_version="s3"))
    link = client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": name})

    assert ask(link)[0] == 403


def test_a_browser_uploads_by_the_views_of_the_documents(storage):
    from django.test import RequestFactory

    photos = []
    create = types.SimpleNamespace(create=lambda image: photos.append(image))
    views = {"Photo": types.SimpleNamespace(objects=create)}
    exec(IMPORTS + VIEWS, views)

    def post(view: str, **fields: str):
        request = RequestFactory().post("/", fields)
        request.user = types.SimpleNamespace(is_authenticated=True)
        return views[view](request)

    answer = json.loads(post("upload_link", name="my photo.jpg").content)
    # Larger than what passes the gateway.
    content = os.urandom(5 * 1024 * 1024)
    early = post("uploaded", upload=answer["upload"])
    assert ask(answer["link"], "PUT", content, **{"Content-Type": "image/jpeg"})[0] == 200
    done = post("uploaded", upload=answer["upload"])

    assert (early.status_code, done.status_code) == (400, 204)
    assert photos == ["photos/my_photo.jpg"]
    assert storage.open(photos[0]).read() == content


def test_a_browser_uploads_by_a_form(storage):
    client = storage.connection.meta.client
    form = client.generate_presigned_post(BUCKET, "form.txt", ExpiresIn=60)
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    ]
    file = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\nhello\r\n--x--'
    )
    body = ("".join(parts) + file + "\r\n").encode()

    status, _ = ask(form["url"], "POST", body, **{"Content-Type": "multipart/form-data; boundary=x"})

    assert status == 204
    assert storage.open("form.txt").read() == b"hello"


def test_clients_copy_and_delete_many(storage):
    client = storage.connection.meta.client
    name = storage.save("one.txt", ContentFile(b"one"))
    client.copy_object(Bucket=BUCKET, Key="two.txt", CopySource={"Bucket": BUCKET, "Key": name})
    assert storage.open("two.txt").read() == b"one"

    keys = {"Objects": [{"Key": name}, {"Key": "two.txt"}]}
    assert "Errors" not in client.delete_objects(Bucket=BUCKET, Delete=keys)
    assert not storage.exists(name)


def test_files_outlive_a_server_that_is_killed(tmp_path):
    def client(url: str):
        return boto3.client("s3", endpoint_url=url, config=Config(signature_version="s3v4"))

    with serve(str(tmp_path)) as (url, server):
        client(url).put_object(Bucket=BUCKET, Key="a/b.txt", Body=b"kept")
        server.kill()
        server.wait()
    with serve(str(tmp_path)) as (url, _):
        assert client(url).get_object(Bucket=BUCKET, Key="a/b.txt")["Body"].read() == b"kept"
