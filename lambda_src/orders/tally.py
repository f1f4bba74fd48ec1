"""Counting accepted orders in a window: the state that travels from one invocation to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from orders.money import EXACT, ZERO, number_text
from orders.order import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many orders, how many items in them, and what they are worth (pounds sterling); negative on returns."""

    count: int = 0
    items: int = 0
    value: Decimal = ZERO

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            count=self.count + other.count,
            items=self.items + other.items,
            value=EXACT.add(self.value, other.value),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one window of one shard came to so far.

    `first_sequence_number` is None while no record was seen; it names the tally, since the final call has no records.
    """

    orders: Figures = Figures()
    returns: Figures = Figures()
    bad_records: int = 0
    first_sequence_number: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write down."""
        return not (self.orders.count or self.returns.count or self.bad_records)

    def seen(self, sequence_number: str) -> "Tally":
        """Note that a record was seen; sequence numbers are text of different lengths and compare as integers.

        Raises ValueError for what is no number.
        """
        number, first = int(sequence_number), self.first_sequence_number
        if first is not None and int(first) <= number:
            return self
        return replace(self, first_sequence_number=sequence_number)

    def count(self, kind: Kind, figures: Figures) -> "Tally":
        """Count one accepted order or return."""
        if kind is Kind.RETURN:
            return replace(self, returns=self.returns + figures)
        return replace(self, orders=self.orders + figures)

    def count_bad(self) -> "Tally":
        """Count a record that could not be read."""
        return replace(self, bad_records=self.bad_records + 1)

    def state(self) -> dict[str, Any]:
        """Write the tally as the window's state: flat, under 512 bytes, money as text since JSON has no decimals."""
        return {
            "first_sequence_number": self.first_sequence_number,
            "order_count": self.orders.count,
            "order_items": self.orders.items,
            "order_value": number_text(self.orders.value),
            "return_count": self.returns.count,
            "return_items": self.returns.items,
            "return_value": number_text(self.returns.value),
            "bad_records": self.bad_records,
        }


def tally_from(state: Mapping[str, Any]) -> Tally:
    """Read the state of the invocation before; the first call of a window has an empty one."""
    if not state:
        return Tally()
    return Tally(
        orders=Figures(count=state["order_count"], items=state["order_items"], value=Decimal(state["order_value"])),
        returns=Figures(count=state["return_count"], items=state["return_items"], value=Decimal(state["return_value"])),
        bad_records=state["bad_records"],
        first_sequence_number=state["first_sequence_number"],
    )
