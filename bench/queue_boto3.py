"""Sends, receives and deletes messages by boto3, one request at a time: URL, number of messages."""

import json
import sys
import time
import uuid

import boto3

url, count = sys.argv[1], int(sys.argv[2])
client = boto3.client(
    "sqs",
    endpoint_url=url,
    region_name="ru-central1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
queue = client.create_queue(QueueName=f"bench-{uuid.uuid4()}")["QueueUrl"]
body = "x" * 1024

start = time.perf_counter()
for _ in range(count):
    client.send_message(QueueUrl=queue, MessageBody=body)
send = count / (time.perf_counter() - start)

start = time.perf_counter()
for _ in range(count // 10):
    messages = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    entries = [
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
        for index, message in enumerate(messages)
    ]
    assert len(entries) == 10
    client.delete_message_batch(QueueUrl=queue, Entries=entries)
receive = count / (time.perf_counter() - start)

client.delete_queue(QueueUrl=queue)
print(json.dumps({"send": send, "receive": receive}))
