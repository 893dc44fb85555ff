"""The page: what is uploaded, what is refused, what is shown."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from photos import models, views
from photos.models import Photo
from tests.pictures import picture


@pytest.fixture
def upload(client, media, db, django_capture_on_commit_callbacks):
    def post(data, name="holiday.jpg", **fields):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post("/", {"original": SimpleUploadedFile(name, data), **fields})

    return post


def text(response):
    return response.content.decode()


def test_an_upload_is_shown_and_its_thumbnail_ordered_on_the_heavy_queue(upload, client, sent):
    response = upload(picture(), title="Sea & sand")
    photo = Photo.objects.get()
    assert (response.status_code, response.url) == (302, "/")
    assert sent == [("heavy", "photos.tasks.make_thumbnail", (photo.pk,))]
    page = text(client.get("/"))
    assert "Sea &amp; sand" in page
    assert 'data-state="waiting"' in page


def test_nothing_is_ordered_before_the_row_is_there(client, media, db, sent):
    client.post("/", {"original": SimpleUploadedFile("a.jpg", picture())})
    assert Photo.objects.count() == 1
    assert sent == []


def test_the_visitors_file_name_is_not_kept(upload, media, sent):
    upload(picture(), name="../../Ada Lovelace.JPG")
    (file,) = media.rglob("*.*")
    assert re.fullmatch(r"originals/[-0-9a-f]{36}\.jpg", str(file.relative_to(media)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_these_kinds_are_taken(upload, sent, kind):
    assert upload(picture(kind=kind), name=f"a.{kind}").status_code == 302


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"<script>", "a.jpg", "not an image"),
        (picture(kind="GIF"), "a.gif", "File extension “gif” is not allowed"),
        (b"<svg/>", "a.svg", "not an image"),
        (b"", "a.jpg", "The submitted file is empty"),
    ],
)
def test_what_is_no_picture_is_refused(upload, media, sent, data, name, message):
    response = upload(data, name=name)
    assert message in text(response)
    assert sent == []
    assert not media.exists()


def test_what_is_too_large_is_refused_with_both_sizes(upload, sent, monkeypatch):
    monkeypatch.setattr(models, "MAX_BYTES", 1024)
    data = picture((10, 10)) + bytes(4096)
    assert re.search("This picture has [45].\\d\xa0KB, of at most 1.0\xa0KB.", text(upload(data)))
    assert sent == []


def test_no_picture_at_all_is_said(client, db, sent):
    assert "This field is required" in text(client.post("/", {"title": "Nothing"}))


def test_another_sites_page_cannot_upload(media, db, client):
    client.handler.enforce_csrf_checks = True
    assert client.post("/", {"original": SimpleUploadedFile("a.jpg", picture())}).status_code == 403
    assert Photo.objects.count() == 0


def test_the_newest_is_first_and_the_list_ends(client, new_photo, monkeypatch):
    monkeypatch.setattr(views, "NEWEST", 2)
    for title in ["first", "second", "third"]:
        new_photo(title=title)
    assert re.findall(r"<strong>(\w+)</strong>", text(client.get("/"))) == ["third", "second"]


def test_the_script_asks_for_one_picture(client, new_photo):
    photo = new_photo(title="Alone")
    page = text(client.get(f"/photos/{photo.pk}"))
    assert page.strip().startswith("<li ")
    assert "Alone" in page
    assert client.get("/photos/404").status_code == 404
    assert client.get("/photos/99999999999999999999").status_code == 404


def test_without_scripts_the_page_reloads_itself_while_something_is_made(client, new_photo):
    photo = new_photo()
    assert 'http-equiv="refresh"' in text(client.get("/"))
    Photo.objects.filter(pk=photo.pk).update(problem="Unreadable")
    assert 'http-equiv="refresh"' not in text(client.get("/"))


def test_what_went_wrong_is_shown(client, new_photo):
    new_photo(problem="Only <half> a picture.")
    page = text(client.get("/"))
    assert 'data-state="failed"' in page
    assert "Only &lt;half&gt; a picture." in page


def test_answers_are_never_cached(client, new_photo):
    photo = new_photo()
    for path in ["/", f"/photos/{photo.pk}"]:
        assert "no-store" in client.get(path).headers["Cache-Control"]


def test_nothing_on_the_page_is_inline(client, new_photo):
    """So that a site may forbid inline scripts and styles."""
    new_photo()
    page = text(client.get("/"))
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?! src=)", page) == []
