from collections.abc import Callable

from effects.order_item import placed_item, stored_order, version_of
from orders.order import Kind, Line, Order, Status


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
