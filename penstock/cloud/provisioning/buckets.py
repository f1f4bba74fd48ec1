"""Buckets: versioning, encryption, notifications. Never their policies, which moto evaluates wrongly."""

from __future__ import annotations

from typing import Any, Final

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define
from penstock.template.models import Resource
from penstock.template.properties import Properties


def provision_bucket(resource: Resource, engine: Engine) -> None:
    """Define a bucket. As with S3, a queue or topic that it is to notify receives one ``s3:TestEvent`` at once."""
    name = resource.physical_id
    params: dict[str, Any] = {"Bucket": name}
    if engine.region != "us-east-1":
        params["CreateBucketConfiguration"] = {"LocationConstraint": engine.region}
    define(engine, resource, "s3", "CreateBucket", params)
    agree(resource, ours=resource.arn, theirs=engine.backend("s3").buckets[name].arn)
    properties = Properties.of(resource)
    if "VersioningConfiguration" in properties:
        versioning = {"Status": properties.object("VersioningConfiguration").text("Status")}
        params = {"Bucket": name, "VersioningConfiguration": versioning}
        define(engine, resource, "s3", "PutBucketVersioning", params)
    rules = properties.object("BucketEncryption").objects("ServerSideEncryptionConfiguration")
    if rules:
        configuration: dict[str, Any] = {"Rules": [_encryption(rule) for rule in rules]}
        params = {"Bucket": name, "ServerSideEncryptionConfiguration": configuration}
        define(engine, resource, "s3", "PutBucketEncryption", params)
    notifications = _notifications(properties.object("NotificationConfiguration"))
    if notifications:
        params = {"Bucket": name, "NotificationConfiguration": notifications}
        define(engine, resource, "s3", "PutBucketNotificationConfiguration", params)


def _encryption(rule: Properties) -> dict[str, Any]:
    """One rule as S3's API spells it."""
    spelled: dict[str, Any] = {}
    if "ServerSideEncryptionByDefault" in rule:
        spelled["ApplyServerSideEncryptionByDefault"] = rule.object("ServerSideEncryptionByDefault").values
    if "BucketKeyEnabled" in rule:
        spelled["BucketKeyEnabled"] = rule.flag("BucketKeyEnabled", default=False)
    return spelled


_NOTIFIED: Final = (
    ("QueueConfigurations", "Queue", "QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "Topic", "TopicConfigurations", "TopicArn"),
    ("LambdaConfigurations", "Function", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
)
"""For each kind of destination, the spelling of CloudFormation and that of S3's API."""


def _notifications(configuration: Properties) -> dict[str, Any]:
    """All notifications as S3's API spells them; empty without any."""
    spelled: dict[str, Any] = {
        api_kind: [_notification(item, name, api_name) for item in configuration.objects(kind)]
        for kind, name, api_kind, api_name in _NOTIFIED
        if configuration.objects(kind)
    }
    bus = configuration.object("EventBridgeConfiguration")
    if "EventBridgeConfiguration" in configuration and bus.flag("EventBridgeEnabled", default=True):
        spelled["EventBridgeConfiguration"] = {}
    return spelled


def _notification(notification: Properties, name: str, api_name: str) -> dict[str, Any]:
    """A notification as S3's API spells it; moto knows the names of filter rules in small letters alone."""
    spelled: dict[str, Any] = {api_name: notification.text(name), "Events": [notification.text("Event")]}
    rules = notification.object("Filter").object("S3Key").objects("Rules")
    if rules:
        named = [{"Name": rule.text("Name").lower(), "Value": rule.text("Value")} for rule in rules]
        spelled["Filter"] = {"Key": {"FilterRules": named}}
    return spelled
