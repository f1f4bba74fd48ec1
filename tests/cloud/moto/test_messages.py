"""Topics and buckets as AWS has them: contracts that moto alone does not keep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import S3Event

from penstock.cloud.engine import Engine, EngineError
from tests.cloud.some_queues import a_queue, arn, received

# --- topics --------------------------------------------------------------------------------------


def a_topic(engine: Engine, url: str, **attributes: str) -> str:
    """The ARN of a new topic to which a queue is subscribed."""
    topic_arn: str = engine.call("sns", "CreateTopic", {"Name": "news"})["TopicArn"]
    params = {"TopicArn": topic_arn, "Protocol": "sqs", "Endpoint": arn(url.rpartition("/")[2])}
    engine.call("sns", "Subscribe", {**params, "Attributes": attributes})
    return topic_arn


PUBLISHED = {
    "Message": "hello",
    "Subject": "greeting",
    "MessageAttributes": {"status": {"DataType": "String", "StringValue": "ACCEPTED"}},
}


@pytest.mark.parametrize("attributes", [{}, {"RawMessageDelivery": "false"}])
def test_notification_comes_in_the_envelope(engine: Engine, attributes: dict[str, str]) -> None:
    """The envelope has the members that AWS documents, tells the clock's time, and names its own subscription."""
    url = a_queue(engine, "orders")
    topic_arn = a_topic(engine, url, **attributes)

    published = engine.call("sns", "Publish", {"TopicArn": topic_arn, **PUBLISHED})

    (message,) = received(engine, url)
    envelope = json.loads(message["Body"])
    assert set(envelope) == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertURL", "UnsubscribeURL", "MessageAttributes",
    }  # fmt: skip
    assert (envelope["Type"], envelope["MessageId"]) == ("Notification", published["MessageId"])
    assert (envelope["TopicArn"], envelope["Message"], envelope["Subject"]) == (topic_arn, "hello", "greeting")
    assert envelope["Timestamp"] == "2020-03-04T19:03:58.390Z"
    assert envelope["MessageAttributes"] == {"status": {"Type": "String", "Value": "ACCEPTED"}}
    assert f"SubscriptionArn={topic_arn}:" in envelope["UnsubscribeURL"]
    assert "MessageAttributes" not in message


def test_raw_message_is_delivered_bare(engine: Engine) -> None:
    """With raw delivery the queue gets the message, its attributes as those of the queue's message."""
    url = a_queue(engine, "orders")
    topic_arn = a_topic(engine, url, RawMessageDelivery="true")

    engine.call("sns", "Publish", {"TopicArn": topic_arn, **PUBLISHED})

    (message,) = received(engine, url)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"] == {"status": {"DataType": "String", "StringValue": "ACCEPTED"}}


@pytest.mark.parametrize(
    ("scope", "policy", "delivered"),
    [
        ("MessageAttributes", {"status": ["ACCEPTED"]}, True),
        ("MessageAttributes", {"status": [{"anything-but": "ACCEPTED"}]}, False),
        ("MessageAttributes", {"status": [{"prefix": "ACC"}], "price": [{"exists": False}]}, True),
        ("MessageBody", {"order": {"total": [{"numeric": [">", 10]}]}}, True),
        ("MessageBody", {"order": {"total": [{"numeric": [">", 20]}]}}, False),
    ],
)
def test_filter_policy_decides(engine: Engine, scope: str, policy: dict[str, Any], delivered: bool) -> None:
    """A subscription gets what its filter policy matches, in the attributes or in the body."""
    url = a_queue(engine, "orders")
    topic_arn = a_topic(engine, url, FilterPolicy=json.dumps(policy), FilterPolicyScope=scope)

    message = {**PUBLISHED, "Message": json.dumps({"order": {"total": 15}})}
    engine.call("sns", "Publish", {"TopicArn": topic_arn, **message})

    assert len(received(engine, url)) == delivered


def test_raw_binary_attribute_is_bytes(engine: Engine) -> None:
    """What was published as bytes is received as the same bytes, and told in base64 in an envelope."""
    raw, told = a_queue(engine, "raw"), a_queue(engine, "told")
    topic_arn = a_topic(engine, raw, RawMessageDelivery="true")
    engine.call("sns", "Subscribe", {"TopicArn": topic_arn, "Protocol": "sqs", "Endpoint": arn("told")})
    binary = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}

    engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": "m", "MessageAttributes": {"sum": binary}})

    assert received(engine, raw)[0]["MessageAttributes"] == {"sum": binary}
    assert json.loads(received(engine, told)[0]["Body"])["MessageAttributes"]["sum"]["Value"] == "AP8="


@pytest.mark.parametrize("raw", ["true", "false"])
def test_topic_deduplicates_by_content(engine: Engine, raw: str) -> None:
    """A queue without a rule of its own gets each message once, in an envelope too; so does a dead-letter queue."""
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic_arn = engine.call("sns", "CreateTopic", {"Name": "news.fifo", "Attributes": fifo})["TopicArn"]
    url, dead = a_queue(engine, "orders.fifo", FifoQueue="true"), a_queue(engine, "dead.fifo", FifoQueue="true")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead.fifo")})
    a_queue(engine, "gone.fifo", FifoQueue="true")
    for name in ("orders.fifo", "gone.fifo"):
        attributes = {"RawMessageDelivery": raw, "RedrivePolicy": redrive}
        params = {"TopicArn": topic_arn, "Protocol": "sqs", "Endpoint": arn(name), "Attributes": attributes}
        engine.call("sns", "Subscribe", params)
    engine.backend("sqs").delete_queue("gone.fifo")

    for message in ("one", "one", "two"):
        engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": message, "MessageGroupId": "g"})

    for bodies in ([message["Body"] for message in received(engine, queue)] for queue in (url, dead)):
        assert [body if raw == "true" else json.loads(body)["Message"] for body in bodies] == ["one", "two"]


def test_publisher_hears_nothing_of_a_dead_letter_queue_that_is_gone(engine: Engine) -> None:
    """Neither the queue nor its dead-letter queue takes the message, which is lost."""
    redrive = json.dumps({"deadLetterTargetArn": arn("nowhere")})
    topic_arn = a_topic(engine, a_queue(engine, "orders"), RedrivePolicy=redrive)
    engine.backend("sqs").delete_queue("orders")

    assert "MessageId" in engine.call("sns", "Publish", {"TopicArn": topic_arn, **PUBLISHED})


@pytest.mark.parametrize(
    ("message", "attributes"),
    [
        ("é" * 512, {"name": {"DataType": "String", "StringValue": "x"}}),
        ("é" * 513, {}),
        ("x" * 1000, {"name": {"DataType": "Binary", "BinaryValue": b"1" * 15}}),
    ],
)
def test_published_message_is_counted_in_bytes_with_its_attributes(
    engine: Engine, message: str, attributes: dict[str, Any]
) -> None:
    """A topic takes as many bytes as it says, in a batch all messages together."""
    topic_arn = engine.call("sns", "CreateTopic", {"Name": "news", "Attributes": {"MaximumMessageSize": "1024"}})[
        "TopicArn"
    ]
    entries = [{"Id": name, "Message": "x" * 513} for name in "ab"]
    fitting = {"Message": "x" * 1000, "MessageAttributes": {"name": {"DataType": "Binary", "BinaryValue": b"1" * 14}}}

    with pytest.raises(EngineError, match="InvalidParameter: Invalid parameter: Message too long"):
        engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": message, "MessageAttributes": attributes})
    with pytest.raises(EngineError, match="BatchRequestTooLong"):
        engine.call("sns", "PublishBatch", {"TopicArn": topic_arn, "PublishBatchRequestEntries": entries})

    assert "MessageId" in engine.call("sns", "Publish", {"TopicArn": topic_arn, **fitting})


def test_topic_takes_256_kib_unless_it_says_otherwise(engine: Engine) -> None:
    """A message of just that is published."""
    topic_arn = engine.call("sns", "CreateTopic", {"Name": "news"})["TopicArn"]

    engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": "é" * 131_072})
    with pytest.raises(EngineError, match="Message too long"):
        engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": "é" * 131_073})
    engine.call(
        "sns",
        "SetTopicAttributes",
        {"TopicArn": topic_arn, "AttributeName": "MaximumMessageSize", "AttributeValue": "1048576"},
    )
    engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": "é" * 524_288})


def test_fails_when_a_message_is_empty_or_for_no_topic(engine: Engine) -> None:
    """In the words of SNS."""
    topic_arn = engine.call("sns", "CreateTopic", {"Name": "news"})["TopicArn"]

    with pytest.raises(EngineError, match="InvalidParameter: Invalid parameter: Empty message"):
        engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": ""})
    with pytest.raises(EngineError, match="NotFound: Topic does not exist"):
        engine.call("sns", "Publish", {"TopicArn": f"{topic_arn}-gone", "Message": "hello"})


@pytest.mark.parametrize("raw", ["true", "false"])
def test_undelivered_notification_goes_to_the_subscriptions_dead_letter_queue(engine: Engine, raw: str) -> None:
    """What a queue does not take is a dead letter, as it would have been delivered; the publisher hears nothing."""
    url = a_queue(engine, "gone")
    dead = a_queue(engine, "dead")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead")})
    topic_arn = a_topic(engine, url, RedrivePolicy=redrive, RawMessageDelivery=raw)
    engine.call("sqs", "DeleteQueue", {"QueueUrl": url})

    engine.call("sns", "Publish", {"TopicArn": topic_arn, **PUBLISHED})

    (letter,) = received(engine, dead)
    assert (letter["Body"] if raw == "true" else json.loads(letter["Body"])["Message"]) == "hello"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"].endswith("NonExistentQueue")


def test_undelivered_notification_without_a_dead_letter_queue_is_lost(engine: Engine) -> None:
    """The publisher is answered as if all had gone well."""
    url = a_queue(engine, "gone")
    topic_arn = a_topic(engine, url)
    engine.call("sqs", "DeleteQueue", {"QueueUrl": url})

    assert "MessageId" in engine.call("sns", "Publish", {"TopicArn": topic_arn, **PUBLISHED})


# --- buckets -------------------------------------------------------------------------------------


@pytest.fixture
def notified(engine: Engine) -> str:
    """The URL of a queue that a versioned bucket notifies of all that happens to objects; empty."""
    url = a_queue(engine, "told")
    engine.call(
        "s3", "CreateBucket", {"Bucket": "bucket", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    )
    versioning = {"Status": "Enabled"}
    engine.call("s3", "PutBucketVersioning", {"Bucket": "bucket", "VersioningConfiguration": versioning})
    wanted = {"Id": "mine", "QueueArn": arn("told"), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    configuration = {"QueueConfigurations": [wanted]}
    engine.call(
        "s3", "PutBucketNotificationConfiguration", {"Bucket": "bucket", "NotificationConfiguration": configuration}
    )
    return url


def test_bucket_sends_a_test_event_first(engine: Engine, notified: str) -> None:
    """As soon as notifications are configured, the queue gets S3's test event."""
    (message,) = received(engine, notified)

    event = json.loads(message["Body"])
    assert set(event) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert (event["Service"], event["Event"], event["Bucket"]) == ("Amazon S3", "s3:TestEvent", "bucket")
    assert event["Time"] == "2020-03-04T19:03:58.390Z"


def test_notification_has_the_documented_structure(engine: Engine, notified: str) -> None:
    """Each member of the event message is there, by the clock's time, and Powertools reads it."""
    received(engine, notified)

    put = engine.call("s3", "PutObject", {"Bucket": "bucket", "Key": "a/red flower+é.jpg", "Body": b"1234"})

    (message,) = received(engine, notified)
    (record,) = json.loads(message["Body"])["Records"]
    assert record["s3"]["object"].pop("sequencer").isalnum()
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2020-03-04T19:03:58.390Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": record["userIdentity"]["principalId"]},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {name: record["responseElements"][name] for name in ("x-amz-request-id", "x-amz-id-2")},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "mine",
            "bucket": {
                "name": "bucket",
                "ownerIdentity": {"principalId": record["s3"]["bucket"]["ownerIdentity"]["principalId"]},
                "arn": "arn:aws:s3:::bucket",
            },
            "object": {
                "key": "a/red+flower%2B%C3%A9.jpg",
                "size": 4,
                "eTag": put["ETag"].strip('"'),
                "versionId": put["VersionId"],
            },
        },
    }
    assert S3Event(json.loads(message["Body"])).object_key == "a/red flower+é.jpg"


def test_notifications_of_an_object_are_in_order(engine: Engine, notified: str) -> None:
    """Sequencers rise, and a removal tells neither size nor tag."""
    received(engine, notified)

    engine.call("s3", "PutObject", {"Bucket": "bucket", "Key": "a", "Body": b"1"})
    engine.backend("s3").delete_object("bucket", "a")
    (marker,) = (one.version_id for one in engine.backend("s3").buckets["bucket"].keys.getlist("a")[-1:])

    records = [json.loads(message["Body"])["Records"][0] for message in received(engine, notified)]
    assert [record["eventName"] for record in records] == ["ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated"]
    created, removed = (record["s3"]["object"] for record in records)
    assert created["sequencer"] < removed["sequencer"]
    assert set(removed) == {"key", "versionId", "sequencer"}
    assert removed["versionId"] == marker


def test_upload_in_parts_is_told_once(engine: Engine, notified: str) -> None:
    """As what it is, when it is complete; no put is told besides."""
    received(engine, notified)
    upload = {"Bucket": "bucket", "Key": "large"}

    upload["UploadId"] = engine.call("s3", "CreateMultipartUpload", upload)["UploadId"]
    tag = engine.call("s3", "UploadPart", {**upload, "PartNumber": 1, "Body": b"1234"})["ETag"]
    parts = {"Parts": [{"ETag": tag, "PartNumber": 1}]}
    engine.call("s3", "CompleteMultipartUpload", {**upload, "MultipartUpload": parts})
    engine.call("s3", "PutObject", {"Bucket": "bucket", "Key": "small", "Body": b"1"})

    records = [json.loads(message["Body"])["Records"][0] for message in received(engine, notified)]
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:CompleteMultipartUpload", "large"),
        ("ObjectCreated:Put", "small"),
    ]
