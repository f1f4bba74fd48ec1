"""Where moto's topics and buckets say or do other than AWS: mended here, once per process.

- A topic takes 256 KiB, or as much as its ``MaximumMessageSize`` says, in bytes and with the attributes; moto counts
  characters of the message alone (*Publishing large messages with Amazon SNS*). An empty message is refused.
- A FIFO topic with ``ContentBasedDeduplication`` makes the id by which its queues deduplicate (*Message deduplication
  for FIFO topics*); a binary attribute is bytes where it is delivered raw.
- A filter policy is read by ``filter_policies.py``.
- ``RawMessageDelivery`` of ``"false"`` is no raw delivery; what a subscribed queue refuses goes to the subscription's
  dead-letter queue and not to the publisher as an error (*Amazon SNS dead-letter queues*); an envelope names its own
  subscription.
- An S3 notification has all members of *Event message structure*, its key encoded but for slashes; a delete marker is
  notified too, and an upload in parts when it is complete, but not as a put besides.
- Both tell the application's time.

Pinned to one version of moto, as all repairs are; each has a contract test in ``tests/cloud/moto/test_messages.py``.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from penstock.cloud.filter_policies import FilterPolicy, validated
from penstock.cloud.moto.queues import message_bytes

PUBLISHED_BYTES, LARGEST_PUBLISHED_BYTES = 262_144, 1_048_576
"""The largest message of a topic that says nothing of it, and of any topic."""


class _Time:
    """The clock that messages are stamped by."""

    now_ms: Callable[[], int] = staticmethod(lambda: time.time_ns() // 1_000_000)


def follow(now_ms: Callable[[], int]) -> None:
    """Stamp messages by this clock from now on."""
    _Time.now_ms = staticmethod(now_ms)


@functools.cache
def install() -> None:
    """Put AWS's ways in place of moto's."""
    from moto.s3 import models as s3
    from moto.s3 import notifications
    from moto.sns import models as sns

    sns.MAXIMUM_MESSAGE_LENGTH = LARGEST_PUBLISHED_BYTES
    sns.SNSBackend.publish = _sized(sns.SNSBackend.publish)
    sns.SNSBackend.publish_batch = _sized_together(sns.SNSBackend.publish_batch)
    sns.SNSBackend._validate_filter_policy = validated(sns.SNSBackend._validate_filter_policy)
    sns.FilterPolicyMatcher = FilterPolicy
    sns.Subscription.publish = _redriven(sns.Subscription.publish)
    sns.Subscription.get_post_data = _signed_off(sns.Subscription.get_post_data)
    sns.iso_8601_datetime_with_milliseconds = _iso_now
    s3.S3Backend.complete_multipart_upload = _told_once(s3.S3Backend.complete_multipart_upload)
    s3.S3Backend._set_delete_marker = _told(s3.S3Backend._set_delete_marker)
    notifications._get_s3_event = _s3_event
    notifications._get_test_event = _s3_test_event


def _iso_now(*_: object) -> str:
    return datetime.fromtimestamp(_Time.now_ms() / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


# --- topics --------------------------------------------------------------------------------------


def _sized(publish: Callable[..., str]) -> Callable[..., str]:
    def publish_sized(self: Any, message: str, arn: str | None = None, **named: Any) -> str:
        from moto.sns.exceptions import InvalidParameterValue

        if arn is not None and ":endpoint/" not in arn:
            topic = self.get_topic(arn)
            if not message:
                raise InvalidParameterValue("Invalid parameter: Empty message")
            if _published_bytes(message, named.get("message_attributes")) > _limit_bytes(topic):
                raise InvalidParameterValue("Invalid parameter: Message too long")
            if topic.content_based_deduplication and not named.get("deduplication_id"):
                named["deduplication_id"] = hashlib.sha256(message.encode()).hexdigest()
        return publish(self, message, arn=arn, **named)

    return publish_sized


def _sized_together(publish: Callable[..., Any]) -> Callable[..., Any]:
    def publish_batch(self: Any, topic_arn: str, publish_batch_request_entries: list[dict[str, Any]]) -> Any:
        from moto.sns.exceptions import SNSException

        limit_bytes = _limit_bytes(self.get_topic(topic_arn))
        sizes = [_published_bytes(e["Message"], e.get("MessageAttributes")) for e in publish_batch_request_entries]
        if sum(sizes) > limit_bytes:
            told = "The length of all the batch messages put together is more than the limit."
            raise SNSException("BatchRequestTooLong", told)
        return publish(self, topic_arn, publish_batch_request_entries)

    return publish_batch


def _limit_bytes(topic: Any) -> int:
    return int(getattr(topic, "maximum_message_size", PUBLISHED_BYTES))


def _published_bytes(message: str, attributes: Mapping[str, Mapping[str, Any]] | None) -> int:
    """The size of a message with its attributes, which are as an envelope has them."""
    shown = {
        name: {"DataType": each["Type"], "BinaryValue": each["Value"]} for name, each in _decoded(attributes).items()
    }
    return message_bytes(message, shown)


def _decoded(attributes: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """Attributes with bytes for what is binary, which an envelope has in base64."""
    return {
        name: {**each, "Value": b64decode(each["Value"])} if each["Type"].startswith("Binary") else dict(each)
        for name, each in (attributes or {}).items()
    }


def _redriven(publish: Callable[..., None]) -> Callable[..., None]:
    def deliver(self: Any, message: str, message_id: str, **named: Any) -> None:
        from moto.core.exceptions import ServiceException

        if str(self.attributes.get("RawMessageDelivery")).lower() == "false":
            del self.attributes["RawMessageDelivery"]
        attributes = named.get("message_attributes")
        told = _decoded(attributes) if self.attributes.get("RawMessageDelivery") else attributes
        try:
            publish(self, message, message_id, **{**named, "message_attributes": told})
        except ServiceException as error:
            if self.protocol != "sqs":
                raise
            bury_message(self, message, message_id, named, code=str(error.code), reason=str(error.message))

    return deliver


def dead_letters_of(subscription: Any) -> str | None:
    """The ARN of a subscription's dead-letter queue, if it has one."""
    arn: str | None = json.loads(subscription.attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
    return arn


def bury_message(
    subscription: Any, message: str, message_id: str, options: Mapping[str, Any], *, code: str, reason: str
) -> None:
    """Send what an endpoint did not take to the subscription's dead-letter queue, if it has one that takes it."""
    from moto.core.exceptions import ServiceException
    from moto.sqs import sqs_backends

    arn = dead_letters_of(subscription)
    if arn is None:
        return
    body = message
    if not subscription.attributes.get("RawMessageDelivery"):
        attributes = options.get("message_attributes")
        body = json.dumps(subscription.get_post_data(message, message_id, options.get("subject"), attributes), indent=2)
    told = {"ErrorCode": code, "ErrorMessage": reason}
    shown = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    fifo = {name: options.get(name) for name in ("group_id", "deduplication_id")}
    queues = sqs_backends[subscription.account_id][arn.split(":")[3]]
    with contextlib.suppress(ServiceException):
        queues.send_message(arn.rpartition(":")[2], body, message_attributes=shown, **fifo)


def _signed_off(envelope: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get_post_data(self: Any, *args: Any, **named: Any) -> dict[str, Any]:
        host = f"https://sns.{self.topic.sns_backend.region_name}.amazonaws.com"
        unsubscribe = f"{host}/?Action=Unsubscribe&SubscriptionArn={self.arn}"
        return envelope(self, *args, **named) | {"UnsubscribeURL": unsubscribe}

    return get_post_data


# --- buckets -------------------------------------------------------------------------------------

_sequencers = itertools.count(1)


def sequencer() -> str:
    """A text that tells events of one object apart by order, as a hexadecimal number."""
    return f"{_Time.now_ms() << 16 | next(_sequencers) & 0xFFFF:016X}"


def _told(set_delete_marker: Callable[..., Any]) -> Callable[..., Any]:
    def tell(self: Any, bucket_name: str, key_name: str) -> Any:
        from moto.s3 import notifications

        marker = set_delete_marker(self, bucket_name, key_name)
        event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
        notifications.send_event(self.account_id, event, self.get_bucket(bucket_name), marker)
        return marker

    return tell


def _told_once(complete: Callable[..., Any]) -> Callable[..., Any]:
    def complete_multipart_upload(self: Any, *args: Any) -> Any:
        self.put_object = functools.partial(self.put_object, disable_notification=True)
        try:
            return complete(self, *args)
        finally:
            del self.put_object

    return complete_multipart_upload


def _s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, list[dict[str, Any]]]:
    """The one record of a notification (*Event message structure*)."""
    order = sequencer()
    shown: dict[str, Any] = {"key": quote_plus(key.name, safe="/")}
    if event_name.startswith("s3:ObjectCreated:"):
        shown |= {"size": key.size, "eTag": key.etag.replace('"', "")}
    if bucket.is_versioned and key.version_id is not None:
        shown["versionId"] = key.version_id
    owner = {"principalId": hashlib.sha256(bucket.account_id.encode()).hexdigest()[:14].upper()}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": _iso_now(),
        "eventName": event_name.removeprefix("s3:"),
        "userIdentity": {"principalId": f"AWS:{owner['principalId']}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": _request_ids(order),
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": notification_id,
            "bucket": {"name": bucket.name, "ownerIdentity": owner, "arn": bucket.arn},
            "object": shown | {"sequencer": order},
        },
    }
    return {"Records": [record]}


def _s3_test_event(bucket_name: str) -> dict[str, Any]:
    """What a queue receives when a bucket's notifications are configured."""
    ids = _request_ids(bucket_name)
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": _iso_now(),
        "Bucket": bucket_name,
        "RequestId": ids["x-amz-request-id"],
        "HostId": ids["x-amz-id-2"],
    }


def _request_ids(text: str) -> dict[str, str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"x-amz-request-id": digest[:16].upper(), "x-amz-id-2": digest[16:]}
