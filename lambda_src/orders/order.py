"""An order as it was placed: what the customer sent, before anything was judged."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orders.money import number_text


class Status(StrEnum):
    """How far an order has come; it leaves PLACED once, and only an accepted order is packed and shipped."""

    PLACED = "PLACED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"


class Kind(StrEnum):
    """What the leading letter of the order's id says it is."""

    ORDER = "order"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order; the same product may stand on several.

    `description` may be empty. `invoiced_at` is ISO 8601 without zone in one canonical spelling, so text order is time
    order.
    """

    stock_code: str
    description: str
    quantity: int
    unit_price: Decimal
    invoiced_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was placed under one id; `lines` is never empty, `customer_id` is None when the customer is not known."""

    order_id: str
    customer_id: str | None
    country: str
    lines: tuple[Line, ...]

    @property
    def kind(self) -> Kind:
        """A leading `C` marks a return."""
        return Kind.RETURN if self.order_id.startswith("C") else Kind.ORDER

    @property
    def placed_at(self) -> str:
        """The earliest time on any line."""
        return min(line.invoiced_at for line in self.lines)

    @property
    def content_hash(self) -> str:
        """Tell one content from another, whatever spelling a number or a time had when it was sent.

        The order of the lines counts. SHA-256 in hexadecimal over the canonical values.
        """
        lines = [
            [line.stock_code, line.description, line.quantity, number_text(line.unit_price), line.invoiced_at]
            for line in self.lines
        ]
        content = json.dumps([self.order_id, self.customer_id, self.country, lines], separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()
