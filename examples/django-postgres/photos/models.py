from functools import partial
from pathlib import Path
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.template.defaultfilters import filesizeformat

MAX_BYTES = 2 * 1024 * 1024
"""Of an upload: less than what a gateway lets through, so that the form itself can say so."""


def name_original(photo, filename):
    """Nothing of the visitor's name but its ending, and nothing that can be guessed."""
    return f"originals/{uuid4()}{Path(filename).suffix.lower()}"


def name_thumbnail(photo, filename):
    return f"thumbnails/{uuid4()}.webp"


def refuse_large(file):
    if file.size > MAX_BYTES:
        raise ValidationError(f"This picture has {filesizeformat(file.size)}, of at most {filesizeformat(MAX_BYTES)}.")


class Photo(models.Model):
    title = models.CharField(max_length=80, blank=True)
    original = models.ImageField(
        "picture",
        upload_to=name_original,
        validators=[FileExtensionValidator(["jpg", "jpeg", "png", "webp"]), refuse_large],
    )
    thumbnail = models.ImageField(upload_to=name_thumbnail, blank=True, editable=False)
    problem = models.CharField(max_length=200, blank=True, editable=False)
    """Why there is no thumbnail."""
    uploaded_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self):
        return self.title or "Untitled"

    @property
    def state(self):
        if self.thumbnail:
            return "ready"
        return "failed" if self.problem else "waiting"


@receiver(post_delete, sender=Photo)
def delete_files(instance, **kwargs):
    """Once it is certain that the row is gone."""
    for file in [instance.original, instance.thumbnail]:
        if file:
            transaction.on_commit(partial(file.delete, save=False), robust=True)
