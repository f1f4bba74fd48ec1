"""A full, small picture of an order at one version: what events, the read model and the API's answers carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from orders.money import money_text
from orders.order import Kind, Status

_T = TypeVar("_T", str, int)


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
    total = _optional(document, "total", str)
    return Snapshot(
        order_id=_member(document, "orderId", str),
        version=_member(document, "version", int),
        status=Status(document["status"]),
        kind=Kind(document["kind"]),
        customer_id=_optional(document, "customerId", str),
        customer_kind=_optional(document, "customerKind", str),
        country=_member(document, "country", str),
        placed_at=_member(document, "placedAt", str),
        total=None if total is None else Decimal(total),
        item_count=_optional(document, "itemCount", int),
        distinct_products=_optional(document, "distinctProducts", int),
        reason=_optional(document, "reason", str),
    )


def _member(document: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    value = document[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} is not of type {kind.__name__}")
    return value


def _optional(document: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    return _member(document, name, kind) if name in document else None
