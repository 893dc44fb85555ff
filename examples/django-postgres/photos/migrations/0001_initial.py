import django.core.validators
from django.db import migrations, models

import photos.models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="Photo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(blank=True, max_length=80)),
                (
                    "original",
                    models.ImageField(
                        upload_to=photos.models.name_original,
                        validators=[
                            django.core.validators.FileExtensionValidator(["jpg", "jpeg", "png", "webp"]),
                            photos.models.refuse_large,
                        ],
                        verbose_name="picture",
                    ),
                ),
                ("thumbnail", models.ImageField(blank=True, editable=False, upload_to=photos.models.name_thumbnail)),
                ("problem", models.CharField(blank=True, editable=False, max_length=200)),
                ("uploaded_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={"ordering": ["-uploaded_at", "-pk"]},
        ),
    ]
