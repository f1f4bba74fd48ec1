"""Notifications that the CDK has a function of its own put on a bucket, read as if they stood in the bucket itself.

``bucket.add_event_notification`` does not synthesize ``NotificationConfiguration`` but a custom resource, whose
provider calls S3 with it in the spelling of S3's API (aws-cdk, ``aws-s3/lib/notifications-resource``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from penstock.template.models import Resource
from penstock.template.properties import Properties
from penstock.template.stores import BUCKET_TYPE

CUSTOM_TYPE: Final = "Custom::S3BucketNotifications"

_SPELLING: Final = {
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "LambdaConfigurations", "Function"),
    "QueueConfigurations": ("QueueArn", "QueueConfigurations", "Queue"),
    "TopicConfigurations": ("TopicArn", "TopicConfigurations", "Topic"),
}
"""For each kind of destination as S3's API spells it: its ARN there, and both as CloudFormation does."""


def join_notifications(resources: Iterable[Resource]) -> Sequence[Resource]:
    """The resources, each bucket with what custom resources put on it; `TemplateError` where there is no bucket."""
    joined = {resource.address: resource for resource in resources}
    buckets = {each.physical_id: address for address, each in joined.items() if each.type == BUCKET_TYPE}
    for custom in [each for each in joined.values() if each.type == CUSTOM_TYPE]:
        properties = Properties.of(custom)
        name = properties.text("BucketName")
        if name not in buckets:
            remedy = f"define the bucket in one of the stacks, or --skip {custom.logical_id}"
            raise properties.error("BucketName", f"{name} is no bucket of this template", remedy)
        bucket = joined[buckets[name]]
        given = properties.object("NotificationConfiguration")
        joined[bucket.address] = replace(bucket, properties=_with(bucket, given))
    return list(joined.values())


def _with(bucket: Resource, configuration: Properties) -> Mapping[str, Any]:
    """The properties of a bucket with what is put on it."""
    notified = dict(Properties.of(bucket).object("NotificationConfiguration").values)
    for kind, (arn, its_kind, name) in _SPELLING.items():
        for item in configuration.objects(kind):
            rules = [rule.values for rule in item.object("Filter").object("Key").objects("FilterRules")]
            filtered = {"Filter": {"S3Key": {"Rules": rules}}} if rules else {}
            told = [{"Event": event, name: item.text(arn), **filtered} for event in item.texts("Events")]
            notified[its_kind] = [*notified.get(its_kind, ()), *told]
    if "EventBridgeConfiguration" in configuration:
        notified["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
    return {**bucket.properties, "NotificationConfiguration": notified}
