"""The admin: pictures, and the periodic task that a migration has put there."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from photos.models import Photo
from photos.tasks import make_thumbnail
from tests.pictures import picture

ADD = reverse("admin:photos_photo_add")
PHOTOS = reverse("admin:photos_photo_changelist")


def test_a_thumbnail_is_a_column(admin_client, new_photo):
    photo = new_photo()
    assert "none yet" in admin_client.get(PHOTOS).content.decode()
    make_thumbnail(photo.pk)
    photo.refresh_from_db()
    assert f'<img src="{photo.thumbnail.url}"' in admin_client.get(PHOTOS).content.decode()


def test_thumbnails_are_made_again(admin_client, new_photo, sent, django_capture_on_commit_callbacks):
    pks = [new_photo().pk, new_photo().pk]
    with django_capture_on_commit_callbacks(execute=True):
        fields = {"action": "make_thumbnails_again", "_selected_action": pks}
        page = admin_client.post(PHOTOS, fields, follow=True).content.decode()
    assert "Thumbnails being made: 2." in page
    assert sorted(args for _, _, args in sent) == [(pk,) for pk in pks]


def test_a_picture_is_added_with_its_thumbnail(admin_client, media, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(ADD, {"title": "Mine", "original": SimpleUploadedFile("a.png", picture(kind="PNG"))})
    photo = Photo.objects.get()
    assert sent == [("heavy", "photos.tasks.make_thumbnail", (photo.pk,))]


def test_the_title_is_changed_and_the_picture_is_not(
    admin_client, new_photo, sent, django_capture_on_commit_callbacks
):
    photo = new_photo(title="Befor")
    url = reverse("admin:photos_photo_change", args=[photo.pk])
    with django_capture_on_commit_callbacks(execute=True):
        other = SimpleUploadedFile("a.png", picture(kind="PNG"))
        admin_client.post(url, {"title": "Before", "original": other})
    changed = Photo.objects.get()
    assert (changed.title, changed.original.name) == ("Before", photo.original.name)
    assert sent == []


def test_the_periodic_task_is_there_and_can_be_edited(admin_client):
    task = PeriodicTask.objects.get(name="Tidy up")
    assert (task.task, json.loads(task.kwargs), str(task.interval)) == (
        "photos.tasks.tidy",
        {"keep_hours": 24},
        "every hour",
    )
    url = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    form = admin_client.get(url).context["adminform"].form
    fields = {name: value for name, value in form.initial.items() if value is not None}
    assert admin_client.post(url, {**fields, "kwargs": '{"keep_hours": 1}'}).status_code == 302
    task.refresh_from_db()
    assert json.loads(task.kwargs) == {"keep_hours": 1}


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_undone():
    call_command("migrate", "photos", "0001", verbosity=0)
    assert not PeriodicTask.objects.filter(name="Tidy up").exists()
    call_command("migrate", "photos", verbosity=0)
    assert PeriodicTask.objects.filter(name="Tidy up").exists()


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
