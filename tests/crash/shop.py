"""The orders of the histories, at each version, written down by hand: as items, as documents of events, as rows.

Orders 100 and 200 are accepted, packed and shipped, C300 is a return and accepted, 400 is rejected.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from orders.order import Line, Order

STATUSES = {1: "PLACED", 2: "ACCEPTED", 3: "PACKED", 4: "SHIPPED"}
TOTALS = {"100": "7.50", "200": "15.00", "C300": "-3.75", "400": "0.00"}
QUANTITIES = {"100": 2, "200": 4, "C300": -1, "400": 3}
PLACED_AT = "2010-12-01T08:26:00"


def status(order_id: str, version: int) -> str:
    """Give the status of an order at a version."""
    return "REJECTED" if (order_id, version) == ("400", 2) else STATUSES[version]


def kind(order_id: str) -> str:
    """Tell a return from an order."""
    return "return" if order_id.startswith("C") else "order"


def order(order_id: str) -> Order:
    """Give what was placed: one line at 3.75, or at nothing."""
    price = Decimal("0" if order_id == "400" else "3.75")
    line = Line(
        stock_code="22728",
        description="",
        quantity=QUANTITIES[order_id],
        unit_price=price,
        invoiced_at=PLACED_AT,
    )
    return Order(order_id=order_id, customer_id="17850", country="France", lines=(line,))


def request(order_id: str, **members: Any) -> dict[str, Any]:
    """Write an order as a customer sends it."""
    [line] = order(order_id).lines
    sent = {"stockCode": "22728", "quantity": line.quantity, "unitPrice": str(line.unit_price), "invoicedAt": PLACED_AT}
    return {"orderId": order_id, "customerId": "17850", "country": "France", "lines": [sent]} | members


def document(order_id: str, version: int) -> dict[str, Any]:
    """Write an order at a version as an event's detail has it."""
    placed = {
        "orderId": order_id,
        "version": version,
        "status": status(order_id, version),
        "kind": kind(order_id),
        "customerId": "17850",
        "country": "France",
        "placedAt": PLACED_AT,
    }
    if version == 1:
        return placed
    judged = {
        "customerKind": "registered",
        "total": TOTALS[order_id],
        "itemCount": QUANTITIES[order_id],
        "distinctProducts": 1,
    }
    return placed | judged | ({"reason": "no-value"} if order_id == "400" else {})


def number(text: str) -> dict[str, str]:
    """Write a number as DynamoDB gives it back."""
    normal = Decimal(text).normalize()
    return {"N": f"{normal:f}" if normal else "0"}


def item(order_id: str, version: int) -> dict[str, Any]:
    """Write an order at a version as the Orders table holds it."""
    price = "0" if order_id == "400" else "3.75"
    line = {
        "stock_code": {"S": "22728"},
        "quantity": number(str(QUANTITIES[order_id])),
        "unit_price": number(price),
        "invoiced_at": {"S": PLACED_AT},
    }
    placed = {
        "order_id": {"S": order_id},
        "status": {"S": status(order_id, version)},
        "version": {"N": str(version)},
        "kind": {"S": kind(order_id)},
        "customer_id": {"S": "17850"},
        "country": {"S": "France"},
        "placed_at": {"S": PLACED_AT},
        "content_hash": {"S": order(order_id).content_hash},
        "lines": {"L": [{"M": line}]},
    }
    if version == 1:
        return placed
    judged = {
        "customer_kind": {"S": "registered"},
        "total": number(TOTALS[order_id]),
        "item_count": number(str(QUANTITIES[order_id])),
        "distinct_products": {"N": "1"},
    }
    reason = {"reason": {"S": "no-value"}} if order_id == "400" else {}
    is_paid = order_id in ("100", "200")
    return placed | judged | reason | ({"payment_id": {"S": f"pay_{order_id}"}} if is_paid else {})


def row(order_id: str, version: int) -> dict[str, Any]:
    """Write an order at a version as the read model holds it."""
    whole = item(order_id, version)
    left_out = {"content_hash", "lines", "customer_kind", "reason", "payment_id"}
    return {name: value for name, value in whole.items() if name not in left_out}


def event_id(order_id: str, version: int) -> str:
    """Name the change that led to a version."""
    return f"event-{order_id}-{version}"


def body(order_id: str, version: int) -> str:
    """Write the body of a queue's message about a change."""
    return json.dumps({"detail": {"eventId": event_id(order_id, version)} | document(order_id, version)})
