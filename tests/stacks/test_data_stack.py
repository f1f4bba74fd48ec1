"""The tables: keys, stream, time to live, and what the stage decides."""

import json
from dataclasses import replace
from typing import Any

from stacks.settings import DEV
from stacks.table_settings import Autoscaled, Provisioned
from tests.stacks.synthesized import Synthesize, Synthesized


def keys_of(table: dict[str, Any]) -> dict[str, str]:
    """The key of a table: kind → attribute."""
    return {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}


def test_tables_have_their_keys(stage: Synthesized) -> None:
    """Each table has the keys that the functions read and write by."""
    tables = stage.resources("AWS::DynamoDB::Table")

    assert {name[: name.index("Table")]: keys_of(table) for name, table in tables.items()} == {
        "Orders": {"HASH": "order_id"},
        "CustomerOrders": {"HASH": "customer_id", "RANGE": "order_id"},
        "Statistics": {"HASH": "day", "RANGE": "window"},
        "Idempotency": {"HASH": "id"},
    }


def test_only_orders_has_a_stream_with_both_images(stage: Synthesized) -> None:
    """The Orders table, and no other, streams old and new images."""
    streams = {
        name: table["StreamSpecification"]
        for name, table in stage.resources("AWS::DynamoDB::Table").items()
        if "StreamSpecification" in table
    }

    assert [name.startswith("OrdersTable") for name in streams] == [True]
    assert next(iter(streams.values())) == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_only_idempotency_records_expire(stage: Synthesized) -> None:
    """The idempotency table forgets by the attribute that Powertools writes; nothing else forgets."""
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in stage.resources("AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }

    assert [name.startswith("IdempotencyTable") for name in expiring] == [True]
    assert next(iter(expiring.values())) == {"AttributeName": "expiration", "Enabled": True}


def test_prod_keeps_its_tables(prod: Synthesized) -> None:
    """In prod a table is retained, protected and recoverable for 35 days."""
    for resource in prod.data["Resources"].values():
        recovery = resource["Properties"]["PointInTimeRecoverySpecification"]

        assert resource["DeletionPolicy"] == "Retain"
        assert resource["UpdateReplacePolicy"] == "Retain"
        assert resource["Properties"]["DeletionProtectionEnabled"] is True
        assert recovery == {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}


def test_dev_leaves_nothing_behind(dev: Synthesized) -> None:
    """In dev a table goes with its stack and bills nothing when idle."""
    for resource in dev.data["Resources"].values():
        assert resource["DeletionPolicy"] == "Delete"
        assert resource["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_capacity_is_each_tables_own(stage: Synthesized) -> None:
    """On demand, each table has a maximum of its own and nothing to scale."""
    tables = stage.resources("AWS::DynamoDB::Table")
    maxima = {name: table["OnDemandThroughput"] for name, table in tables.items()}

    assert all(set(maximum) == {"MaxReadRequestUnits", "MaxWriteRequestUnits"} for maximum in maxima.values())
    assert len({json.dumps(maximum) for maximum in maxima.values()}) > 1
    assert not [table for table in tables.values() if "ProvisionedThroughput" in table]
    assert stage.resources("AWS::ApplicationAutoScaling::ScalableTarget") == {}


def test_one_table_may_be_provisioned_and_scale(synthesize: Synthesize) -> None:
    """A table with provisioned capacity scales reads and writes between its limits; the others stay as they are."""
    capacity = Provisioned(
        read=Autoscaled(min_capacity=2, max_capacity=20, target_utilization_percent=70),
        write=Autoscaled(min_capacity=5, max_capacity=500, target_utilization_percent=60),
    )
    synthesized = synthesize(replace(DEV, tables=replace(DEV.tables, orders=capacity)))
    tables = synthesized.resources("AWS::DynamoDB::Table")
    orders = synthesized.only("AWS::DynamoDB::Table", "Orders")
    targets = synthesized.resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    policies = synthesized.resources("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert orders["ProvisionedThroughput"] == {"ReadCapacityUnits": 2, "WriteCapacityUnits": 5}
    assert "OnDemandThroughput" not in orders
    assert [table.get("BillingMode") for table in tables.values()].count("PAY_PER_REQUEST") == 3
    assert {(t["ScalableDimension"], t["MinCapacity"], t["MaxCapacity"]) for t in targets} == {
        ("dynamodb:table:ReadCapacityUnits", 2, 20),
        ("dynamodb:table:WriteCapacityUnits", 5, 500),
    }
    assert {p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for p in policies} == {70, 60}


def test_logical_ids_of_the_tables_are_pinned(stage: Synthesized) -> None:
    """A table under another logical id is a new and empty one: the old one is deleted or, retained, left behind.

    They follow from the construct ids, so whoever renames or moves a construct learns of it here, not when deploying.
    """
    assert sorted(stage.resources("AWS::DynamoDB::Table")) == [
        "CustomerOrdersTable61EF8899",
        "IdempotencyTable48612DF4",
        "OrdersTable1F8332C7",
        "StatisticsTable770A2366",
    ]


def test_names_of_the_tables_are_outputs(stage: Synthesized) -> None:
    """A caller finds the tables by the outputs of the data stack."""
    assert {"OrdersTableName", "CustomerOrdersTableName", "StatisticsTableName"} <= set(stage.data["Outputs"])
