"""The accounting: what must have become of every order against what the cloud holds.

Pure: expectations and an observation in, an account out. Each check starts from what the Orders table says, so
that one fault is reported where it is and not again by everything that follows from it: an order that was never
accepted is missing in (a), and nobody then expects a notification of its acceptance.

==================== ====================================================================================
(a) orders           each order once in the table, with the status and the numbers recomputed from the CSV
(b) customer orders  exactly one row for each accepted order with a customer, at the order's version
(c) statistics       over all windows each accepted order is counted once, with its items and its value
(d) notifications    exactly one for each acceptance and each rejection; one more only for each crash between its
                     publish and the completion of its idempotency record that the fault log shows
(e) executions       exactly one for each accepted order that did its work and ended; others found it taken
(f) events           the versions of an order leave ``relay`` in rising order, none missing; a repeat of the
                     same event id is no new event
(g) leftovers        every queue, dead-letter queue and the failure bucket is empty, or explained; the bus delivered
                     or buried every event
(h) faults           every kind of fault that was planned struck
==================== ====================================================================================

What is missing is ``lost``, unless a message about that order rests in a queue or in the failure bucket: then it is
kept, and the leftover is what has to be explained. What happened more often than it may is ``double``. What is
merely wrong is ``unexplained``. ``explained`` is unusual and right.

An order that the faults kept from being judged, as often as its queue allows, has to stay PLACED, with its message in
enrich's dead-letter queue and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from penstock.demo.accounting import (
    customer_orders,
    events,
    executions,
    faults,
    leftovers,
    notifications,
    orders,
    statistics,
)
from penstock.demo.accounting.account import Account, Check, Finding, Tally, Value
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.expectation import Expectation
from penstock.demo.observation import Observation
from penstock.demo.orders import NotSent

__all__ = ["Account", "Check", "Finding", "Tally", "Value", "account"]


def account(
    expectations: Sequence[Expectation], observation: Observation, *, not_sent: Sequence[NotSent] = ()
) -> Account:
    """Compare and settle the account."""
    ledger = Ledger(observation)
    expected = {expectation.order_id: expectation for expectation in expectations}
    stored = {order_id: order for order_id, order in observation.orders.items() if order_id in expected}
    accepted = [order for order in stored.values() if order.accepted]

    orders.check(ledger, expected, observation)
    customer_orders.check(ledger, stored, observation.customer_orders)
    statistics.check(ledger, [expected[order.order_id] for order in accepted], observation)
    told_again = notifications.check(ledger, stored, observation)
    taken = executions.check(ledger, stored, observation.executions)
    repeats = events.check(ledger, stored, observation.events)
    leftovers.check(ledger, observation)
    faults.check(ledger, observation)

    def worth(kind: str) -> Decimal:
        return sum((order.total or Decimal(0) for order in accepted if order.kind == kind), Decimal(0))

    return Account(
        sent=len(expected),
        accepted=len(accepted),
        rejected=dict(
            sorted(Counter(order.reason or "" for order in stored.values() if order.status == "REJECTED").items())
        ),
        dead_lettered=sum(
            orders.without_outcome(stored.get(order_id)) and order_id in ledger.kept for order_id in expected
        ),
        not_sent=tuple(not_sent),
        lost=tuple(ledger.lost),
        double=tuple(ledger.doubles),
        out_of_order=tuple(ledger.out_of_orders),
        unexplained=tuple(ledger.unexplaineds),
        explained=tuple(ledger.explaineds),
        value=Value(orders=worth("order"), returns=worth("return")),
        tally=Tally(
            orders=sum(order.kind == "order" for order in accepted),
            returns=sum(order.kind == "return" for order in accepted),
            guests=sum(order.customer_kind == "guest" for order in accepted),
            customer_orders=len(observation.customer_orders),
            windows=len(observation.statistics),
            notifications=len(observation.notifications),
            executions=len(observation.executions),
            already_taken=taken,
            events=len(observation.events) - repeats,
            repeated_events=repeats,
            repeated_notifications=told_again,
            strikes=dict(sorted(Counter(strike.kind for strike in observation.strikes).items())),
        ),
    )
