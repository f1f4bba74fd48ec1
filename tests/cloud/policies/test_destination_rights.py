"""What could not be deployed, since a function's role may not send where its events are to go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from penstock.cloud.policies.destination_rights import check_destinations
from penstock.cloud.policies.guard import Guard
from penstock.errors import TemplateError
from penstock.template.models import Template
from tests.template.assembly_writer import AssemblyWriter

ACCOUNT = "arn:aws:{}:us-east-1:123456789012:"
QUEUE, TOPIC = ACCOUNT.format("sqs") + "failed", ACCOUNT.format("sns") + "failed"
OTHER, BUS = ACCOUNT.format("lambda") + "function:other", ACCOUNT.format("events") + "event-bus/failed"
BUCKET = "arn:aws:s3:::failed"


@pytest.fixture
def assembly(tmp_path: Path) -> AssemblyWriter:
    """A cloud assembly to write."""
    return AssemblyWriter(tmp_path / "cdk.out")


def function(name: str, **properties: Any) -> dict[str, Any]:
    """A function of the role."""
    given = {"FunctionName": name, "Code": {"S3Bucket": "assets", "S3Key": "code.zip"}, "Handler": "a.b"}
    role = {"Runtime": "python3.13", "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    return {"Type": "AWS::Lambda::Function", "Properties": {**given, **role, **properties}}


def template(assembly: AssemblyWriter, statements: Sequence[tuple[str, str]], **more: Any) -> Template:
    """A function, everything that its events may go to, and a role that may do (action, resource)."""
    allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": allowed}}] if allowed else [],
    }
    return assembly.read(
        {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Worker": function("worker"),
            "Other": function("other"),
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "failed"}},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "failed"}},
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "failed"}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "failed"}},
            **more,
        }
    )


def configured(arn: str) -> dict[str, Any]:
    """The function's failed events go to an ARN."""
    destinations = {"OnFailure": {"Destination": arn}}
    properties = {"FunctionName": {"Ref": "Worker"}, "Qualifier": "$LATEST", "DestinationConfig": destinations}
    return {"Events": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}}


def check(found: Template) -> None:
    """Check a template as the start does."""
    check_destinations(found, Guard(found, now_ms=lambda: 0, machine_of=lambda _: None, on_denied=lambda _: None))


NEEDED = [
    (QUEUE, [("sqs:SendMessage", QUEUE)]),
    (TOPIC, [("sns:Publish", TOPIC)]),
    (OTHER, [("lambda:InvokeFunction", OTHER)]),
    (BUS, [("events:PutEvents", BUS)]),
    (BUCKET, [("s3:PutObject", f"{BUCKET}/aws/lambda/async/worker/*"), ("s3:ListBucket", BUCKET)]),
]


@pytest.mark.parametrize(("arn", "statements"), NEEDED)
def test_role_that_may_send_is_deployed(assembly: AssemblyWriter, arn: str, statements: list[tuple[str, str]]) -> None:
    """Each kind of destination asks for the permission that the page names, and no other."""
    check(template(assembly, statements, **configured(arn)))


@pytest.mark.parametrize(("arn", "statements"), NEEDED)
def test_fails_when_the_role_may_not_send(
    assembly: AssemblyWriter, arn: str, statements: list[tuple[str, str]]
) -> None:
    """One permission less, and it is told which property needs it."""
    with pytest.raises(TemplateError, match=r"Events.DestinationConfig.OnFailure.Destination: the role of Worker may"):
        check(template(assembly, statements[:-1], **configured(arn)))


def test_fails_when_the_role_may_not_bury(assembly: AssemblyWriter) -> None:
    """A function with a dead-letter queue needs the permission to send there."""
    worker = function("worker", DeadLetterConfig={"TargetArn": QUEUE})

    check(template(assembly, [("sqs:*", "*")], Worker=worker))

    with pytest.raises(TemplateError, match=r"Worker.DeadLetterConfig.TargetArn: .*allow sqs:SendMessage in a policy"):
        check(template(AssemblyWriter(assembly.path / "other"), [], Worker=worker))
