from collections.abc import Callable
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from effects.order_item import placed_item, snapshot_of, stored_order, version_of
from orders.money import number_text
from orders.order import Kind, Line, Order, Status

TEXT = st.text(max_size=12)
COUNT = st.integers(-(10**9), 10**9)
NUMBER = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1 - 10**38, 10**38 - 1), st.integers(0, 38)
)
"""What a DynamoDB number holds: 38 digits, wherever the point stands."""

ORDERS = st.builds(
    Order,
    order_id=TEXT,
    customer_id=st.none() | TEXT,
    country=TEXT,
    lines=st.lists(
        st.builds(Line, stock_code=TEXT, description=TEXT, quantity=COUNT, unit_price=NUMBER, invoiced_at=TEXT),
        min_size=1,
        max_size=4,
    ).map(tuple),
)
JUDGED = st.fixed_dictionaries(
    {},
    optional={
        "total": NUMBER.map(lambda number: {"N": number_text(number)}),
        "item_count": COUNT.map(lambda count: {"N": str(count)}),
        "distinct_products": COUNT.map(lambda count: {"N": str(count)}),
        "reason": TEXT.map(lambda text: {"S": text}),
        "customer_kind": TEXT.map(lambda text: {"S": text}),
        "payment_id": TEXT.map(lambda text: {"S": text}),
        "an_attribute_of_others": st.just({"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["1"]}]}),
    },
)


def alike(ours: Any, theirs: Any) -> bool:
    """Whether two values are equal and of one type; whole numbers are int here, where boto3 has one type for all."""
    return bool(ours == theirs) and type(ours) is (int if isinstance(ours, int) else type(theirs))


@given(order=ORDERS, judged=JUDGED)
def test_items_are_read_as_boto3_would(order: Order, judged: dict[str, Any]) -> None:
    """Reading DynamoDB's typed form gives the values and types of boto3's deserializer, which reads everything."""
    item = placed_item(order) | judged
    boto3s = TypeDeserializer().deserialize({"M": item})
    stored = stored_order(item)

    assert stored.snapshot == snapshot_of({name: value for name, value in item.items() if name != "lines"})
    for name in ("order_id", "version", "customer_id", "country", "placed_at", "total", "item_count"):
        assert alike(getattr(stored.snapshot, name), boto3s.get(name))
    for name in ("distinct_products", "reason", "customer_kind"):
        assert alike(getattr(stored.snapshot, name), boto3s.get(name))
    assert alike(stored.payment_id, boto3s.get("payment_id"))
    for line, theirs in zip(stored.order.lines, boto3s["lines"], strict=True):
        for name in ("stock_code", "quantity", "unit_price", "invoiced_at"):
            assert alike(getattr(line, name), theirs[name])
        assert alike(line.description, theirs.get("description", ""))


def test_order_survives_its_item(order: Callable[..., Order], line: Callable[..., Line]) -> None:
    """What was put is what is read, with or without customer and description."""
    placed = order(line(description="LANTERN"), line(-2, "0.001"), customer_id=None)
    stored = stored_order(placed_item(placed))

    assert stored.order == placed
    assert (stored.snapshot.version, stored.snapshot.status) == (1, Status.PLACED)


def test_item_says_what_streams_are_filtered_by(order: Callable[..., Order]) -> None:
    """Status, version and kind are attributes of their own, and the hash of the content is kept."""
    placed = order(order_id="C536379")
    item = placed_item(placed)

    assert (item["status"], item["version"], item["kind"]) == ({"S": "PLACED"}, {"N": "1"}, {"S": Kind.RETURN})
    assert item["content_hash"] == {"S": placed.content_hash}


def test_absent_image_has_no_version() -> None:
    """An insert has no old image, and so no version to compare with."""
    assert version_of(None) is None
    assert version_of({"order_id": {"S": "1"}}) is None
