"""An order as the Orders table holds it: what was placed and how far it has come."""

from dataclasses import dataclass
from typing import Any

from orders.money import money_text
from orders.order import Line, Order, Status
from orders.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """The placed order and its newest snapshot, read together; `payment_id` when it was paid for."""

    order: Order
    snapshot: Snapshot
    payment_id: str | None = None

    @property
    def is_judged(self) -> bool:
        """Whether the order has left PLACED."""
        return self.snapshot.status is not Status.PLACED

    def document(self) -> dict[str, Any]:
        """Write the order as the API answers it: the snapshot, the payment if any, the lines."""
        payment = {} if self.payment_id is None else {"paymentId": self.payment_id}
        return self.snapshot.document() | payment | {"lines": [_line_document(line) for line in self.order.lines]}


def _line_document(line: Line) -> dict[str, Any]:
    description = {"description": line.description} if line.description else {}
    return {
        "stockCode": line.stock_code,
        **description,
        "quantity": line.quantity,
        "unitPrice": money_text(line.unit_price),
        "invoicedAt": line.invoiced_at,
    }
