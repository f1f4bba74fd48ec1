"""Check (f): the versions of an order leave ``relay`` in rising order, none missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.observation import OrderEvent, StoredOrder


def check(ledger: Ledger, stored: Mapping[str, StoredOrder], found: Iterable[OrderEvent]) -> int:
    """Judge the order in which events left; answers how many were repeats."""
    events: defaultdict[str, dict[str, OrderEvent]] = defaultdict(dict)
    repeats = 0
    for event in found:
        if event.event_id in events[event.order_id]:
            repeats += 1
            what = f"version {event.version} left relay again under its event id {event.event_id}"
            ledger.explained(Check.EVENTS, event.order_id, what)
        else:
            events[event.order_id][event.event_id] = event
    for order_id, order in stored.items():
        _versions(ledger, order, list(events.pop(order_id, {}).values()))
    for order_id in events:
        ledger.unexplained(Check.EVENTS, order_id, "events left relay, and no such order was sent")
    return repeats


def _versions(ledger: Ledger, order: StoredOrder, events: Sequence[OrderEvent]) -> None:
    seen: set[int] = set()
    for event in events:
        what = f"version {event.version} left relay after version {max(seen, default=0)}"
        if event.version in seen:
            ledger.double(Check.EVENTS, order.order_id, f"{what}, for the second time and under another event id")
        elif event.version < max(seen, default=0):
            ledger.out_of_order(Check.EVENTS, order.order_id, what)
        elif event.version == order.version and event.status != order.status:
            what = f"version {event.version} left relay as {event.status}, the order is {order.status}"
            ledger.unexplained(Check.EVENTS, order.order_id, what)
        seen.add(event.version)
    history = set(range(1, order.version + 1))
    for version in sorted(history - seen):
        ledger.missing(Check.EVENTS, order.order_id, f"version {version} never left relay")
    for version in sorted(seen - history):
        what = f"version {version} left relay, the order never got beyond {order.version}"
        ledger.unexplained(Check.EVENTS, order.order_id, what)
