"""Notifications that the CDK puts on a bucket by a custom resource."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.template.models import BucketNotification
from tests.template.assembly_writer import AssemblyWriter

CODE = {"ZipFile": "x = 1"}
ROLE = {"Fn::GetAtt": ["Role", "Arn"]}


def arn(logical_id: str) -> dict[str, Any]:
    """Refer to the ARN of a resource."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def function(runtime: str = "python3.13") -> dict[str, Any]:
    """Make a function."""
    properties = {"Code": CODE, "Handler": "index.handler", "Role": ROLE, "Runtime": runtime}
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def bucket_with(**configuration: Any) -> dict[str, Any]:
    """Make what ``bucket.add_event_notification`` synthesizes, and what is notified."""
    custom = {
        "ServiceToken": arn("Handler"),
        "BucketName": {"Ref": "Bucket"},
        "NotificationConfiguration": configuration,
        "Managed": True,
        "SkipDestinationValidation": False,
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "Handler": function(),
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Worker": function(),
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Notifications": {"Type": "Custom::S3BucketNotifications", "Properties": custom},
    }


FILTER = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}, {"Name": "prefix", "Value": "in/"}]}}
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
TO_FUNCTION = {"Events": EVENTS, "Filter": FILTER, "LambdaFunctionArn": arn("Worker")}
TO_QUEUE = {"Events": EVENTS[:1], "QueueArn": arn("Queue")}


def test_bucket_has_what_the_custom_resource_puts_on_it(assembly: AssemblyWriter) -> None:
    """Each event of each configuration is a notification, with the filter in the words of CloudFormation."""
    assembly.stack(
        bucket_with(
            LambdaFunctionConfigurations=[TO_FUNCTION], QueueConfigurations=[TO_QUEUE], EventBridgeConfiguration={}
        )
    )

    template = assembly.load()

    worker = template.resources["App/Worker"].arn
    queue = template.resources["App/Queue"].arn
    (bucket,) = template.buckets
    shape = [(each.event, each.destination_arn, each.prefix, each.suffix) for each in bucket.notifications]
    assert sorted(shape) == sorted(
        [
            (EVENTS[0], queue, "", ""),
            (EVENTS[0], worker, "in/", ".csv"),
            (EVENTS[1], worker, "in/", ".csv"),
        ]
    )
    assert all(isinstance(each, BucketNotification) for each in bucket.notifications)
    written = template.resources["App/Bucket"].properties["NotificationConfiguration"]
    assert written["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
    assert [entry for entry in template.fidelity if entry.verdict in ("unknown", "not supported")] == []


def test_notification_of_what_is_left_out_goes_with_it(assembly: AssemblyWriter) -> None:
    """A function that does not run here is not notified; the queue beside it is."""
    resources = bucket_with(LambdaFunctionConfigurations=[TO_FUNCTION], QueueConfigurations=[TO_QUEUE])
    assembly.stack({**resources, "Worker": function("nodejs22.x")})

    template = assembly.load(skip=["Worker"])

    assert [each.destination_arn for each in template.buckets[0].notifications] == [template.queues[0].arn]


def test_fails_when_the_bucket_is_of_somebody_else(assembly: AssemblyWriter) -> None:
    """A bucket that no stack defines cannot notify; the custom resource may be left out."""
    resources = bucket_with(QueueConfigurations=[TO_QUEUE])
    resources["Notifications"]["Properties"]["BucketName"] = "elsewhere"
    assembly.stack(resources)

    with pytest.raises(TemplateError, match=r"\.BucketName: elsewhere is no bucket .*--skip Notifications"):
        assembly.load()
    assert assembly.load(skip=["Notifications"]).buckets[0].notifications == ()
