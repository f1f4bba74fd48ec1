"""Asking for a payment: what the domain knows of it, and the port that a payment provider fills."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """An amount to authorize for one order, in pounds sterling, above 0; the order's id is the idempotency key."""

    order_id: str
    amount: Decimal


class Payments(Protocol):
    """Whoever authorizes payments."""

    def authorize(self, request: PaymentRequest) -> str:
        """Authorize the amount and give the payment's id; the same order again gives the same payment."""
        ...
