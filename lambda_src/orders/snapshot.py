"""A full, small picture of an order at one version: what events, the read model and the API's answers carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orders.money import money_text
from orders.order import Kind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An order at one version, without its lines; what enrichment adds is None while the order is PLACED."""

    order_id: str
    version: int
    status: Status
    kind: Kind
    country: str
    placed_at: str
    customer_id: str | None = None
    customer_kind: str | None = None
    total: Decimal | None = None
    item_count: int | None = None
    distinct_products: int | None = None
    reason: str | None = None

    def document(self) -> dict[str, Any]:
        """Write the snapshot as JSON in camel case: money as decimal string, members without a value left out."""
        members = {
            "orderId": self.order_id,
            "version": self.version,
            "status": self.status.value,
            "kind": self.kind.value,
            "customerId": self.customer_id,
            "customerKind": self.customer_kind,
            "country": self.country,
            "placedAt": self.placed_at,
            "total": None if self.total is None else money_text(self.total),
            "itemCount": self.item_count,
            "distinctProducts": self.distinct_products,
            "reason": self.reason,
        }
        return {name: value for name, value in members.items() if value is not None}


def snapshot_from(document: Mapping[str, Any]) -> Snapshot:
    """Read what `Snapshot.document` wrote; other members are ignored.

    Raises KeyError, TypeError, ValueError or ArithmeticError when the document is not one.
    """
    order_id = document["orderId"]
    total = document.get("total")
    return Snapshot(
        order_id=order_id,
        version=int(document["version"]),
        status=Status(document["status"]),
        kind=Kind(document["kind"]),
        customer_id=document.get("customerId"),
        customer_kind=document.get("customerKind"),
        country=document["country"],
        placed_at=document["placedAt"],
        total=None if total is None else Decimal(total),
        item_count=document.get("itemCount"),
        distinct_products=document.get("distinctProducts"),
        reason=document.get("reason"),
    )


def newest_per_order(snapshots: list[Snapshot]) -> list[Snapshot]:
    """Fold snapshots to the newest of each order by version; orders stay in the sequence of their first snapshot."""
    newest: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        kept = newest.get(snapshot.order_id)
        if kept is None or kept.version < snapshot.version:
            newest[snapshot.order_id] = snapshot
    return list(newest.values())
