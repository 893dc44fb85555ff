"""The same calls to the local queue and to moto; what differs is in a table here, or a fault."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

NEW_QUEUE = "ValidationError, whatever is wrong with a new queue"
ALL_ATTRIBUTES = "all of them come back, whatever was asked for"
TAGS = "tags are lowercase letters, digits, dashes and underscores"

# Why an answer is not that of AWS. A row that describes no difference fails.
FOLLOWS_YANDEX = {
    "an attribute that is unknown, on a new queue": NEW_QUEUE,
    "a setting out of range, on a new queue": NEW_QUEUE,
    "a setting that is no number, on a new queue": NEW_QUEUE,
    "a policy": "no queue policies",
    "encryption by a key": "no encryption by keys of one's own",
    "a queue that exists with other settings": "ValidationError instead of QueueNameExists",
    "a queue that exists with the same settings left out": "what is left out means the default",
    "a queue that exists with other tags": "other tags are another queue",
    "a dead-letter queue that does not exist, on a new queue": NEW_QUEUE,
    "dead letters of the queue itself": "refused",
    "a redrive policy that is no JSON": "RedrivePolicy is looked at as JSON first",
    "a redrive count out of range": "1 to 1000",
    "the name of a queue that was just deleted": "the name rests for a minute",
    "all settings": "neither policies nor encryption, and no time of change",
    "a tag with a capital letter": TAGS,
    "a tag with an empty value": TAGS,
    "only some attributes of a message": ALL_ATTRIBUTES,
    "no attributes of a message": ALL_ATTRIBUTES,
    "an attribute without a type": "InvalidParameterCombination instead of InvalidParameterValue",
    "an attribute with a reserved name": "Ya., YC. and Yandex. are reserved too",
    "receiving none": "at least one",
    "permissions": "there are no permissions of a queue",
    "a FIFO queue": "FIFO queues are not emulated",
    "a move of dead letters": "there are no tasks that move messages",
}

# Where moto takes what Yandex and AWS both refuse, or answers otherwise than both.
MOTO_IS_LAX = {
    "send an empty body": "a body has one character at least",
    "send a control character": "U+0000 is no character of XML 1.0",
    "an attribute whose name begins with a dot": "names neither begin nor end with a dot",
    "hide what is not in flight": "MessageNotInflight",
    "delete the same id twice": "BatchEntryIdsNotDistinct",
}
DIFFERENCES = FOLLOWS_YANDEX | MOTO_IS_LAX


class Queue:
    """A queue of one of the two servers, new for each case."""

    def __init__(self, client):
        self.client = client
        self.name = f"parity-{uuid.uuid4().hex[:12]}"
        self.url = client.create_queue(QueueName=self.name)["QueueUrl"]

    def __getattr__(self, action):
        return lambda **fields: getattr(self.client, action)(QueueUrl=self.url, **fields)

    def create(self, name=None, **fields):
        name = name or f"parity-{uuid.uuid4().hex[:12]}"
        return self.client.create_queue(QueueName=name, **fields)

    def set(self, **attributes):
        return self.set_queue_attributes(Attributes=attributes)

    def get(self, *names):
        return self.get_queue_attributes(AttributeNames=list(names))

    @property
    def arn(self):
        return self.get("QueueArn")["Attributes"]["QueueArn"]

    def send(self, body="hello", **fields):
        return self.send_message(MessageBody=body, **fields)

    def batch(self, *entries):
        result = self.send_message_batch(Entries=list(entries))
        return sorted(result.get("Successful", []), key=lambda e: e["Id"]), [
            (entry["Id"], entry["Code"]) for entry in result.get("Failed", [])
        ]

    def receive(self, **fields):
        return self.receive_message(**fields).get("Messages", [])

    def counts(self):
        names = ("", "Delayed", "NotVisible")
        return self.get(*(f"ApproximateNumberOfMessages{name}" for name in names))["Attributes"]

    def redrive(self, arn, count=3):
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": count}
        return json.dumps({key: value for key, value in policy.items() if value is not None})


def text(value):
    return {"DataType": "String", "StringValue": value}


def entry(identifier, body="x", **fields):
    return {"Id": identifier, "MessageBody": body, **fields}


def other(q):
    return Queue(q.client)


def sent_and_received(q, **fields):
    q.send()
    return q.receive(**fields)[0]["ReceiptHandle"]


def dead_lettered(q):
    dead = other(q)
    q.set(RedrivePolicy=q.redrive(dead.arn, 1), VisibilityTimeout="0")
    q.send("poison")
    return [m["Body"] for m in q.receive()], q.receive(), [m["Body"] for m in dead.receive()]


def deleted_and_made_again(q):
    q.delete_queue()
    return q.create(q.name)


CASES = {
    # messages
    "send": lambda q: q.send(),
    "send an empty body": lambda q: q.send(""),
    "send what is not ASCII": lambda q: q.send("Привет \U0001f600 <&>"),
    "send with attributes": lambda q: q.send(
        MessageAttributes={
            "a": text("1"),
            "b": {"DataType": "Number", "StringValue": "1.5"},
            "c": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            "d": {"DataType": "String.label", "StringValue": "ü"},
        }
    ),
    "send a control character": lambda q: q.send("a\x00b"),
    "send too much": lambda q: q.send("x" * 1_048_577),
    "send more than the queue takes": lambda q: (
        q.set(MaximumMessageSize="1024"),
        q.send("x" * 1025),
    ),
    "send with the longest delay": lambda q: (q.send(DelaySeconds=900), q.counts()),
    "send with too long a delay": lambda q: q.send(DelaySeconds=901),
    "an attribute without a type": lambda q: q.send(
        MessageAttributes={"a": {"DataType": "", "StringValue": "x"}}
    ),
    "an attribute with a reserved name": lambda q: q.send(MessageAttributes={"YC.a": text("1")}),
    "an attribute whose name begins with a dot": lambda q: q.send(
        MessageAttributes={".a": text("1")}
    ),
    "a delay of the queue": lambda q: (
        q.set(DelaySeconds="900"),
        q.send(),
        q.receive(),
        q.counts(),
    ),
    "no delay in spite of the queue's": lambda q: (
        q.set(DelaySeconds="900"),
        q.send(DelaySeconds=0),
        [m["Body"] for m in q.receive()],
    ),
    "receive": lambda q: (q.send("hello"), q.receive()),
    "receive from an empty queue": lambda q: q.receive(),
    "receive and wait in vain": lambda q: q.receive(WaitTimeSeconds=1),
    "receive all system attributes": lambda q: (
        q.send(),
        sorted(q.receive(MessageSystemAttributeNames=["All"])[0]["Attributes"]),
    ),
    "receive one system attribute": lambda q: (
        q.send(),
        q.receive(MessageSystemAttributeNames=["ApproximateReceiveCount"]),
    ),
    "all attributes of a message": lambda q: (
        q.send(MessageAttributes={"a": text("1"), "b": text("2")}),
        q.receive(MessageAttributeNames=["All"]),
    ),
    "only some attributes of a message": lambda q: (
        q.send(MessageAttributes={"a": text("1"), "b": text("2")}),
        q.receive(MessageAttributeNames=["a"])[0].get("MessageAttributes"),
    ),
    "no attributes of a message": lambda q: (
        q.send(MessageAttributes={"a": text("1")}),
        q.receive()[0].get("MessageAttributes"),
    ),
    "receiving none": lambda q: q.receive(MaxNumberOfMessages=0),
    "receiving eleven": lambda q: q.receive(MaxNumberOfMessages=11),
    "waiting for 21 seconds": lambda q: q.receive(WaitTimeSeconds=21),
    "hiding for more than 12 hours": lambda q: q.receive(VisibilityTimeout=43_201),
    "what was received is hidden": lambda q: (
        sent_and_received(q) and None,
        q.receive(),
        q.counts(),
    ),
    "what was received counts": lambda q: (
        sent_and_received(q, VisibilityTimeout=0) and None,
        q.receive(MessageSystemAttributeNames=["ApproximateReceiveCount"])[0]["Attributes"],
    ),
    "delete": lambda q: (q.delete_message(ReceiptHandle=sent_and_received(q)), q.counts()),
    "delete twice": lambda q: [
        q.delete_message(ReceiptHandle=h) for h in [sent_and_received(q)] * 2
    ],
    "delete by an older receipt handle": lambda q: (
        (handle := sent_and_received(q, VisibilityTimeout=0)) and None,
        len(q.receive()),
        q.delete_message(ReceiptHandle=handle),
        q.counts(),
    ),
    "delete by no receipt handle": lambda q: q.delete_message(ReceiptHandle="not one"),
    "give back": lambda q: (
        q.change_message_visibility(ReceiptHandle=sent_and_received(q), VisibilityTimeout=0),
        len(q.receive()),
    ),
    "hide longer": lambda q: (
        q.change_message_visibility(ReceiptHandle=sent_and_received(q), VisibilityTimeout=600),
        q.receive(),
    ),
    "hide for too long": lambda q: q.change_message_visibility(
        ReceiptHandle=sent_and_received(q), VisibilityTimeout=43_201
    ),
    "hide by no receipt handle": lambda q: q.change_message_visibility(
        ReceiptHandle="not one", VisibilityTimeout=1
    ),
    "hide what is not in flight": lambda q: q.change_message_visibility(
        ReceiptHandle=sent_and_received(q, VisibilityTimeout=0), VisibilityTimeout=1
    ),
    "purge": lambda q: (q.send(), q.purge_queue(), q.counts()),
    # batches
    "send a batch": lambda q: q.batch(entry("a"), entry("b", MessageAttributes={"k": text("v")})),
    "send an empty batch": lambda q: q.batch(),
    "send eleven": lambda q: q.batch(*(entry(str(n)) for n in range(11))),
    "send the same id twice": lambda q: q.batch(entry("a"), entry("a")),
    "send too much together": lambda q: q.batch(*(entry(str(n), "x" * 200_000) for n in range(6))),
    "receive a batch": lambda q: (
        q.batch(*(entry(str(n), f"body {n}") for n in range(10))) and None,
        sorted(m["Body"] for m in q.receive(MaxNumberOfMessages=10)),
    ),
    "delete a batch": lambda q: q.delete_message_batch(
        Entries=[{"Id": "a", "ReceiptHandle": sent_and_received(q)}]
    ),
    "delete an empty batch": lambda q: q.delete_message_batch(Entries=[]),
    "delete the same id twice": lambda q: q.delete_message_batch(
        Entries=[{"Id": "a", "ReceiptHandle": sent_and_received(q)} for _ in range(2)]
    ),
    "give a batch back": lambda q: q.change_message_visibility_batch(
        Entries=[{"Id": "a", "ReceiptHandle": sent_and_received(q), "VisibilityTimeout": 0}]
    ),
    # queues
    "make a queue": lambda q: q.create(),
    "make a queue again": lambda q: q.create(q.name) == {"QueueUrl": q.url},
    "a name with a space": lambda q: q.create("a b"),
    "a name that is too long": lambda q: q.create("x" * 81),
    "an attribute that is unknown, on a new queue": lambda q: q.create(Attributes={"Color": "red"}),
    "a setting out of range, on a new queue": lambda q: q.create(
        Attributes={"VisibilityTimeout": "43201"}
    ),
    "a setting that is no number, on a new queue": lambda q: q.create(
        Attributes={"MessageRetentionPeriod": "59"}
    ),
    "a FIFO queue": lambda q: q.create("parity.fifo", Attributes={"FifoQueue": "true"}),
    "a queue that exists with other settings": lambda q: q.create(
        q.name, Attributes={"VisibilityTimeout": "31"}
    ),
    "a queue that exists with the same settings left out": lambda q: (
        q.set(VisibilityTimeout="31"),
        q.create(q.name),
    ),
    "a queue that exists with other tags": lambda q: q.create(q.name, tags={"a": "b"}),
    "the name of a queue that was just deleted": deleted_and_made_again,
    "a queue's address": lambda q: q.client.get_queue_url(QueueName=q.name)["QueueUrl"] == q.url,
    "the address of no queue": lambda q: q.client.get_queue_url(QueueName="nope"),
    "list queues": lambda q: q.client.list_queues(QueueNamePrefix=q.name)["QueueUrls"] == [q.url],
    "list no queues": lambda q: q.client.list_queues(QueueNamePrefix="nope"),
    "delete a queue": lambda q: (q.delete_queue(), q.send()),
    "purge no queue": lambda q: q.client.purge_queue(QueueUrl=f"{q.url}-nope"),
    "receive from no queue": lambda q: q.client.receive_message(QueueUrl=f"{q.url}-nope"),
    # settings and tags
    "all settings": lambda q: sorted(q.get("All")["Attributes"]),
    "what settings are at first": lambda q: q.get(
        "DelaySeconds",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "VisibilityTimeout",
    ),
    "no settings": lambda q: q.get(),
    "a setting that does not exist": lambda q: q.get("Color"),
    "change a setting": lambda q: (q.set(VisibilityTimeout="7"), q.get("VisibilityTimeout")),
    "a policy": lambda q: q.set(Policy=""),
    "encryption by a key": lambda q: q.set(KmsMasterKeyId="alias/x"),
    "permissions": lambda q: q.add_permission(
        Label="x", AWSAccountIds=["123456789012"], Actions=["SendMessage"]
    ),
    "tags": lambda q: (
        q.tag_queue(Tags={"a": "1", "b": "2"}),
        q.tag_queue(Tags={"b": "3"}),
        q.untag_queue(TagKeys=["a", "nope"]),
        q.list_queue_tags(),
    ),
    "tags of a new queue": lambda q: q.client.list_queue_tags(
        QueueUrl=q.create(tags={"a": "b"})["QueueUrl"]
    ),
    "a tag with a capital letter": lambda q: q.tag_queue(Tags={"Team": "x"}),
    "a tag with an empty value": lambda q: q.tag_queue(Tags={"team": ""}),
    "more than fifty tags": lambda q: q.tag_queue(Tags={f"k{n}": "v" for n in range(51)}),
    # dead letters
    "a message that fails is dead": dead_lettered,
    "a redrive policy": lambda q: (
        q.set(RedrivePolicy=q.redrive(other(q).arn)),
        json.loads(q.get("RedrivePolicy")["Attributes"]["RedrivePolicy"])["maxReceiveCount"],
    ),
    "take a redrive policy away": lambda q: (
        q.set(RedrivePolicy=q.redrive(other(q).arn)),
        q.set(RedrivePolicy=""),
        q.get("RedrivePolicy"),
    ),
    "whose dead letters a queue has": lambda q: (
        (dead := other(q)) and None,
        q.set(RedrivePolicy=q.redrive(dead.arn)),
        dead.list_dead_letter_source_queues()["queueUrls"] == [q.url],
    ),
    "a dead-letter queue that does not exist": lambda q: q.set(
        RedrivePolicy=q.redrive(q.arn + "-nope")
    ),
    "a dead-letter queue that does not exist, on a new queue": lambda q: q.create(
        Attributes={"RedrivePolicy": q.redrive(q.arn + "-nope")}
    ),
    "dead letters of the queue itself": lambda q: q.set(RedrivePolicy=q.redrive(q.arn)),
    "a redrive policy that is no JSON": lambda q: q.set(RedrivePolicy="{"),
    "a redrive policy without a count": lambda q: q.set(
        RedrivePolicy=q.redrive(other(q).arn, None)
    ),
    "a redrive count out of range": lambda q: q.set(RedrivePolicy=q.redrive(other(q).arn, 1001)),
    "a move of dead letters": lambda q: q.client.start_message_move_task(SourceArn=q.arn),
}

def outcome(client, case):
    queue = Queue(client)
    try:
        return comparable(case(queue))
    except ClientError as error:
        return error.response["Error"]["Code"]


# What is another one each time, or the words of a refusal.
OF_THE_MOMENT = {"MessageId", "ReceiptHandle", "QueueUrl", "Message"}


def comparable(value):
    if isinstance(value, dict):
        # A list of nothing says as much as none.
        kept = {k: comparable(v) for k, v in value.items() if k != "ResponseMetadata" and v != []}
        return {k: "some" if k in OF_THE_MOMENT else v for k, v in kept.items()}
    if isinstance(value, (list, tuple)):
        return [comparable(item) for item in value]
    return value


def compare(name, ours, theirs):
    if name in DIFFERENCES:
        assert ours != theirs, f"{name}: no difference any more, so no row either"
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", CASES)
def test_a_queue_answers_as_moto_does(sqs, moto, name):
    compare(name, outcome(sqs, CASES[name]), outcome(moto, CASES[name]))


def test_the_list_is_long_enough_and_no_row_is_of_nothing():
    assert len(CASES) >= 60
    assert DIFFERENCES.keys() <= CASES.keys()
