"""Tables as the engine holds them after provisioning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.cloud.engine import Engine
from penstock.errors import TemplateError
from penstock.template.models import Template

STRING_KEY = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}


def table(resource_type: str = "AWS::DynamoDB::Table", **properties: Any) -> dict[str, Any]:
    """Make a table with a string key."""
    given = {"TableName": "Orders", "BillingMode": "PAY_PER_REQUEST", **STRING_KEY, **properties}
    return {"Table": {"Type": resource_type, "Properties": given}}


def test_table_has_the_name_and_keys_of_the_template(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A table is found under the template's name and ARN, with its keys and indexes."""
    index = {
        "IndexName": "by-day",
        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [*STRING_KEY["AttributeDefinitions"], {"AttributeName": "day", "AttributeType": "S"}]
    template = provisioned(table(GlobalSecondaryIndexes=[index], AttributeDefinitions=attributes))

    told = engine.call("dynamodb", "DescribeTable", {"TableName": "Orders"})["Table"]

    assert told["TableArn"] == template.tables[0].arn
    assert told["KeySchema"] == STRING_KEY["KeySchema"]
    assert [index["IndexName"] for index in told["GlobalSecondaryIndexes"]] == ["by-day"]


@pytest.mark.parametrize("resource_type", ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"])
def test_stream_has_the_arn_of_the_template(
    engine: Engine, provisioned: Callable[..., Template], resource_type: str
) -> None:
    """The stream is found under the ARN that the template computed, and its records can be read there."""
    template = provisioned(table(resource_type, StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"}))
    stream_arn = template.tables[0].stream_arn

    engine.call("dynamodb", "PutItem", {"TableName": "Orders", "Item": {"id": {"S": "1"}}})
    told = engine.call("dynamodbstreams", "ListStreams", {"TableName": "Orders"})["Streams"]
    described = engine.call("dynamodbstreams", "DescribeStream", {"StreamArn": stream_arn})["StreamDescription"]
    iterator = engine.call(
        "dynamodbstreams",
        "GetShardIterator",
        {
            "StreamArn": stream_arn,
            "ShardId": described["Shards"][0]["ShardId"],
            "ShardIteratorType": "TRIM_HORIZON",
        },
    )
    records = engine.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator["ShardIterator"]})["Records"]

    assert [stream["StreamArn"] for stream in told] == [stream_arn]
    assert described["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert [record["eventName"] for record in records] == ["INSERT"]


def test_table_expires_and_recovers_as_asked(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """Time to live, point-in-time recovery and deletion protection are switched on."""
    provisioned(
        table(
            TimeToLiveSpecification={"AttributeName": "expiration", "Enabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            DeletionProtectionEnabled=True,
        )
    )

    expiry = engine.call("dynamodb", "DescribeTimeToLive", {"TableName": "Orders"})["TimeToLiveDescription"]
    backups = engine.call("dynamodb", "DescribeContinuousBackups", {"TableName": "Orders"})
    told = engine.call("dynamodb", "DescribeTable", {"TableName": "Orders"})["Table"]

    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert told["DeletionProtectionEnabled"] is True


def test_provisioned_capacity_is_told(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A table with provisioned capacity says so, also when the template writes numbers as text."""
    provisioned(
        table(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": "5", "WriteCapacityUnits": 6})
    )

    told = engine.call("dynamodb", "DescribeTable", {"TableName": "Orders"})["Table"]["ProvisionedThroughput"]

    assert (told["ReadCapacityUnits"], told["WriteCapacityUnits"]) == (5, 6)


def test_replica_of_this_region_recovers(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A global table takes point-in-time recovery from the replica of this region."""
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    replicas = [{"Region": "eu-west-1"}, {"Region": {"Ref": "AWS::Region"}, **recovery}]
    provisioned(table("AWS::DynamoDB::GlobalTable", Replicas=replicas))

    backups = engine.call("dynamodb", "DescribeContinuousBackups", {"TableName": "Orders"})

    description = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert description["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"AttributeDefinitions": []}, "Table: dynamodb refuses CreateTable"),
        ({"AttributeDefinitions": "none"}, "Table: dynamodb refuses CreateTable: ValidationException"),
    ],
)
def test_fails_when_dynamodb_refuses_the_table(
    provisioned: Callable[..., Template], properties: dict[str, Any], said: str
) -> None:
    """What the service refuses is the template's fault, told with the logical id."""
    with pytest.raises(TemplateError, match=said):
        provisioned(table(**properties))
