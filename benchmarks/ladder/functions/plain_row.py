"""The row of CustomerOrders as one would write it without a fence in mind; attributes are those of `replicate`."""

from typing import Any


def row(detail: dict[str, Any]) -> dict[str, Any]:
    """Write an event's detail as an item."""
    return {
        "customer_id": {"S": detail["customerId"]},
        "order_id": {"S": detail["orderId"]},
        "version": {"N": str(detail["version"])},
        "status": {"S": detail["status"]},
        "kind": {"S": detail["kind"]},
        "total": {"N": detail["total"]},
        "item_count": {"N": str(detail["itemCount"])},
        "distinct_products": {"N": str(detail["distinctProducts"])},
        "country": {"S": detail["country"]},
        "placed_at": {"S": detail["placedAt"]},
    }
