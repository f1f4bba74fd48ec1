from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from effects.order_item import placed_item
from orders.order import Line, Order
from orders.payment import PaymentRequest

Enrich = Callable[..., list[str]]


class Provider:
    """A payment provider that remembers what it authorized, and can fail."""

    def __init__(self) -> None:
        self.authorized: list[PaymentRequest] = []
        self.down = False

    def authorize(self, request: PaymentRequest) -> str:
        """Authorize anything, unless it is down."""
        if self.down:
            raise ConnectionError("the provider cannot be reached")
        self.authorized.append(request)
        return f"pay_{request.order_id}"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The payment provider behind the port."""
    provider = Provider()
    monkeypatch.setattr(
        "effects.local_payments.LocalPayments.authorize", lambda _, request: provider.authorize(request)
    )
    return provider


@pytest.fixture
def function(tables: Any, provider: Provider, fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment, over empty tables."""
    return fresh("enrich")


@pytest.fixture
def enrich(function: ModuleType, context: Any, queue_event: Callable[..., Any]) -> Enrich:
    """Hand OrderPlaced events to the function and give the messages it reports."""

    def hand_over(*order_ids: str) -> list[str]:
        event = queue_event(*({"eventId": f"e{order_id}", "orderId": order_id} for order_id in order_ids))
        answer = function.lambda_handler(event, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return hand_over


@pytest.fixture
def place(tables: Any) -> Callable[[Order], None]:
    """Put an order into the table as the API does."""

    def put(order: Order) -> None:
        tables.client.put_item(TableName="Orders", Item=placed_item(order))

    return put


def _order(tables: Any) -> dict[str, Any]:
    [item] = tables.items("Orders")
    return dict(item)


def test_order_is_accepted_with_totals_and_payment(
    enrich: Enrich, tables: Any, place: Callable[[Order], None], order: Callable[..., Order], provider: Provider
) -> None:
    """The order is one version on, knows what it comes to, and was paid for."""
    place(order())

    assert enrich("536365") == []
    item = _order(tables)
    assert (item["status"], item["version"], item["customer_kind"]) == ("ACCEPTED", 2, "registered")
    assert (item["total"], item["item_count"], item["distinct_products"]) == (Decimal("15.3"), 6, 1)
    assert item["payment_id"] == "pay_536365"
    assert "reason" not in item
    assert provider.authorized == [PaymentRequest(order_id="536365", amount=Decimal("15.30"))]


def test_same_batch_twice_has_one_effect(
    enrich: Enrich, tables: Any, place: Callable[[Order], None], order: Callable[..., Order], provider: Provider
) -> None:
    """A repeated message finds the order judged and leaves it alone; so does one twice in a batch."""
    place(order())

    assert enrich("536365", "536365") == enrich("536365") == []
    assert _order(tables)["version"] == 2
    assert len(provider.authorized) == 1


def test_rejected_order_names_the_reason_and_is_not_paid(
    *,
    enrich: Enrich,
    tables: Any,
    place: Callable[[Order], None],
    order: Callable[..., Order],
    line: Callable[..., Line],
    provider: Provider,
) -> None:
    """A rejection is an outcome like any other, not a failure."""
    place(order(line(56, "0")))

    assert enrich("536365") == []
    item = _order(tables)
    assert (item["status"], item["reason"], item["total"]) == ("REJECTED", "no-value", 0)
    assert "payment_id" not in item
    assert provider.authorized == []


def test_return_of_a_guest_is_accepted_without_payment(
    *,
    enrich: Enrich,
    tables: Any,
    place: Callable[[Order], None],
    order: Callable[..., Order],
    line: Callable[..., Line],
    provider: Provider,
) -> None:
    """A return has negative totals and asks for no payment."""
    place(order(line(-1, "27.50"), order_id="C536379", customer_id=None))

    assert enrich("C536379") == []
    item = _order(tables)
    assert (item["status"], item["total"], item["customer_kind"]) == ("ACCEPTED", Decimal("-27.5"), "guest")
    assert provider.authorized == []
    assert tables.items("Idempotency") == []


def test_failed_payment_returns_its_message_only(
    enrich: Enrich, tables: Any, place: Callable[[Order], None], order: Callable[..., Order], provider: Provider
) -> None:
    """Neighbours are judged, and the order waits as PLACED for the retry, which succeeds."""
    place(order(order_id="A"))
    place(order(order_id="D"))
    tables.client.put_item(TableName="Orders", Item=placed_item(order(order_id="B")) | {"kind": {"S": "?"}})
    assert enrich("A", "B", "D") == ["m2"]
    tables.client.put_item(TableName="Orders", Item=placed_item(order(order_id="B")))
    provider.down = True
    assert enrich("A", "B") == ["m2"]
    provider.down = False

    assert enrich("B") == []
    assert [item["status"] for item in tables.items("Orders")] == ["ACCEPTED"] * 3
    assert [request.order_id for request in provider.authorized] == ["A", "D", "B"]


def test_crash_after_the_payment_does_not_pay_twice(
    *,
    enrich: Enrich,
    function: ModuleType,
    tables: Any,
    place: Callable[[Order], None],
    order: Callable[..., Order],
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The payment's idempotency record answers when the update has to be tried again."""
    place(order())
    with monkeypatch.context() as broken:
        broken.setattr("effects.orders_table.OrdersTable.conclude", _raise)
        assert enrich("536365") == ["m1"]

    assert enrich("536365") == []
    assert _order(tables)["payment_id"] == "pay_536365"
    assert len(provider.authorized) == 1


def _raise(*_: Any, **__: Any) -> Any:
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "UpdateItem")


def test_order_judged_elsewhere_meanwhile_is_done(
    enrich: Enrich, function: ModuleType, tables: Any, place: Callable[[Order], None], order: Callable[..., Order]
) -> None:
    """When another invocation was faster between read and update, the condition fails and the message is done."""
    place(order())
    placed = function.orders.read("536365")
    enrich("536365")

    from orders.judgement import judge

    assert function.orders.conclude(placed, judge(placed.order), payment_id="pay_other") is False
    assert _order(tables)["payment_id"] == "pay_536365"


def test_message_of_an_order_that_is_gone_is_done(enrich: Enrich) -> None:
    """There is nothing to judge, now or later."""
    assert enrich("536365") == []


@pytest.mark.parametrize("body", ["{", '{"detail": {}}', "[]", '{"detail": {"orderId": 536365}}'])
def test_poison_message_fails_alone(
    *,
    function: ModuleType,
    context: Any,
    queue_event: Callable[..., Any],
    place: Callable[[Order], None],
    order: Callable[..., Order],
    tables: Any,
    body: str,
) -> None:
    """A message that cannot be read goes back to its queue, its neighbour is judged."""
    place(order())
    answer = function.lambda_handler(queue_event(body, {"orderId": "536365"}), context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert _order(tables)["status"] == "ACCEPTED"


def test_local_payment_follows_from_the_order() -> None:
    """The stand-in gives the same order the same payment."""
    from effects.local_payments import LocalPayments

    request = PaymentRequest(order_id="536365", amount=Decimal("15.30"))
    same = PaymentRequest(order_id="536365", amount=Decimal("15.3"))

    assert LocalPayments().authorize(request) == LocalPayments().authorize(same)
