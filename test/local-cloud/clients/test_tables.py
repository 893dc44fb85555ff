"""The Document API, by boto3 and by Celery's own result backend."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from celery import Celery, chord, group
from celery.contrib.testing.worker import start_worker

ROOT = Path(__file__).parents[3]
SERVE = ["node", "run.mjs", "test/local-cloud/tables/_serve.ts"]


class Server:
    """A server as a process of its own, and what it has reported so far."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            SERVE, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = json.loads(self.process.stdout.readline())["url"]
        # The cloud's address has such a path.
        self.endpoint = f"{self.url}/ru-central1/b1g00000000000000000/etn00000000000000000"
        self.reported = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.reported.append(json.loads(line))

    def stored(self, task_id: str) -> list[dict]:
        """What was reported about a task's result, of which there is at least one."""
        for _ in range(500):
            found = [
                happening
                for happening in self.reported
                if happening["type"] == "stored" and happening["taskId"] == task_id
            ]
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"nothing was reported about {task_id}")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def server():
    server = Server()
    settings = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "ru-central1",
        "AWS_ENDPOINT_URL_DYNAMODB": server.endpoint,
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    yield server
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    server.close()


@pytest.fixture
def client(server):
    return boto3.client("dynamodb")


def make_app(table: str = "celery", query: str = "?ttl_seconds=86400") -> Celery:
    return Celery(
        "tables",
        broker="memory://",
        backend=f"dynamodb://@ru-central1/{table}{query}",
        set_as_current=False,
    )


def item_of(client, task_id: str, table: str = "celery") -> dict | None:
    key = {"id": {"S": f"b'celery-task-meta-{task_id}'"}}
    return client.get_item(TableName=table, Key=key).get("Item")


class TestCelery:
    def test_stores_a_result_and_reads_it(self, server, client):
        app = make_app()
        app.backend.store_result("t-success", {"sum": 5}, "SUCCESS")
        assert app.AsyncResult("t-success").get(timeout=5) == {"sum": 5}
        assert server.stored("t-success") == [
            {
                "type": "stored",
                "table": "celery",
                "taskId": "t-success",
                "state": "SUCCESS",
                "result": {"sum": 5},
            }
        ]
        expires = int(item_of(client, "t-success")["ttl"]["N"])
        assert 0 <= expires - 86400 - time.time() + 10 < 20

    def test_stores_a_failure(self, server):
        app = make_app()
        app.backend.mark_as_failure("t-failure", ValueError("no"), traceback="Traceback: no")
        result = app.AsyncResult("t-failure")
        assert result.state == "FAILURE"
        assert isinstance(result.result, ValueError)
        (stored,) = server.stored("t-failure")
        assert stored["traceback"] == "Traceback: no"
        assert stored["result"]["exc_type"] == "ValueError"

    def test_says_that_there_is_no_result(self):
        assert make_app().AsyncResult("t-nothing").state == "PENDING"

    def test_forgets(self, client):
        app = make_app()
        app.backend.store_result("t-forgotten", 1, "SUCCESS")
        app.AsyncResult("t-forgotten").forget()
        assert item_of(client, "t-forgotten") is None

    def test_expires_a_result(self, client):
        app = make_app(query="?ttl_seconds=2")
        app.backend.store_result("t-expired", 1, "SUCCESS")
        assert item_of(client, "t-expired") is not None
        deadline = time.monotonic() + 20
        while item_of(client, "t-expired") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert item_of(client, "t-expired") is None

    def test_makes_a_table_in_a_folder(self, client):
        app = make_app("app/results")
        app.backend.store_result("t-elsewhere", 7, "SUCCESS")
        assert app.AsyncResult("t-elsewhere").get(timeout=5) == 7
        assert item_of(client, "t-elsewhere", "app/results") is not None
        described = client.describe_time_to_live(TableName="app/results")
        assert described["TimeToLiveDescription"] == {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": "ttl",
        }

    def test_counts_chords(self, server):
        app = make_app()

        @app.task
        def add(left, right):
            return left + right

        @app.task
        def total(numbers):
            return sum(numbers)

        with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR"):
            chords = [chord(group(add.s(i, i) for i in range(8)), total.s()) for _ in range(3)]
            results = [one.delay() for one in chords]
            assert [result.get(timeout=30) for result in results] == [56, 56, 56]
        assert server.stored(results[0].id)[-1]["result"] == 56


    def test_counts_members_by_their_ids(self, client):
        def note(key, member):
            return client.update_item(
                TableName="celery",
                Key={"id": {"S": key}},
                UpdateExpression="SET #at = :at ADD #members :members",
                ExpressionAttributeNames={"#at": "ttl", "#members": "members"},
                ExpressionAttributeValues={":at": {"N": "7"}, ":members": {"SS": [member]}},
                ReturnValues="ALL_NEW",
            )["Attributes"]

        assert note("set", "a")["members"] == {"SS": ["a"]}
        assert sorted(note("set", "b")["members"]["SS"]) == ["a", "b"]
        again = note("set", "a")
        assert sorted(again["members"]["SS"]) == ["a", "b"]
        assert again["ttl"] == {"N": "7"}

    def test_raises_a_number_that_never_becomes_less(self, client):
        def tell(number):
            return client.update_item(
                TableName="celery",
                Key={"id": {"S": "counts"}},
                UpdateExpression="SET #part = :part, #sum = if_not_exists(#sum, :sum)",
                ConditionExpression="(attribute_not_exists(#part) OR #part <= :part)",
                ExpressionAttributeNames={"#part": "part_0", "#sum": "chord_count"},
                ExpressionAttributeValues={":part": {"N": str(number)}, ":sum": {"N": "0"}},
                ReturnValues="ALL_NEW",
            )["Attributes"]

        for number in (2, 2, 10):
            assert tell(number)["part_0"] == {"N": str(number)}
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            tell(9)
        assert tell(10)["chord_count"] == {"N": "0"}


class TestBoto3:
    def test_reads_batches_and_pages(self, client):
        items = [{"id": {"S": f"page-{i:02}"}, "n": {"N": str(i)}} for i in range(25)]
        client.batch_write_item(
            RequestItems={"celery": [{"PutRequest": {"Item": item}} for item in items]}
        )
        pages = client.get_paginator("scan").paginate(
            TableName="celery",
            FilterExpression="begins_with(id, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": "page-"}},
            PaginationConfig={"PageSize": 7},
        )
        found = [item for page in pages for item in page["Items"]]
        assert sorted(found, key=lambda item: item["id"]["S"]) == items
        read = client.batch_get_item(
            RequestItems={"celery": {"Keys": [{"id": item["id"]} for item in items]}}
        )
        assert len(read["Responses"]["celery"]) == 25

    def test_writes_with_conditions(self, server):
        table = boto3.resource("dynamodb").Table("celery")
        table.put_item(Item={"id": "once", "n": 1, "bytes": b"\x00\xff"})
        with pytest.raises(ClientError) as failure:
            table.put_item(Item={"id": "once"}, ConditionExpression="attribute_not_exists(id)")
        assert failure.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
        updated = table.update_item(
            Key={"id": "once"},
            UpdateExpression="SET n = n + :one",
            ExpressionAttributeValues={":one": 1},
            ReturnValues="ALL_NEW",
        )
        assert updated["Attributes"]["n"] == 2
        assert bytes(updated["Attributes"]["bytes"]) == b"\x00\xff"

    def test_says_that_transactions_are_not_emulated(self, client):
        put = {"Put": {"TableName": "celery", "Item": {"id": {"S": "tx"}}}}
        with pytest.raises(ClientError, match="TransactWriteItems is not emulated"):
            client.transact_write_items(TransactItems=[put])

    def test_has_its_own_classes_of_errors(self, client):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_table(TableName="nowhere")
        with pytest.raises(client.exceptions.ResourceInUseException):
            client.create_table(
                TableName="celery",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        with pytest.raises(ClientError, match="UnknownOperation.*has no ListGlobalTables"):
            client.list_global_tables()
