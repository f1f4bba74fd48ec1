"""The chain from the Orders table back to it ends: no write may bring about what set it off."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

from effects.orders_table import OrdersTable
from orders.change import OrderChanged
from orders.judgement import judge
from orders.order import Kind, Line, Order, Status
from orders.snapshot import Snapshot
from orders.stored_order import StoredOrder
from tests.stacks.synthesized import Synthesized

Step = tuple[str, str]
"""From one status of an order to another."""


class Recorder:
    """A DynamoDB client that keeps what it is asked to update."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []

    def update_item(self, **request: Any) -> None:
        self.updates.append(request)


def snapshot(status: Status) -> Snapshot:
    """An order that has come so far."""
    return Snapshot(order_id="1", version=1, status=status, kind=Kind.ORDER, country="France", placed_at="2010-12-01")


def steps_of_enrich() -> Iterator[Step]:
    """What `enrich` writes: whatever is judged, under the condition that the order is where it was read."""
    for price in (Decimal(1), Decimal(0), Decimal(-1)):
        line = Line(stock_code="A", description="", quantity=1, unit_price=price, invoiced_at="2010-12-01")
        order = Order(order_id="1", customer_id=None, country="France", lines=(line,))
        recorder = Recorder()
        table = OrdersTable(client=cast(Any, recorder), name="Orders")
        table.conclude(StoredOrder(order=order, snapshot=snapshot(Status.PLACED)), judge(order), payment_id=None)
        (update,) = recorder.updates
        values = update["ExpressionAttributeValues"]
        assert update["ConditionExpression"].startswith("#status = :placed AND ")
        yield values[":placed"]["S"], values[":status"]["S"]


def steps_of_fulfilment(stage: Synthesized) -> Iterator[Step]:
    """What the state machine writes: every update that it can make, under its condition."""
    parts = stage.only("AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"][1]
    states = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))["States"]
    for state in states.values():
        if state.get("Resource", "").endswith(":dynamodb:updateItem"):
            parameters = state["Parameters"]
            values = parameters["ExpressionAttributeValues"]
            assert parameters["ConditionExpression"].startswith("#status = :from AND ")
            yield values[":from"]["S"], values[":to"]["S"]


def started_by(stage: Synthesized, consumer: str) -> set[str]:
    """The statuses whose events a consumer's rule lets through."""
    asked = stage.only("AWS::Events::Rule", consumer)["EventPattern"]["detail-type"]
    return {status for status in Status if OrderChanged(event_id="1", snapshot=snapshot(status)).name in asked}


def writers(stage: Synthesized) -> set[str]:
    """The consumers of the bus that may write to the Orders table, by what the check found and suppressed."""
    return {
        logical_id
        for logical_id, resource in stage.pipeline["Resources"].items()
        for each in resource.get("Metadata", {}).get("penstock", {}).get("suppress", [])
        if each["rule"] == "PS502"
    }


def test_every_write_takes_an_order_forward_for_good(stage: Synthesized) -> None:
    """From no status does a chain of conditional writes lead back to it, so each order ends after at most three."""
    steps = {*steps_of_enrich(), *steps_of_fulfilment(stage)}

    order = list(Status)
    assert steps == {("PLACED", "ACCEPTED"), ("PLACED", "REJECTED"), ("ACCEPTED", "PACKED"), ("PACKED", "SHIPPED")}
    assert all(order.index(Status(before)) < order.index(Status(after)) for before, after in steps)


def test_a_consumer_is_set_off_by_no_status_that_it_writes(stage: Synthesized) -> None:
    """What enrich and the fulfilment write sets off another, or nobody."""
    assert started_by(stage, "Enrich") == {"PLACED"}
    assert started_by(stage, "Fulfilment") == {"ACCEPTED"}
    assert {after for _, after in steps_of_enrich()} == {"ACCEPTED", "REJECTED"}
    assert {after for _, after in steps_of_fulfilment(stage)} == {"PACKED", "SHIPPED"}


def test_these_are_all_that_write_back(stage: Synthesized) -> None:
    """A new consumer that writes to the table it hears of needs its own reason, and its own line here."""
    assert sorted(name[:6] for name in writers(stage)) == ["Enrich", "Fulfil"]
