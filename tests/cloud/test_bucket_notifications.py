"""Buckets tell topics, functions and the default bus what happens to their objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from penstock.cloud.bucket_notifications import connect_buckets
from penstock.cloud.engine import Engine, EngineError

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:worker"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:uploads"
OF_FUNCTION = {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"], "Id": "mine"}


class Told:
    """A bucket, and what topics, functions and the bus are told of it."""

    def __init__(self) -> None:
        self.engine = Engine(account_id=ACCOUNT, region="us-east-1")
        self.engine.call("s3", "CreateBucket", {"Bucket": "photos"})
        self.handed_over: list[tuple[str, dict[str, Any], str]] = []
        self.emitted: list[tuple[Mapping[str, Any], str]] = []
        self.allowed = True
        self.refusal: EngineError | None = None
        connect_buckets(self, lambda *_: self.allowed, self.emit)  # type: ignore[arg-type]

    def hand_over(self, arn: str, text: str, *, subject: str) -> None:
        """See `Deliveries`."""
        if self.refusal is not None:
            raise self.refusal
        self.handed_over.append((arn, json.loads(text), subject))

    def emit(self, entry: Mapping[str, Any], caller: str) -> None:
        """Take an entry for the bus."""
        self.emitted.append((entry, caller))

    def notify(self, **configuration: Any) -> None:
        """Set the bucket's notifications and forget the test events."""
        params = {"Bucket": "photos", "NotificationConfiguration": configuration}
        self.engine.call("s3", "PutBucketNotificationConfiguration", params)

    def put(self, key: str) -> None:
        """Make an object."""
        self.engine.call("s3", "PutObject", {"Bucket": "photos", "Key": key, "Body": b"1234"})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """A bucket without notifications; what is done to moto is undone afterwards."""
    from moto.s3 import notifications

    for name in ("_invoke_awslambda", "_send_sns_message", "_send_event_bridge_message"):
        monkeypatch.setattr(notifications, name, getattr(notifications, name))
    return Told()


def test_function_gets_the_record_without_a_test_event(told: Told) -> None:
    """The record is the one that queues get, its key encoded; functions are not tested."""
    told.notify(LambdaFunctionConfigurations=[OF_FUNCTION])

    told.put("a b/é.jpg")

    ((arn, event, _),) = told.handed_over
    (record,) = event["Records"]
    assert arn == FUNCTION
    assert (record["eventVersion"], record["eventSource"], record["eventName"]) == (
        "2.1",
        "aws:s3",
        "ObjectCreated:Put",
    )
    assert record["s3"]["configurationId"] == "mine"
    assert record["s3"]["object"]["key"] == "a+b/%C3%A9.jpg"


def test_topic_is_tested_first(told: Told) -> None:
    """A topic gets the test event when it is set, then records, all under S3's subject."""
    told.notify(TopicConfigurations=[{"TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}])
    told.put("a")

    told.engine.backend("s3").delete_object("photos", "a")

    test, removed = told.handed_over
    assert (test[0], test[1]["Event"], test[2]) == (TOPIC, "s3:TestEvent", "Amazon S3 Notification")
    assert removed[1]["Records"][0]["eventName"] == "ObjectRemoved:Delete"


@pytest.mark.parametrize(
    ("key", "told_of"), [("in/a.jpg", True), ("out/a.jpg", False), ("in/a.png", False), ("in/.jpg", True)]
)
def test_prefix_and_suffix_both_have_to_fit(told: Told, key: str, told_of: bool) -> None:
    """Only keys that begin and end as asked."""
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    told.notify(LambdaFunctionConfigurations=[{**OF_FUNCTION, "Filter": {"Key": {"FilterRules": rules}}}])

    told.put(key)

    assert bool(told.handed_over) == told_of


def test_nobody_hears_of_a_notification_that_is_not_taken(told: Told) -> None:
    """The object is there; who may not be told, or refuses, is not told."""
    told.notify(LambdaFunctionConfigurations=[OF_FUNCTION])

    told.allowed = False
    told.put("a")
    told.allowed, told.refusal = True, EngineError("InternalError", "busy")
    told.put("b")

    assert told.handed_over == []
    assert told.engine.call("s3", "ListObjectsV2", {"Bucket": "photos"})["KeyCount"] == 2


def test_bus_gets_the_documented_events(told: Told) -> None:
    """Objects that are made and removed, the key as it is; of tags and other changes nothing."""
    told.notify(EventBridgeConfiguration={})

    told.put("a b")
    objects = told.engine.backend("s3")
    objects.put_object_tagging(objects.get_object("photos", "a b"), {"colour": "red"})
    told.engine.call("s3", "CopyObject", {"Bucket": "photos", "Key": "c", "CopySource": "photos/a b"})
    objects.delete_object("photos", "a b")

    entries = [entry for entry, _ in told.emitted]
    details = [json.loads(entry["Detail"]) for entry in entries]
    assert [(entry["Source"], entry["DetailType"]) for entry in entries] == [
        ("aws.s3", "Object Created"),
        ("aws.s3", "Object Created"),
        ("aws.s3", "Object Deleted"),
    ]
    assert {caller for _, caller in told.emitted} == {"s3.amazonaws.com"}
    assert entries[0]["Resources"] == ["arn:aws:s3:::photos"]
    assert [detail["reason"] for detail in details] == ["PutObject", "CopyObject", "DeleteObject"]
    assert details[2]["deletion-type"] == "Permanently Deleted"
    created = details[0]["object"]
    assert (created["key"], created["size"]) == ("a b", 4)
    assert list(details[0]) == [
        "version",
        "bucket",
        "object",
        "request-id",
        "requester",
        "source-ip-address",
        "reason",
    ]
    assert [detail["object"]["sequencer"] for detail in details] == sorted(
        detail["object"]["sequencer"] for detail in details
    )


def test_bus_is_told_of_a_delete_marker(told: Told) -> None:
    """In a bucket with versions, removing an object makes a marker, which has no tag."""
    versioning = {"Status": "Enabled"}
    told.engine.call("s3", "PutBucketVersioning", {"Bucket": "photos", "VersioningConfiguration": versioning})
    told.put("a")
    told.notify(EventBridgeConfiguration={})

    told.engine.backend("s3").delete_object("photos", "a")

    ((entry, _),) = told.emitted
    detail = json.loads(entry["Detail"])
    assert detail["deletion-type"] == "Delete Marker Created"
    assert set(detail["object"]) == {"key", "version-id", "sequencer"}
