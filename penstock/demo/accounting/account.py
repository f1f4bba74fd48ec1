"""What became of every order: the findings of the accounting, and the numbers of its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from penstock.demo.orders import NotSent


class Check(StrEnum):
    """Which part of the accounting found it."""

    ORDERS = "orders"
    CUSTOMER_ORDERS = "customer orders"
    STATISTICS = "statistics"
    NOTIFICATIONS = "notifications"
    EXECUTIONS = "executions"
    EVENTS = "events"
    LEFTOVERS = "leftovers"
    FAULTS = "faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence about one ``subject``: an order id, or the name of a queue, window or execution."""

    check: Check
    subject: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What the accepted orders and returns in the Orders table are worth, in pounds; returns are below 0."""

    orders: Decimal
    returns: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much there was of everything, right or wrong; the numbers of the report. ``strikes``: kind → count."""

    orders: int
    returns: int
    guests: int
    customer_orders: int
    windows: int
    notifications: int
    executions: int
    already_taken: int
    events: int
    repeated_events: int
    repeated_notifications: int
    strikes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of every order.

    ``sent`` = ``accepted`` + all of ``rejected`` (reason → count) + ``dead_lettered`` (orders without an outcome
    whose message is kept) + orders without an outcome that `lost` or `unexplained` name.
    """

    sent: int
    accepted: int
    rejected: Mapping[str, int]
    dead_lettered: int
    not_sent: tuple[NotSent, ...]
    lost: tuple[Finding, ...]
    double: tuple[Finding, ...]
    out_of_order: tuple[Finding, ...]
    unexplained: tuple[Finding, ...]
    explained: tuple[Finding, ...]
    value: Value
    tally: Tally

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """All that fails the run."""
        return self.lost + self.double + self.out_of_order + self.unexplained
