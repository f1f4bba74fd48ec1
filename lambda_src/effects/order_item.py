"""An order as a DynamoDB item: the one place that knows the attributes of the Orders table and of its stream images.

Items stay in DynamoDB's typed form (`{"S": …}`): stream records come in it, the low-level client takes it, and
what is not needed of an image, above all its lines, is never deserialized.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from orders.money import number_text
from orders.order import Kind, Line, Order, Status
from orders.snapshot import Snapshot
from orders.stored_order import StoredOrder

Item = Mapping[str, Mapping[str, Any]]


def placed_item(order: Order) -> dict[str, dict[str, Any]]:
    """Write an order as it is first put: PLACED, version 1."""
    customer = {} if order.customer_id is None else {"customer_id": {"S": order.customer_id}}
    return {
        "order_id": {"S": order.order_id},
        "status": {"S": Status.PLACED.value},
        "version": {"N": "1"},
        "kind": {"S": order.kind.value},
        **customer,
        "country": {"S": order.country},
        "placed_at": {"S": order.placed_at},
        "content_hash": {"S": order.content_hash},
        "lines": {"L": [{"M": _line_attributes(line)} for line in order.lines]},
    }


def stored_order(item: Item) -> StoredOrder:
    """Read a whole item. Raises KeyError, ValueError or ArithmeticError when it is not an order."""
    snapshot = snapshot_of(item)
    order = Order(
        order_id=snapshot.order_id,
        customer_id=snapshot.customer_id,
        country=snapshot.country,
        lines=tuple(_line(entry["M"]) for entry in item["lines"]["L"]),
    )
    return StoredOrder(order=order, snapshot=snapshot, payment_id=_text(item, "payment_id"))


def snapshot_of(item: Item) -> Snapshot:
    """Read an item or a stream image but for its lines; raises like `stored_order`."""
    total = item.get("total")
    return Snapshot(
        order_id=item["order_id"]["S"],
        version=int(item["version"]["N"]),
        status=Status(item["status"]["S"]),
        kind=Kind(item["kind"]["S"]),
        customer_id=_text(item, "customer_id"),
        customer_kind=_text(item, "customer_kind"),
        country=item["country"]["S"],
        placed_at=item["placed_at"]["S"],
        total=None if total is None else Decimal(total["N"]),
        item_count=_count(item, "item_count"),
        distinct_products=_count(item, "distinct_products"),
        reason=_text(item, "reason"),
    )


def version_of(item: Item | None) -> int | None:
    """Read the version of an old image; None where there is no image or no version in it."""
    return _count(item, "version") if item else None


def _line_attributes(line: Line) -> dict[str, dict[str, str]]:
    description = {"description": {"S": line.description}} if line.description else {}
    return {
        "stock_code": {"S": line.stock_code},
        **description,
        "quantity": {"N": str(line.quantity)},
        "unit_price": {"N": number_text(line.unit_price)},
        "invoiced_at": {"S": line.invoiced_at},
    }


def _line(attributes: Item) -> Line:
    return Line(
        stock_code=attributes["stock_code"]["S"],
        description=_text(attributes, "description") or "",
        quantity=int(attributes["quantity"]["N"]),
        unit_price=Decimal(attributes["unit_price"]["N"]),
        invoiced_at=attributes["invoiced_at"]["S"],
    )


def _text(item: Item, name: str) -> str | None:
    attribute = item.get(name)
    return None if attribute is None else attribute["S"]


def _count(item: Item, name: str) -> int | None:
    attribute = item.get(name)
    return None if attribute is None else int(attribute["N"])
