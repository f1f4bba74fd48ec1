"""Check (b): exactly one row for each accepted order with a customer, at the order's version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.observation import CustomerOrder, StoredOrder


def check(ledger: Ledger, stored: Mapping[str, StoredOrder], found: Iterable[CustomerOrder]) -> None:
    """Judge the read model."""
    rows: defaultdict[str, list[CustomerOrder]] = defaultdict(list)
    for row in found:
        rows[row.order_id].append(row)
    for order_id, order in stored.items():
        if not (order.accepted and order.customer_id):
            continue
        own = rows.pop(order_id, [])
        if not own:
            ledger.missing(Check.CUSTOMER_ORDERS, order_id, "accepted, and has no row in CustomerOrders")
        elif len(own) > 1:
            customers = ", ".join(sorted(row.customer_id for row in own))
            ledger.double(Check.CUSTOMER_ORDERS, order_id, f"has {len(own)} rows in CustomerOrders: {customers}")
        else:
            _row(ledger, order, own[0])
    for order_id in rows:
        ledger.unexplained(Check.CUSTOMER_ORDERS, order_id, "has a row in CustomerOrders that it must not have")


def _row(ledger: Ledger, order: StoredOrder, row: CustomerOrder) -> None:
    if row.version < order.version:
        what = f"its row in CustomerOrders is stale: version {row.version}, the order is at {order.version}"
        ledger.missing(Check.CUSTOMER_ORDERS, order.order_id, what)
        return
    names = ("version", "customer_id", "status", "kind", "total", "item_count", "distinct_products")
    differing = [
        f"{name} {getattr(row, name)}, the order's is {getattr(order, name)}"
        for name in names
        if getattr(row, name) != getattr(order, name)
    ]
    if differing:
        what = f"its row in CustomerOrders differs: {'; '.join(differing)}"
        ledger.unexplained(Check.CUSTOMER_ORDERS, order.order_id, what)
