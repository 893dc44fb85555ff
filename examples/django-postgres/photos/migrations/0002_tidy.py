import json

from django.db import migrations

NAME = "Tidy up"


def schedule_tidy(apps, schema_editor):
    """A row that the admin shows and changes: from here on it is data, and not code."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    hourly, _ = intervals.get_or_create(every=1, period="hours")
    tasks.create(
        name=NAME,
        task="photos.tasks.tidy",
        interval=hourly,
        kwargs=json.dumps({"keep_hours": 24}),
        description="Deletes pictures that are older than keep_hours.",
    )


def forget_tidy(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("photos", "0001_initial"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(schedule_tidy, forget_tidy)]
