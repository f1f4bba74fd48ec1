import json
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

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
def function(tables: Any, fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment, over an empty read model."""
    return fresh("replicate")


@pytest.fixture
def replicate(function: ModuleType, context: Any, queue_event: Callable[..., Any]) -> Replicate:
    """Hand details or bodies to the function and give the messages it reports."""

    def hand_over(*details: dict[str, Any] | str) -> list[str]:
        answer = function.lambda_handler(queue_event(*details), context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return hand_over


def _calls(function: ModuleType, monkeypatch: pytest.MonkeyPatch, failing: str = "") -> list[str]:
    """Record the orders of the updates; those of one order fail."""
    calls: list[str] = []
    update = function.rows.client.update_item

    def update_item(**request: Any) -> Any:
        order_id = request["Key"]["order_id"]["S"]
        calls.append(order_id)
        if order_id == failing:
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "UpdateItem")
        return update(**request)

    monkeypatch.setattr(function.rows.client, "update_item", update_item)
    return calls


def test_row_holds_the_snapshot(replicate: Replicate, tables: Any) -> None:
    """A row is a snapshot without lines, reason or payment."""
    assert replicate(detail()) == []

    assert tables.items("CustomerOrders") == [
        {
            "customer_id": "17850",
            "order_id": "536365",
            "version": 2,
            "status": "ACCEPTED",
            "kind": "order",
            "total": Decimal("139.12"),
            "item_count": 40,
            "distinct_products": 7,
            "country": "United Kingdom",
            "placed_at": "2010-12-01T08:26:00",
        }
    ]


def test_same_batch_twice_has_one_effect(replicate: Replicate, tables: Any) -> None:
    """A repeated batch changes nothing."""
    assert replicate(detail(2), detail(3)) == []
    before = tables.items("CustomerOrders")

    assert replicate(detail(2), detail(3)) == []
    assert tables.items("CustomerOrders") == before


@pytest.mark.parametrize("versions", [(2, 3, 4), (4, 3, 2), (3, 4, 2), (4, 4, 2)])
def test_newest_version_wins_in_any_sequence(replicate: Replicate, tables: Any, versions: tuple[int, ...]) -> None:
    """Within a batch and across batches the row ends at the newest version."""
    replicate(*map(detail, versions))
    assert [row["status"] for row in tables.items("CustomerOrders")] == ["SHIPPED"]

    for version in versions:
        assert replicate(detail(version)) == []
    assert [row["version"] for row in tables.items("CustomerOrders")] == [4]


def test_batch_is_folded_to_one_call_an_order(
    function: ModuleType, replicate: Replicate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three messages of an order cost one update."""
    calls = _calls(function, monkeypatch)
    replicate(detail(2), detail(3), detail(4), detail(2, "536366"))

    assert calls == ["536365", "536366"]


def test_failed_order_returns_all_its_messages(
    function: ModuleType, replicate: Replicate, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message of a failed order is lost in the fold, and other orders are done."""
    _calls(function, monkeypatch, failing="536365")

    assert replicate(detail(2), detail(2, "536366"), detail(3)) == ["m1", "m3"]
    assert [row["order_id"] for row in tables.items("CustomerOrders")] == ["536366"]


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
        json.dumps({"detail": {name: value for name, value in detail().items() if name != "customerId"}}),
    ],
)
def test_poison_message_fails_alone(replicate: Replicate, tables: Any, body: str) -> None:
    """What cannot be read, or has no place in the read model, goes back to its queue; its neighbour is done."""
    assert replicate(body, detail(2, "536366")) == ["m1"]
    assert [row["order_id"] for row in tables.items("CustomerOrders")] == ["536366"]
