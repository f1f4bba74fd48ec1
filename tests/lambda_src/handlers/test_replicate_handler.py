import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from effects.customer_orders_table import row_of
from effects.item_size import item_size_bytes
from effects.patience import RESERVE_MS
from orders.judgement import CustomerKind
from orders.snapshot import snapshot_from
from tests.lambda_src.effects.statement_table import StatementTable

Replicate = Callable[..., list[str]]


def detail(version: int = 2, order_id: str = "536365", **more: Any) -> dict[str, Any]:
    """The detail of an event of an accepted order at a version."""
    return {
        "eventId": f"{order_id}-{version}",
        "orderId": order_id,
        "version": version,
        "status": {2: "ACCEPTED", 3: "PACKED", 4: "SHIPPED"}[version],
        "kind": "order",
        "customerId": "17850",
        "customerKind": "registered",
        "country": "United Kingdom",
        "placedAt": "2010-12-01T08:26:00",
        "total": "139.12",
        "itemCount": 40,
        "distinctProducts": 7,
    } | more


@pytest.fixture
def function(fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment."""
    return fresh("replicate")


@pytest.fixture
def table(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> StatementTable:
    """An empty read model, in place of moto's, which throttles nobody and counts nothing."""
    table = StatementTable("customer_id", "order_id")
    monkeypatch.setattr(function.table.client, "batch_execute_statement", table.batch_execute_statement)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return table


@pytest.fixture
def replicate(function: ModuleType, table: StatementTable, context: Any, queue_event: Callable[..., Any]) -> Replicate:
    """Hand details or bodies to the function and give the messages it reports."""

    def hand_over(*details: dict[str, Any] | str) -> list[str]:
        answer = function.lambda_handler(queue_event(*details), context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return hand_over


def versions(table: StatementTable) -> dict[str, int]:
    """Where the orders of the read model have come to."""
    return {order_id: int(row["version"]["N"]) for (_, order_id), row in table.rows.items()}


def test_row_holds_the_snapshot(replicate: Replicate, table: StatementTable) -> None:
    """A row is a snapshot without lines, reason or payment."""
    assert replicate(detail()) == []

    assert list(table.rows.values()) == [
        {
            "customer_id": {"S": "17850"},
            "order_id": {"S": "536365"},
            "version": {"N": "2"},
            "status": {"S": "ACCEPTED"},
            "kind": {"S": "order"},
            "total": {"N": "139.12"},
            "item_count": {"N": "40"},
            "distinct_products": {"N": "7"},
            "country": {"S": "United Kingdom"},
            "placed_at": {"S": "2010-12-01T08:26:00"},
        }
    ]


def test_largest_row_costs_one_write_unit() -> None:
    """The longest values that the API takes stay under 1 KB."""
    largest = detail(
        order_id="C" * 64,
        customerId="9" * 64,
        country="\U0001f3f4" * 100,
        placedAt="2010-12-01T08:26:00.123456",
        total="1" * 38,
        itemCount=-(10**15),
        distinctProducts=10**5,
    )
    row = row_of(snapshot_from(largest))
    customer_id, order_id = row.key
    item = {"customer_id": {"S": customer_id}, "order_id": {"S": order_id}, "version": {"N": "4"}, **row.attributes}

    assert item_size_bytes(item) < 1_024


def test_same_batch_twice_has_one_effect(replicate: Replicate, table: StatementTable) -> None:
    """A repeated batch changes nothing."""
    assert replicate(detail(2), detail(3)) == []
    before = dict(table.rows)

    assert replicate(detail(2), detail(3)) == []
    assert table.rows == before


@pytest.mark.parametrize("sequence", [(2, 3, 4), (4, 3, 2), (3, 4, 2), (4, 4, 2)])
def test_newest_version_wins_in_any_sequence(
    replicate: Replicate, table: StatementTable, sequence: tuple[int, ...]
) -> None:
    """Within a batch and across batches the row ends at the newest version."""
    replicate(*map(detail, sequence))
    assert versions(table) == {"536365": 4}

    for version in sequence:
        assert replicate(detail(version)) == []
    assert versions(table) == {"536365": 4}


def test_full_batch_of_new_and_then_of_known_orders_costs_the_least(
    replicate: Replicate, table: StatementTable
) -> None:
    """An order enters with OrderAccepted, so either batch of 1,000 takes 40 calls and 1,000 units."""
    for version in (2, 3):
        replicate(*(detail(version, f"{number}") for number in range(1_000)))

        assert (len(table.calls), table.units) == (40, 1_000)
        table.calls.clear()
        table.units = 0


def test_failed_order_returns_all_its_messages(replicate: Replicate, table: StatementTable) -> None:
    """No message of a failed order is lost in the fold, and other orders are done."""
    table.fault = lambda _, key: "AccessDenied" if key[1] == "536365" else None

    assert replicate(detail(2), detail(2, "536366"), detail(3)) == ["m1", "m3"]
    assert versions(table) == {"536366": 2}


def test_throttled_order_is_tried_again_in_the_same_invocation(replicate: Replicate, table: StatementTable) -> None:
    """A message goes back to its queue only when trying again did not help."""
    table.fault = lambda _, key: "ThrottlingError" if key[1] == "536365" and len(table.calls) < 3 else None

    assert replicate(detail(2), detail(2, "536366")) == []
    assert versions(table) == {"536365": 2, "536366": 2}


def test_messages_come_back_when_time_is_running_out(replicate: Replicate, table: StatementTable, context: Any) -> None:
    """A timeout would bring back what is done as well."""
    context.remaining_ms = RESERVE_MS - 1

    assert replicate(detail(2), detail(2, "536366")) == ["m1", "m2"]


def test_table_that_cannot_be_reached_returns_every_message(replicate: Replicate, table: StatementTable) -> None:
    """As an answer, not as an error of the function."""

    def fail() -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "BatchExecuteStatement")

    table.meanwhile = fail

    assert replicate(detail(2), detail(2, "536366")) == ["m1", "m2"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "null",
        '{"detail": {}}',
        '{"detail": []}',
        json.dumps({"detail": detail(total="much")}),
        json.dumps({"detail": detail(total={})}),
        json.dumps({"detail": detail(orderId={})}),
        json.dumps({"detail": detail(orderId="")}),
        json.dumps({"detail": {name: value for name, value in detail().items() if name != "customerId"}}),
    ],
)
def test_poison_message_fails_alone(replicate: Replicate, table: StatementTable, body: str) -> None:
    """What cannot be read, or has no place in the read model, goes back to its queue; its neighbour is done."""
    assert replicate(body, detail(2, "536366")) == ["m1"]
    assert versions(table) == {"536366": 2}


def test_tombstone_is_not_listed(tables: Any, function: ModuleType) -> None:
    """A reader passes over a row that holds nothing but its key and version."""
    row = row_of(snapshot_from(detail()))
    item = {"customer_id": {"S": "17850"}, "order_id": {"S": "536365"}, "version": {"N": "2"}, **row.attributes}
    tombstone = {"customer_id": {"S": "17850"}, "order_id": {"S": "536366"}, "version": {"N": "9"}}
    for each in (item, tombstone):
        tables.client.put_item(TableName="CustomerOrders", Item=each)
    [snapshot] = function.table.page("17850", limit=10, after_order_id=None).snapshots

    assert (snapshot.order_id, snapshot.customer_kind) == ("536365", CustomerKind.REGISTERED)
