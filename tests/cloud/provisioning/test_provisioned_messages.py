"""Queues, topics and buckets as the engine holds them after provisioning, and how they are connected."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError
from penstock.errors import TemplateError
from penstock.template.models import Template

STATEMENT = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "*", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


def queue(name: str, **properties: Any) -> dict[str, Any]:
    """Make a queue."""
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **properties}}


def received(engine: Engine, url: str) -> list[str]:
    """Receive the bodies that wait in a queue."""
    answer = engine.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    return [message["Body"] for message in answer.get("Messages", [])]


def attributes(engine: Engine, url: str) -> dict[str, Any]:
    """Ask for all attributes of a queue."""
    told = engine.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
    return dict(told["Attributes"])


def test_queue_has_the_attributes_of_the_template(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A queue is found under the template's URL, with its attributes and its policy."""
    url = {"Ref": "Queue"}
    template = provisioned(
        {
            "Queue": queue("orders", VisibilityTimeout=180, DelaySeconds="2", FifoQueue=False),
            "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [url], "PolicyDocument": POLICY}},
        }
    )

    told = attributes(engine, template.queues[0].url)

    assert (told["QueueArn"], told["VisibilityTimeout"]) == (template.queues[0].arn, "180")
    assert told["DelaySeconds"] == "2"
    assert json.loads(told["Policy"]) == POLICY


def test_queues_may_refer_to_one_another_in_any_order(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A dead-letter queue may be defined after the queue that uses it, and may have one itself."""

    def redrive(target: str) -> dict[str, Any]:
        return {"deadLetterTargetArn": {"Fn::GetAtt": [target, "Arn"]}, "maxReceiveCount": 3}

    template = provisioned(
        {
            "First": queue("first", RedrivePolicy=redrive("Second")),
            "Second": queue("second", RedrivePolicy=redrive("First")),
        }
    )

    for own, other in (template.queues, reversed(template.queues)):
        told = json.loads(attributes(engine, own.url)["RedrivePolicy"])
        assert told == {"deadLetterTargetArn": other.arn, "maxReceiveCount": 3}


def test_fifo_queue_is_one(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A FIFO queue without a name gets one that ends as it must."""
    template = provisioned({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}})

    assert template.queues[0].name.endswith(".fifo")
    assert attributes(engine, template.queues[0].url)["FifoQueue"] == "true"


def test_topic_delivers_to_its_queue(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A subscribed queue gets what passes the filter, raw when asked; a person gets nothing."""
    subscription = {
        "TopicArn": {"Ref": "Topic"},
        "Protocol": "sqs",
        "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
        "RawMessageDelivery": True,
        "FilterPolicy": {"status": ["ACCEPTED"]},
    }
    email = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "someone@example.com"}
    template = provisioned(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
            "Queue": queue("orders"),
            "ToQueue": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
            "ToPerson": {"Type": "AWS::SNS::Subscription", "Properties": email},
            "Policy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": POLICY},
            },
        }
    )
    topic_arn = template.topics[0].arn

    for status in ("ACCEPTED", "REJECTED"):
        engine.call(
            "sns",
            "Publish",
            {
                "TopicArn": topic_arn,
                "Message": status.lower(),
                "MessageAttributes": {"status": {"DataType": "String", "StringValue": status}},
            },
        )

    told = engine.call("sns", "GetTopicAttributes", {"TopicArn": topic_arn})["Attributes"]
    assert received(engine, template.queues[0].url) == ["accepted"]
    assert json.loads(told["Policy"]) == POLICY


def test_topic_has_the_attributes_of_the_template(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A topic that says that it is no FIFO topic is none; it takes messages as large as it says."""
    properties = {"FifoTopic": False, "ContentBasedDeduplication": False, "MaximumMessageSize": 1024}
    template = provisioned({"Topic": {"Type": "AWS::SNS::Topic", "Properties": properties}})
    message = {"TopicArn": template.topics[0].arn, "Message": "x" * 1024}

    engine.call("sns", "Publish", message)
    with pytest.raises(EngineError, match="Message too long"):
        engine.call("sns", "Publish", {**message, "Message": "x" * 1025})


def test_subscription_written_inside_the_topic_delivers(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A subscription inside the topic is one as well; its message comes in SNS's envelope."""
    inside = {"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}
    template = provisioned(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [inside]}},
            "Queue": queue("orders"),
        }
    )

    engine.call("sns", "Publish", {"TopicArn": template.topics[0].arn, "Message": "hello"})

    assert [json.loads(body)["Message"] for body in received(engine, template.queues[0].url)] == ["hello"]


def test_bucket_notifies_its_queue(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A new object under the prefix is told to the queue, after the test event that S3 sends at the definition."""
    notification = {
        "Event": "s3:ObjectCreated:*",
        "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "aws/lambda/"}]}},
    }
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    properties = {
        "BucketName": "failures",
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption},
        "NotificationConfiguration": {"QueueConfigurations": [notification]},
    }
    template = provisioned({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}, "Queue": queue("orders")})
    url = template.queues[0].url

    tests = [json.loads(body)["Event"] for body in received(engine, url)]
    for key in ("aws/lambda/one", "other/two"):
        engine.call("s3", "PutObject", {"Bucket": "failures", "Key": key, "Body": b"{}"})

    (body,) = received(engine, url)
    assert tests == ["s3:TestEvent"]
    assert json.loads(body)["Records"][0]["s3"]["object"]["key"] == "aws/lambda/one"
    assert engine.call("s3", "GetBucketVersioning", {"Bucket": "failures"})["Status"] == "Enabled"
    told = engine.call("s3", "GetBucketEncryption", {"Bucket": "failures"})["ServerSideEncryptionConfiguration"]
    assert told["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_bucket_policy_does_not_reach_the_engine(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A bucket that demands TLS still takes objects: the engine would read the condition as a denial of all."""
    denial = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Principal": {"AWS": "*"},
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    provisioned(
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "failures"}},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Bucket"},
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [denial]},
                },
            },
        }
    )

    engine.call("s3", "PutObject", {"Bucket": "failures", "Key": "a", "Body": b"{}"})

    assert engine.call("s3", "ListObjectsV2", {"Bucket": "failures"})["KeyCount"] == 1


def test_fails_when_a_name_is_not_allowed(provisioned: Callable[..., Template]) -> None:
    """A name that the service refuses is told with the logical id."""
    with pytest.raises(TemplateError, match=r"Queue: sqs refuses CreateQueue: .* alphanumeric"):
        provisioned({"Queue": queue("with blanks")})
