"""The tables: keys, stream, time to live, and what the stage decides."""

from dataclasses import replace
from typing import Any

from stacks.settings import DEV
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


def test_provisioned_capacity_scales(synthesize: Synthesize) -> None:
    """With provisioned capacity every table scales reads and writes between the limits."""
    settings = replace(
        DEV,
        capacity_mode="provisioned",
        min_capacity_units=2,
        max_capacity_units=20,
        target_utilization_percent=70,
    )
    synthesized = synthesize(settings)

    targets = synthesized.resources("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert len(targets) == 8
    assert {(target["MinCapacity"], target["MaxCapacity"]) for target in targets} == {(2, 20)}
    assert len(synthesized.resources("AWS::ApplicationAutoScaling::ScalingPolicy")) == 8


def test_names_of_the_tables_are_outputs(stage: Synthesized) -> None:
    """A caller finds the tables by the outputs of the data stack."""
    assert {"OrdersTableName", "CustomerOrdersTableName", "StatisticsTableName"} <= set(stage.data["Outputs"])
