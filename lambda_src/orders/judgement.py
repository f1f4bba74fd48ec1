"""Judge a placed order: accepted or rejected, why, and what it comes to."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orders.money import exact_product, exact_sum
from orders.order import Kind, Order, Status


class Reason(StrEnum):
    """Why an order was rejected; the members stand in the order in which they are looked for."""

    NEGATIVE_QUANTITY_ON_ORDER = "negative-quantity-on-order"
    POSITIVE_QUANTITY_ON_RETURN = "positive-quantity-on-return"
    ZERO_QUANTITY = "zero-quantity"
    NEGATIVE_PRICE = "negative-price"
    NO_VALUE = "no-value"


class CustomerKind(StrEnum):
    """Whether the shop knows the customer; a guest has no row in CustomerOrders."""

    REGISTERED = "registered"
    GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of an order; `reason` is given exactly when `status` is REJECTED.

    `total` (pounds sterling) and `item_count` (sum of quantities) are negative on returns. Both are given for a
    rejected order too, as they stood on its lines.
    """

    status: Status
    reason: Reason | None
    total: Decimal
    item_count: int
    distinct_products: int
    customer_kind: CustomerKind

    @property
    def payment_due(self) -> bool:
        """Only an accepted order that costs something is paid for; a return is not."""
        return self.status is Status.ACCEPTED and self.total > 0


def judge(order: Order) -> Judgement:
    """Apply the rules of the shop to an order whose shape is right."""
    reason = _fault(order)
    return Judgement(
        status=Status.REJECTED if reason else Status.ACCEPTED,
        reason=reason,
        total=exact_sum(exact_product(line.unit_price, line.quantity) for line in order.lines),
        item_count=sum(line.quantity for line in order.lines),
        distinct_products=len({line.stock_code for line in order.lines}),
        customer_kind=CustomerKind.REGISTERED if order.customer_id else CustomerKind.GUEST,
    )


def _fault(order: Order) -> Reason | None:
    """Find the first fault.

    A fault of a single line goes before `no-value`, which speaks of the whole: a stock write-off is booked with a
    negative quantity and a price of zero, and what is wrong with it is the missing `C`.
    """
    quantities = [line.quantity for line in order.lines]
    prices = [line.unit_price for line in order.lines]
    if order.kind is Kind.ORDER and min(quantities) < 0:
        return Reason.NEGATIVE_QUANTITY_ON_ORDER
    if order.kind is Kind.RETURN and max(quantities) > 0:
        return Reason.POSITIVE_QUANTITY_ON_RETURN
    if 0 in quantities:
        return Reason.ZERO_QUANTITY
    if min(prices) < 0:
        return Reason.NEGATIVE_PRICE
    if not any(prices):
        return Reason.NO_VALUE
    return None
