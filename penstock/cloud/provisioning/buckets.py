"""Buckets: versioning, encryption, notifications to queues. Never their policies, which moto evaluates wrongly."""

from __future__ import annotations

from typing import Any

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define
from penstock.template.models import Resource
from penstock.template.properties import Properties


def provision_bucket(resource: Resource, engine: Engine) -> None:
    """Define a bucket. As with S3, a queue that it is told to notify receives one ``s3:TestEvent`` at once."""
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
    queues = properties.object("NotificationConfiguration").objects("QueueConfigurations")
    if queues:
        configuration = {"QueueConfigurations": [_notification(notification) for notification in queues]}
        params = {"Bucket": name, "NotificationConfiguration": configuration}
        define(engine, resource, "s3", "PutBucketNotificationConfiguration", params)


def _encryption(rule: Properties) -> dict[str, Any]:
    """One rule as S3's API spells it."""
    spelled: dict[str, Any] = {}
    if "ServerSideEncryptionByDefault" in rule:
        spelled["ApplyServerSideEncryptionByDefault"] = rule.object("ServerSideEncryptionByDefault").values
    if "BucketKeyEnabled" in rule:
        spelled["BucketKeyEnabled"] = rule.flag("BucketKeyEnabled", default=False)
    return spelled


def _notification(notification: Properties) -> dict[str, Any]:
    """A notification as S3's API spells it."""
    spelled: dict[str, Any] = {"QueueArn": notification.text("Queue"), "Events": [notification.text("Event")]}
    rules = notification.object("Filter").object("S3Key").objects("Rules")
    if rules:
        spelled["Filter"] = {"Key": {"FilterRules": [rule.values for rule in rules]}}
    return spelled
