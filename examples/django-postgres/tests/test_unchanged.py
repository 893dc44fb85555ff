"""The project is any Django + Celery project: nothing in it is there for the cloud."""

import pytest

from tests import PROJECT

OURS = ["sqs", "push_worker", "push-worker", "url_scheme", "dynamodb", "yandex"]
FILES = [
    *(file for folder in ["album", "photos"] for file in (PROJECT / folder).rglob("*.py")),
    *(PROJECT / name for name in ["manage.py", "Dockerfile", "requirements.txt", "constraints.txt"]),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_nothing_speaks_of_the_cloud(file):
    text = file.read_text().lower()
    assert [word for word in OURS if word in text] == []
