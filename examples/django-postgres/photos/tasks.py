from datetime import timedelta

from celery import shared_task
from django.core.files.base import ContentFile
from django.utils import timezone

from photos import thumbnails
from photos.models import Photo


@shared_task(autoretry_for=[Exception], max_retries=3, retry_backoff=True)
def make_thumbnail(photo_id):
    """Makes it anew if there is one, so it may run twice."""
    photo = Photo.objects.filter(pk=photo_id).first()
    if photo is None:
        return "deleted meanwhile"
    with photo.original.open() as file:
        data = file.read()
    try:
        thumbnail = thumbnails.make_thumbnail(data)
    except thumbnails.Unreadable as error:
        Photo.objects.filter(pk=photo_id).update(problem=str(error))
        return str(error)
    return replace_thumbnail(photo, ContentFile(thumbnail))


def replace_thumbnail(photo, content):
    storage, before = photo.thumbnail.storage, photo.thumbnail.name
    photo.thumbnail.save("", content, save=False)
    name = photo.thumbnail.name
    # Not save(): it would bring back what was deleted meanwhile.
    is_there = Photo.objects.filter(pk=photo.pk).update(thumbnail=name, problem="")
    stale = before if is_there else name
    if stale:
        storage.delete(stale)
    return name if is_there else "deleted meanwhile"


@shared_task
def tidy(keep_hours=24):
    """Deletes what is older. When it runs, and with how many hours, is a PeriodicTask in the admin."""
    oldest = timezone.now() - timedelta(hours=keep_hours)
    _, deleted = Photo.objects.filter(uploaded_at__lt=oldest).delete()
    return deleted.get("photos.Photo", 0)
