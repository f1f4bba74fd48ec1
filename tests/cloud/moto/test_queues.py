"""Queues as SQS has them: contracts that moto alone does not keep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.moto.queues import held, message_bytes
from tests.cloud.conftest import Time
from tests.cloud.some_queues import a_queue, arn, received


def test_queue_is_found_in_its_region_whatever_the_message_says(engine: Engine) -> None:
    """A call that goes moto's own way, for a word in its body, reaches the same queue."""
    url = a_queue(engine, "q")
    engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "Proxy: null"})

    assert [message["Body"] for message in received(engine, url)] == ["Proxy: null"]


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("x" * 1025, {}),
        ("é" * 513, {}),
        ("x" * 1000, {"name": {"DataType": "String", "StringValue": "é" * 8}}),
    ],
)
def test_message_is_counted_in_bytes_with_its_attributes(engine: Engine, body: str, attributes: dict[str, Any]) -> None:
    """A message is too long by its bytes and those of its attributes; in a batch it fails alone."""
    url = a_queue(engine, "small", MaximumMessageSize="1024")
    message = {"MessageBody": body, "MessageAttributes": attributes}
    entries = [{"Id": "1", **message}, {"Id": "2", "MessageBody": "short"}]

    with pytest.raises(EngineError, match=r"InvalidParameterValue.*Message must be shorter than 1024 bytes"):
        engine.call("sqs", "SendMessage", {"QueueUrl": url, **message})
    answer = engine.call("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})

    reason = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    failed = {"Id": "1", "SenderFault": True, "Code": "InvalidParameterValue", "Message": reason}
    assert answer["Failed"] == [failed]
    assert [sent["Id"] for sent in answer["Successful"]] == ["2"]
    assert [message["Body"] for message in received(engine, url)] == ["short"]


def test_fails_when_a_message_is_empty(engine: Engine) -> None:
    """A message has one character at least."""
    url = a_queue(engine, "q")

    with pytest.raises(EngineError, match="MissingParameter: The request must contain the parameter MessageBody"):
        engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": ""})


def test_binary_attribute_counts_too() -> None:
    """Name, type and value of an attribute count, whatever the type."""
    attribute = {"DataType": "Binary", "BinaryValue": b"1234"}

    assert message_bytes("é", {"a": attribute}) == 2 + len("a") + len("Binary") + 4


def test_message_of_the_full_size_is_taken(engine: Engine) -> None:
    """A queue takes a mebibyte unless told otherwise, one message or ten together."""
    url = a_queue(engine, "large")
    entries = [{"Id": name, "MessageBody": name * (1 << 18) + "é" * (1 << 17)} for name in "xyz"]

    engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "é" * (1 << 19)})
    with pytest.raises(EngineError, match="BatchRequestTooLong"):
        engine.call("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})

    assert len(received(engine, url)) == 1


def test_fifo_queue_forgets_a_deduplication_id_after_five_minutes(engine: Engine, time: Time) -> None:
    """A message sent again is answered as the first, and not delivered, though that is received and deleted by then."""
    url = a_queue(engine, "orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    send = {"QueueUrl": url, "MessageBody": "one", "MessageGroupId": "g"}

    first = engine.call("sqs", "SendMessage", send)
    (message,) = received(engine, url)
    engine.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    time.now_ms += 299_999
    repeated = engine.call("sqs", "SendMessage", send)
    none = received(engine, url)
    time.now_ms += 1
    engine.call("sqs", "SendMessage", send)
    (again,) = received(engine, url)

    assert (repeated, none) == (first, [])
    assert int(again["Attributes"]["SequenceNumber"]) > int(first["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 20


def test_fifo_queue_may_deduplicate_within_a_message_group(engine: Engine) -> None:
    """With that scope the same id in another group is another message, even while the first waits in the queue."""
    url = a_queue(
        engine,
        "orders.fifo",
        FifoQueue="true",
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
    )
    for group in "aba":
        send = {"QueueUrl": url, "MessageBody": group, "MessageGroupId": group, "MessageDeduplicationId": "same"}
        engine.call("sqs", "SendMessage", send)

    assert [message["Body"] for message in received(engine, url)] == ["a", "b"]


def test_fifo_queue_remembers_deduplication_ids_no_longer_than_it_must(engine: Engine, time: Time) -> None:
    """What came five minutes ago is forgotten when the next message comes."""
    url = a_queue(engine, "orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for number in range(5):
        engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": f"{number}", "MessageGroupId": "g"})
        time.now_ms += 100_000

    queue = engine.backend("sqs").queues["orders.fifo"]
    assert [message.body for message in queue.sent_lately.values()] == ["2", "3", "4"]


def test_dead_letters_are_no_repetitions_of_one_another(engine: Engine, time: Time) -> None:
    """Two queues may have the same deduplication id; both messages reach the dead-letter queue that they share."""
    dead = a_queue(engine, "dead.fifo", FifoQueue="true")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead.fifo"), "maxReceiveCount": 1})
    for name in ("a.fifo", "b.fifo"):
        url = a_queue(engine, name, FifoQueue="true", VisibilityTimeout="30", RedrivePolicy=redrive)
        send = {"QueueUrl": url, "MessageBody": name, "MessageGroupId": "g", "MessageDeduplicationId": "same"}
        engine.call("sqs", "SendMessage", send)
        received(engine, url)
        time.now_ms += 30_001
        received(engine, url)

    assert [letter["Body"] for letter in received(engine, dead)] == ["a.fifo", "b.fifo"]


@pytest.mark.parametrize("hidden", [True, False])
def test_message_is_gone_after_its_retention_period(engine: Engine, time: Time, hidden: bool) -> None:
    """Even one that was received is held no longer; what came after it is received."""
    url = a_queue(engine, "orders.fifo", FifoQueue="true", MessageRetentionPeriod="60", VisibilityTimeout="600")
    send = {"QueueUrl": url, "MessageGroupId": "g"}
    engine.call("sqs", "SendMessage", {**send, "MessageBody": "old", "MessageDeduplicationId": "1"})
    if hidden:
        received(engine, url)
    time.now_ms += 30_000
    engine.call("sqs", "SendMessage", {**send, "MessageBody": "new", "MessageDeduplicationId": "2"})
    time.now_ms += 29_999
    queue = engine.backend("sqs").queues["orders.fifo"]
    before = [message.body for message in held(queue)]
    time.now_ms += 1

    asked = {
        "QueueUrl": url,
        "AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }
    counts = engine.call("sqs", "GetQueueAttributes", asked)["Attributes"]
    assert before == ["old", "new"]
    assert list(counts.values()) == ["1", "0"]
    assert [message["Body"] for message in received(engine, url)] == ["new"]


def test_message_may_be_hidden_for_twelve_hours_from_its_receipt(engine: Engine, time: Time) -> None:
    """When it was sent does not matter."""
    url = a_queue(engine, "orders", VisibilityTimeout="30")
    engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "one"})
    time.now_ms += 24 * 3_600_000
    (message,) = received(engine, url)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 43_200}

    engine.call("sqs", "ChangeMessageVisibility", change)
    time.now_ms += 1_000

    with pytest.raises(EngineError, match=r"InvalidParameterValue.*beyond the limit \[43200 seconds\]"):
        engine.call("sqs", "ChangeMessageVisibility", change)


def test_message_is_delayed_hidden_and_redriven(engine: Engine, time: Time) -> None:
    """Delay, visibility timeout and the last receive go by the clock; a dead letter keeps id, body and attributes."""
    dead = a_queue(engine, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})
    url = a_queue(engine, "orders", DelaySeconds="5", VisibilityTimeout="30", RedrivePolicy=redrive)
    attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
    sent = engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "one", "MessageAttributes": attributes})

    assert received(engine, url) == []
    time.now_ms += 5_001
    assert [message["MessageId"] for message in received(engine, url)] == [sent["MessageId"]]
    assert received(engine, url) == []
    time.now_ms += 30_001
    assert received(engine, url) == []

    (letter,) = received(engine, dead)
    assert (letter["MessageId"], letter["Body"]) == (sent["MessageId"], "one")
    assert letter["MessageAttributes"]["kind"]["StringValue"] == "order"
