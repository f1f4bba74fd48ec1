"""Tables and buckets: ``AWS::DynamoDB::*`` and ``AWS::S3::*`` to models."""

from __future__ import annotations

from penstock.template.messages import QUEUE_TYPE, TOPIC_TYPE
from penstock.template.models import Bucket, BucketNotification, Resource, Table
from penstock.template.properties import Properties
from penstock.template.resources import FUNCTION_TYPES, Resources

TABLE_TYPES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
BUCKET_TYPE = "AWS::S3::Bucket"

_NOTIFIED = {"QueueConfigurations": "Queue", "TopicConfigurations": "Topic", "LambdaConfigurations": "Function"}
_NOTIFIED_TYPES = {"Queue": (QUEUE_TYPE,), "Topic": (TOPIC_TYPE,), "Function": FUNCTION_TYPES}


def read_tables(resources: Resources) -> tuple[Table, ...]:
    """All tables."""
    return tuple(_table(resource) for resource in resources.of(*TABLE_TYPES))


def read_buckets(resources: Resources) -> tuple[Bucket, ...]:
    """All buckets; a notification to what this template does not define is refused."""
    return tuple(_bucket(resource, resources) for resource in resources.of(BUCKET_TYPE))


def _table(resource: Resource) -> Table:
    assert resource.arn is not None
    properties = Properties.of(resource)
    keys = {key.text("KeyType"): key.text("AttributeName") for key in properties.objects("KeySchema")}
    if "HASH" not in keys:
        raise properties.error("KeySchema", "there is no partition key", "add an element with KeyType HASH")
    if "ImportSourceSpecification" in properties:
        raise properties.error(
            "ImportSourceSpecification", "a table is not filled from an import here", "remove it, and write the items"
        )
    expiry = properties.object("TimeToLiveSpecification")
    return Table(
        logical_id=resource.logical_id,
        stack=resource.stack,
        name=resource.physical_id,
        arn=resource.arn,
        partition_key=keys["HASH"],
        sort_key=keys.get("RANGE"),
        stream_arn=resource.attributes.get("StreamArn"),
        stream_view_type=properties.object("StreamSpecification").text("StreamViewType", None),
        time_to_live_attribute=expiry.text("AttributeName", None) if expiry.flag("Enabled", default=True) else None,
    )


def _bucket(resource: Resource, resources: Resources) -> Bucket:
    assert resource.arn is not None
    configuration = Properties.of(resource).object("NotificationConfiguration")
    return Bucket(
        logical_id=resource.logical_id,
        stack=resource.stack,
        name=resource.physical_id,
        arn=resource.arn,
        notifications=tuple(
            _notification(item, kind, name, resources)
            for kind, name in _NOTIFIED.items()
            for item in configuration.objects(kind)
        ),
    )


def _notification(notification: Properties, kind: str, name: str, resources: Resources) -> BucketNotification:
    destination_arn = notification.text(name)
    resources.at_arn(destination_arn, notification.place.at(name), *_NOTIFIED_TYPES[name])
    if destination_arn.endswith(".fifo"):  # Amazon S3 Event Notifications, Amazon S3 User Guide
        raise notification.error(name, "a bucket notifies no FIFO queue or topic", "use a standard one")
    rules = {
        rule.text("Name").lower(): rule.text("Value")
        for rule in notification.object("Filter").object("S3Key").objects("Rules")
    }
    return BucketNotification(
        event=notification.text("Event"),
        destination_arn=destination_arn,
        property_path=f"NotificationConfiguration.{kind}",
        prefix=rules.get("prefix", ""),
        suffix=rules.get("suffix", ""),
    )
