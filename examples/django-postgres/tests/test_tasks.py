"""The tasks, called as functions, with real files."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image

from photos import thumbnails
from photos.models import Photo
from photos.tasks import make_thumbnail, tidy
from tests.pictures import picture


def files(media, folder):
    return sorted(file.name for file in (media / folder).glob("*"))


def test_a_thumbnail_is_small_and_square(new_photo):
    photo = new_photo()
    make_thumbnail(photo.pk)
    photo.refresh_from_db()
    assert photo.state == "ready"
    with photo.thumbnail.open() as file, Image.open(file) as image:
        assert (image.format, image.size) == ("WEBP", thumbnails.SIZE)


def test_a_picture_that_lies_on_its_side_is_turned():
    image = Image.new("RGB", (400, 400), "red")
    image.paste("blue", (0, 0, 400, 200))
    exif = image.getexif()
    exif[0x0112] = 3  # upside down
    buffer = BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    with Image.open(BytesIO(thumbnails.make_thumbnail(buffer.getvalue()))) as thumbnail:
        red, _, blue = thumbnail.convert("RGB").getpixel((240, 20))
    assert red > 200 > blue


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK"])
def test_every_kind_of_pixels_is_taken(mode):
    buffer = BytesIO()
    Image.new(mode, (50, 50)).save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    assert thumbnails.make_thumbnail(buffer.getvalue())


@pytest.mark.parametrize("data", [b"", b"<script>", picture()[:500], picture(kind="GIF")])
def test_what_is_unreadable_is_said_and_not_tried_again(new_photo, media, data):
    photo = new_photo(data or b"\0")
    make_thumbnail(photo.pk)
    photo.refresh_from_db()
    assert photo.state == "failed"
    assert "not a picture" in photo.problem
    assert files(media, "thumbnails") == []


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(thumbnails, "MAX_PIXELS", 1000)
    with pytest.raises(thumbnails.Unreadable, match="100 by 100 pixels are too many"):
        thumbnails.make_thumbnail(picture((100, 100)))


def test_a_bomb_is_unreadable(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(thumbnails.Unreadable, match="not a picture"):
        thumbnails.make_thumbnail(picture((100, 100)))


def test_a_second_run_replaces_the_first_thumbnail(new_photo, media):
    photo = new_photo()
    first = make_thumbnail(photo.pk)
    second = make_thumbnail(photo.pk)
    assert first != second
    assert files(media, "thumbnails") == [second.removeprefix("thumbnails/")]


def test_a_thumbnail_ends_the_problem(new_photo):
    photo = new_photo(problem="The disk was full.")
    make_thumbnail(photo.pk)
    photo.refresh_from_db()
    assert (photo.state, photo.problem) == ("ready", "")


def test_a_picture_that_is_gone_is_no_error(db):
    assert make_thumbnail(404) == "deleted meanwhile"


def test_a_picture_deleted_while_its_thumbnail_is_made_stays_deleted(new_photo, media, monkeypatch):
    photo = new_photo()

    def make(data):
        Photo.objects.all().delete()
        return picture(kind="WEBP")

    monkeypatch.setattr(thumbnails, "make_thumbnail", make)
    assert make_thumbnail(photo.pk) == "deleted meanwhile"
    assert Photo.objects.count() == 0
    assert files(media, "thumbnails") == []


def test_a_storage_that_fails_is_tried_again(new_photo, media):
    photo = new_photo()
    photo.original.storage.delete(photo.original.name)
    with pytest.raises(FileNotFoundError):
        make_thumbnail(photo.pk)
    assert make_thumbnail.max_retries == 3
    photo.refresh_from_db()
    assert photo.state == "waiting"


@pytest.mark.parametrize(("keep_hours", "left"), [(48, ["old", "new"]), (24, ["new"]), (0, [])])
def test_tidy_deletes_what_is_older(new_photo, media, django_capture_on_commit_callbacks, keep_hours, left):
    for title, hours in [("new", 1), ("old", 25)]:
        photo = new_photo(title=title)
        make_thumbnail(photo.pk)
        Photo.objects.filter(pk=photo.pk).update(uploaded_at=timezone.now() - timedelta(hours=hours))
    with django_capture_on_commit_callbacks(execute=True):
        assert tidy(keep_hours=keep_hours) == 2 - len(left)
    assert sorted(Photo.objects.values_list("title", flat=True)) == sorted(left)
    assert [len(files(media, folder)) for folder in ["originals", "thumbnails"]] == [len(left)] * 2


def test_files_stay_until_the_row_is_certain_to_be_gone(new_photo, media):
    photo = new_photo()
    photo.delete()
    assert len(files(media, "originals")) == 1
