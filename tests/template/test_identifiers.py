"""What resources are called."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.template.identifiers import IDENTITIES, Environment, Identified, identify, last_segment, names_needed

ENVIRONMENT = Environment(account_id="123456789012", region="eu-west-1")


def identified(resource_type: str, logical_id: str = "Thing", stack: str = "App", **properties: Any) -> Identified:
    """Name a resource of stack App."""
    return identify(
        IDENTITIES[resource_type],
        environment=ENVIRONMENT,
        stack=stack,
        logical_id=logical_id,
        properties=properties,
    )


def test_names_depend_on_stack_and_logical_id_alone() -> None:
    """A made-up name is the same in every run, and another one for another stack or logical id."""
    first, again = identified("AWS::SQS::Queue"), identified("AWS::SQS::Queue")
    others = {
        identified("AWS::SQS::Queue", stack="Other").name,
        identified("AWS::SQS::Queue", logical_id="Other").name,
    }

    assert first == again
    assert first.name not in others
    assert first.name.startswith("App-Thing-")


@pytest.mark.parametrize(
    ("resource_type", "properties", "ref", "arn"),
    [
        (
            "AWS::SQS::Queue",
            {"QueueName": "orders"},
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            "arn:aws:sqs:eu-west-1:123456789012:orders",
        ),
        (
            "AWS::SNS::Topic",
            {"TopicName": "news"},
            "arn:aws:sns:eu-west-1:123456789012:news",
            "arn:aws:sns:eu-west-1:123456789012:news",
        ),
        ("AWS::S3::Bucket", {"BucketName": "failures"}, "failures", "arn:aws:s3:::failures"),
        ("AWS::KMS::Alias", {"AliasName": "alias/orders"}, "alias/orders", None),
        (
            "AWS::Events::Rule",
            {"Name": "placed", "EventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/orders"},
            "orders|placed",
            "arn:aws:events:eu-west-1:123456789012:rule/orders/placed",
        ),
        ("AWS::Events::Rule", {"Name": "placed"}, "placed", "arn:aws:events:eu-west-1:123456789012:rule/placed"),
        (
            "AWS::Lambda::Alias",
            {"Name": "live", "FunctionName": "relay"},
            "arn:aws:lambda:eu-west-1:123456789012:function:relay:live",
            "arn:aws:lambda:eu-west-1:123456789012:function:relay:live",
        ),
        (
            "AWS::IAM::Role",
            {"RoleName": "relay", "Path": "/service/"},
            "relay",
            "arn:aws:iam::123456789012:role/service/relay",
        ),
        (
            "AWS::StepFunctions::StateMachine",
            {"StateMachineName": "ship"},
            "arn:aws:states:eu-west-1:123456789012:stateMachine:ship",
            "arn:aws:states:eu-west-1:123456789012:stateMachine:ship",
        ),
        (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {"ResourceId": "table/T", "ScalableDimension": "dynamodb:table:X", "ServiceNamespace": "dynamodb"},
            "table/T|dynamodb:table:X|dynamodb",
            None,
        ),
    ],
)
def test_explicit_name_is_honoured(resource_type: str, properties: dict[str, Any], ref: str, arn: str | None) -> None:
    """Ref and ARN are made of the explicit name as AWS makes them."""
    names = identified(resource_type, **properties)

    assert (names.physical_id, names.arn) == (ref, arn)


def test_stream_has_a_fixed_label() -> None:
    """A stream's ARN ends in the label given, and there is none without a stream."""
    table = identified("AWS::DynamoDB::Table", TableName="Orders", StreamSpecification={"StreamViewType": "KEYS_ONLY"})

    expected = "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000"
    assert table.attributes["StreamArn"] == expected
    assert "StreamArn" not in identified("AWS::DynamoDB::Table", TableName="Orders").attributes


def test_api_id_looks_like_one() -> None:
    """An API's id is ten lower-case letters and digits."""
    api_id = identified("AWS::ApiGatewayV2::Api", Name="Orders").physical_id

    assert len(api_id) == 10
    assert api_id.isalnum()
    assert api_id == api_id.lower()


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("AWS::Lambda::Function", {}),
        ("AWS::IAM::Role", {}),
        ("AWS::Events::Rule", {}),
        ("AWS::S3::Bucket", {}),
        ("AWS::SQS::Queue", {"FifoQueue": True}),
    ],
)
def test_long_name_is_cut(resource_type: str, properties: dict[str, Any]) -> None:
    """A made-up name is never longer than its type allows, and keeps its suffix."""
    name = identified(resource_type, logical_id="L" * 200, stack="S" * 120, **properties).name

    assert len(name) <= IDENTITIES[resource_type].longest_name
    assert name.endswith(".fifo") == bool(properties)
    assert name.lower().startswith("sss")


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("relay", "relay"),
        ("relay:live", "relay"),
        ("123456789012:function:relay:live", "relay"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:relay:live", "relay"),
        ("arn:aws:events:eu-west-1:123456789012:event-bus/orders", "orders"),
        ("arn:aws:sns:eu-west-1:123456789012:news", "news"),
    ],
)
def test_last_segment_is_the_name(identifier: str, name: str) -> None:
    """A name is found at the end of whatever identifies the resource."""
    assert last_segment(identifier) == name


def test_names_needed_are_few() -> None:
    """Only the properties that names depend on are resolved early."""
    assert names_needed(IDENTITIES["AWS::Events::Rule"]) == ("Name", "EventBusName")
