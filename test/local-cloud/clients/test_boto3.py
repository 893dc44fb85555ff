"""boto3 against the local queue; `test_query_protocol.py` runs this again with an older one."""

import time
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName=f"boto3-{uuid.uuid4()}")["QueueUrl"]


def test_a_message_with_attributes_there_and_back(sqs, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "Привет <&>"},
        "number": {"DataType": "Number", "StringValue": "-1.5"},
        "bytes": {"DataType": "Binary.png", "BinaryValue": bytes(range(256))},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="hello", MessageAttributes=attributes)
    (message,) = sqs.receive_message(
        QueueUrl=queue, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Body"] == "hello"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == attributes
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(message["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60


@pytest.mark.parametrize("body", ["x" * 262_144, "\u20ac\U0001f600\t\r\n", "%41+&=<![CDATA[]]>"])
def test_any_body_comes_back_as_it_was(sqs, queue, body):
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == body


def test_a_batch(sqs, queue):
    entries = [
        {"Id": "good", "MessageBody": "x"},
        {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
    ]
    result = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in result["Successful"]] == ["good"]
    assert [entry["Code"] for entry in result["Failed"]] == ["InvalidParameterValue"]


def test_a_reader_waits_for_a_message(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="soon", DelaySeconds=1)
    start = time.monotonic()
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert [message["Body"] for message in messages] == ["soon"]
    assert 0.5 < time.monotonic() - start < 19


def test_a_queue_by_name_and_in_lists(sqs, queue):
    name = queue.rsplit("/", 1)[1]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name)
    assert [url for page in pages for url in page.get("QueueUrls", [])] == [queue]


def test_tags_and_settings(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "shop", "stage": "test"})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["stage"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "shop"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "7"
    assert attributes["QueueArn"].startswith("yrn:yc:ymq:ru-central1:")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            lambda c, q: c.purge_queue(QueueUrl=f"{q}-not"),
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (
            lambda c, q: c.send_message_batch(QueueUrl=q, Entries=[]),
            "AWS.SimpleQueueService.EmptyBatchRequest",
        ),
        (
            lambda c, q: c.send_message(QueueUrl=q, MessageBody="x" * 262_145),
            "InvalidParameterValue",
        ),
    ],
)
def test_what_is_refused_has_its_code(sqs, queue, call, code):
    with pytest.raises(ClientError) as refusal:
        call(sqs, queue)
    assert refusal.value.response["Error"]["Code"] == code


def test_objects_instead_of_calls(url, queue):
    resource = boto3.resource("sqs", endpoint_url=url).Queue(queue)
    resource.send_message(MessageBody="object")
    (message,) = resource.receive_messages()
    message.change_visibility(VisibilityTimeout=0)
    (message,) = resource.receive_messages()
    message.delete()
    assert resource.receive_messages() == []
