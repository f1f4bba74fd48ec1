"""What must become of an invoice, recomputed from the CSV by code of its own.

This is the yardstick: it shares nothing with the functions that it measures. The first of these that holds decides;
the order matters, since a write-off booked without ``C`` is both negative and worthless:

================================ ============================================================
a quantity below 0 on an order   rejected ``negative-quantity-on-order``
a quantity above 0 on a return   rejected ``positive-quantity-on-return``
a quantity of 0                  rejected ``zero-quantity``
a price below 0                  rejected ``negative-price``
every price 0                    rejected ``no-value``
otherwise                        accepted; single lines without a price are gifts and stay
================================ ============================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal

from penstock.demo.orders import Invoice

_EXACT = Context(prec=200)
"""Wide enough that no sum of real prices is ever rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One order as it must stand when everything has settled.

    ``status`` is SHIPPED (an accepted order), ACCEPTED (an accepted return, which is not shipped) or REJECTED, then
    with a ``reason``. ``version`` counts the changes of status from 1 at placing. ``total`` is in pounds, below 0 on
    a return.
    """

    order_id: str
    kind: str
    status: str
    version: int
    reason: str | None
    customer_id: str | None
    customer_kind: str
    country: str
    placed_at: datetime
    total: Decimal
    item_count: int
    distinct_products: int
    line_count: int

    @property
    def accepted(self) -> bool:
        """Whether the order must have been accepted, whatever came after."""
        return self.reason is None


def expect(invoice: Invoice) -> Expectation:
    """Judge one invoice by the rules above and add up its numbers."""
    kind = "return" if invoice.invoice_no.startswith("C") else "order"
    reason = _reason(invoice, kind)
    status = "REJECTED" if reason else "ACCEPTED" if kind == "return" else "SHIPPED"
    total = Decimal(0)
    for line in invoice.lines:
        total = _EXACT.add(total, _EXACT.multiply(Decimal(line.quantity), line.unit_price))
    return Expectation(
        order_id=invoice.invoice_no,
        kind=kind,
        status=status,
        version=4 if status == "SHIPPED" else 2,
        reason=reason,
        customer_id=invoice.customer_id,
        customer_kind="registered" if invoice.customer_id else "guest",
        country=invoice.country,
        placed_at=min(line.invoiced_at for line in invoice.lines),
        total=total,
        item_count=sum(line.quantity for line in invoice.lines),
        distinct_products=len({line.stock_code for line in invoice.lines}),
        line_count=len(invoice.lines),
    )


def _reason(invoice: Invoice, kind: str) -> str | None:
    quantities = [line.quantity for line in invoice.lines]
    prices = [line.unit_price for line in invoice.lines]
    if kind == "order" and any(quantity < 0 for quantity in quantities):
        return "negative-quantity-on-order"
    if kind == "return" and any(quantity > 0 for quantity in quantities):
        return "positive-quantity-on-return"
    if any(quantity == 0 for quantity in quantities):
        return "zero-quantity"
    if any(price < 0 for price in prices):
        return "negative-price"
    if all(price == 0 for price in prices):
        return "no-value"
    return None
