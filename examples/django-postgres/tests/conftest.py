import pytest
from celery.signals import after_task_publish
from django.core.files.base import ContentFile

from tests.pictures import picture


@pytest.fixture
def media(settings, tmp_path):
    """Where uploads are."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def new_photo(db, media):
    """Makes a picture of the album, as an upload does."""
    from photos.models import Photo

    def make(data=None, **fields):
        content = ContentFile(data or picture(), "IMG_0042.JPG")
        return Photo.objects.create(original=content, **fields)

    return make


@pytest.fixture
def sent():
    """Queue, name and arguments of every task that was sent."""
    tasks = []

    def remember(sender, body, routing_key, **kwargs):
        tasks.append((routing_key, sender, body[0]))

    after_task_publish.connect(remember)
    yield tasks
    after_task_publish.disconnect(remember)
