"""Check (a): each order once in the table, with the status and the numbers recomputed from the CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from penstock.demo.accounting.account import Check
from penstock.demo.accounting.ledger import Ledger
from penstock.demo.expectation import Expectation
from penstock.demo.observation import Answer, Observation, StoredOrder


def check(ledger: Ledger, expected: Mapping[str, Expectation], observation: Observation) -> None:
    """Judge the Orders table."""
    for order_id, expectation in expected.items():
        answer = observation.answers.get(order_id, Answer(status=None, problem="no answer on record"))
        order = observation.orders.get(order_id)
        if answer.acknowledged and answer.retried:
            tries = f"posted {len(answer.retried) + 1} times, each time the same order: {'; '.join(answer.retried)}"
            ledger.explained(Check.ORDERS, order_id, tries)
        if order is None:
            _absent(ledger, order_id, answer)
            continue
        if not answer.acknowledged:
            ledger.unexplained(Check.ORDERS, order_id, f"is in the Orders table, yet its POST ended: {answer.problem}")
        _status(ledger, expectation, order)
        differences = "; ".join(_differences(expectation, order))
        if differences:
            ledger.unexplained(Check.ORDERS, order_id, differences)
    for order_id in sorted(observation.orders.keys() - expected.keys()):
        ledger.unexplained(Check.ORDERS, order_id, "is in the Orders table, and nobody sent it")


def _absent(ledger: Ledger, order_id: str, answer: Answer) -> None:
    if answer.acknowledged:
        ledger.missing(Check.ORDERS, order_id, "its POST was answered 202, and it is not in the Orders table")
    elif answer.status is not None and answer.status < 500:
        ledger.unexplained(Check.ORDERS, order_id, f"the API refused it: {answer.problem}")
    else:
        ledger.missing(Check.ORDERS, order_id, f"could not be posted: {answer.problem}")


def _status(ledger: Ledger, expectation: Expectation, order: StoredOrder) -> None:
    is_so = f"is {order.status}"
    if order.reason:
        is_so += f" ({order.reason})"
    should = f"{expectation.status} ({expectation.reason})" if expectation.reason else expectation.status
    if order.status == "PLACED" and order.order_id in ledger.poisoned:
        what = f"{is_so}: the faults let nobody judge it, its message is in {ledger.kept[order.order_id]}"
        ledger.explained(Check.ORDERS, order.order_id, what)
    elif order.status == "PLACED" or (expectation.status == "SHIPPED" and order.status in {"ACCEPTED", "PACKED"}):
        ledger.missing(Check.ORDERS, order.order_id, f"{is_so} and stays so; {should} was to come")
    elif (order.status, order.reason) != (expectation.status, expectation.reason):
        ledger.unexplained(Check.ORDERS, order.order_id, f"{is_so}, expected {should}")
    elif order.version != expectation.version:
        what = f"{is_so} at version {order.version}, expected version {expectation.version}"
        ledger.unexplained(Check.ORDERS, order.order_id, what)


def _differences(expectation: Expectation, order: StoredOrder) -> Iterable[str]:
    """Each attribute that is not what the CSV says. What enrichment adds may be absent until acceptance."""
    pairs: list[tuple[str, object, object]] = [
        ("kind", order.kind, expectation.kind),
        ("customer", order.customer_id, expectation.customer_id),
        ("country", order.country, expectation.country),
        ("placed at", _instant(order.placed_at), expectation.placed_at),
        ("lines", order.line_count, expectation.line_count),
    ]
    enriched: list[tuple[str, object, object]] = [
        ("total", order.total, expectation.total),
        ("item count", order.item_count, expectation.item_count),
        ("distinct products", order.distinct_products, expectation.distinct_products),
        ("customer kind", order.customer_kind, expectation.customer_kind),
    ]
    pairs += [pair for pair in enriched if order.accepted or pair[1] is not None]
    return (f"{name} is {found}, expected {wanted}" for name, found, wanted in pairs if found != wanted)


def _instant(text: str | None) -> datetime | str | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return text


def without_outcome(order: StoredOrder | None) -> bool:
    """Whether an order was never judged, or never arrived."""
    return order is None or order.status == "PLACED"
