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

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from penstock.demo.evidence import crashes_between_publish_and_completion, refused_receives
from penstock.demo.expectation import Expectation
from penstock.demo.observation import (
    Answer,
    CustomerOrder,
    DeadLetterQueue,
    Execution,
    Leftover,
    Notification,
    Observation,
    OrderEvent,
    StoredOrder,
    Sums,
)
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


def account(
    expectations: Sequence[Expectation], observation: Observation, *, not_sent: Sequence[NotSent] = ()
) -> Account:
    """Compare and settle the account."""
    ledger = _Ledger(observation)
    expected = {expectation.order_id: expectation for expectation in expectations}
    stored = {order_id: order for order_id, order in observation.orders.items() if order_id in expected}
    accepted = [order for order in stored.values() if order.accepted]

    _orders(ledger, expected, observation)
    _customer_orders(ledger, stored, observation.customer_orders)
    _statistics(ledger, [expected[order.order_id] for order in accepted], observation)
    told_again = _notifications(ledger, stored, observation)
    taken = _executions(ledger, stored, observation.executions)
    repeats = _events(ledger, stored, observation.events)
    _leftovers(ledger, observation)
    _faults(ledger, observation)

    def worth(kind: str) -> Decimal:
        return sum((order.total or Decimal(0) for order in accepted if order.kind == kind), Decimal(0))

    return Account(
        sent=len(expected),
        accepted=len(accepted),
        rejected=dict(
            sorted(Counter(order.reason or "" for order in stored.values() if order.status == "REJECTED").items())
        ),
        dead_lettered=sum(_without_outcome(stored.get(order_id)) and order_id in ledger.kept for order_id in expected),
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


class _Ledger:
    """The findings as they come.

    ``kept`` maps an order to where a message about it rests, ``poisoned`` are the orders that the faults let nobody
    judge.
    """

    def __init__(self, observation: Observation) -> None:
        self.kept = {
            order_id: leftover.place
            for leftover in observation.leftovers
            if not _is_test_event(leftover)
            for order_id in leftover.order_ids
        }
        queue = observation.enrich_dead_letters
        self.poisoned = {
            order_id
            for order_id, place in self.kept.items()
            if queue is not None
            and place == queue.place
            and refused_receives(observation.strikes, order_id) >= queue.max_receive_count
        }
        self.lost: list[Finding] = []
        self.doubles: list[Finding] = []
        self.out_of_orders: list[Finding] = []
        self.unexplaineds: list[Finding] = []
        self.explaineds: list[Finding] = []

    def missing(self, check: Check, subject: str, what: str) -> None:
        if subject in self.kept:
            self.unexplained(check, subject, f"{what}; a message about it is kept in {self.kept[subject]}")
        else:
            self.lost.append(Finding(check=check, subject=subject, what=what))

    def double(self, check: Check, subject: str, what: str) -> None:
        self.doubles.append(Finding(check=check, subject=subject, what=what))

    def out_of_order(self, check: Check, subject: str, what: str) -> None:
        self.out_of_orders.append(Finding(check=check, subject=subject, what=what))

    def unexplained(self, check: Check, subject: str, what: str) -> None:
        self.unexplaineds.append(Finding(check=check, subject=subject, what=what))

    def explained(self, check: Check, subject: str, what: str) -> None:
        self.explaineds.append(Finding(check=check, subject=subject, what=what))


# --- (a) orders ----------------------------------------------------------------------------------


def _orders(ledger: _Ledger, expected: Mapping[str, Expectation], observation: Observation) -> None:
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


def _absent(ledger: _Ledger, order_id: str, answer: Answer) -> None:
    if answer.acknowledged:
        ledger.missing(Check.ORDERS, order_id, "its POST was answered 202, and it is not in the Orders table")
    elif answer.status is not None and answer.status < 500:
        ledger.unexplained(Check.ORDERS, order_id, f"the API refused it: {answer.problem}")
    else:
        ledger.missing(Check.ORDERS, order_id, f"could not be posted: {answer.problem}")


def _status(ledger: _Ledger, expectation: Expectation, order: StoredOrder) -> None:
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


def _without_outcome(order: StoredOrder | None) -> bool:
    return order is None or order.status == "PLACED"


# --- (b) customer orders -------------------------------------------------------------------------


def _customer_orders(ledger: _Ledger, stored: Mapping[str, StoredOrder], found: Iterable[CustomerOrder]) -> None:
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


def _row(ledger: _Ledger, order: StoredOrder, row: CustomerOrder) -> None:
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


# --- (c) statistics ------------------------------------------------------------------------------


def _statistics(ledger: _Ledger, accepted: Sequence[Expectation], observation: Observation) -> None:
    windows = observation.statistics
    counted = {
        "order": sum((window.orders for window in windows), Sums()),
        "return": sum((window.returns for window in windows), Sums()),
    }
    for kind, sums in counted.items():
        mine = [expectation for expectation in accepted if expectation.kind == kind]
        wanted = Sums(
            count=len(mine),
            items=sum(expectation.item_count for expectation in mine),
            value=sum((expectation.total for expectation in mine), Decimal(0)),
        )
        what = (
            f"all windows together count {sums.count} {kind}s, {sums.items} items, {sums.value};"
            f" accepted were {wanted.count}, {wanted.items} items, {wanted.value}"
        )
        if sums.count < wanted.count:
            ledger.missing(Check.STATISTICS, f"{kind}s", what)
        elif sums.count > wanted.count:
            ledger.double(Check.STATISTICS, f"{kind}s", what)
        elif sums != wanted:
            ledger.unexplained(Check.STATISTICS, f"{kind}s", what)
    for window in windows:
        if window.bad_records:
            ledger.unexplained(Check.STATISTICS, window.name, f"met {window.bad_records} records it could not read")


# --- (d) notifications ---------------------------------------------------------------------------


def _notifications(ledger: _Ledger, stored: Mapping[str, StoredOrder], observation: Observation) -> int:
    """Judge the notifications; answers how many were repeats that a crash explains."""
    told_again = 0
    arrived: defaultdict[tuple[str, str], list[Notification]] = defaultdict(list)
    for notification in observation.notifications:
        arrived[notification.order_id, notification.status].append(notification)
    for order_id, order in stored.items():
        if not (order.accepted or order.status == "REJECTED"):
            continue
        status = "REJECTED" if order.status == "REJECTED" else "ACCEPTED"
        own = arrived.pop((order_id, status), [])
        event_ids = {notification.event_id for notification in own}
        if not own:
            ledger.missing(Check.NOTIFICATIONS, order_id, f"nobody was notified that it is {status}")
        elif len(own) > 1:
            what = f"notified {len(own)} times that it is {status}"
            crashes = crashes_between_publish_and_completion(observation.strikes, own[0].event_id)
            if len(event_ids) == 1 and len(own) - 1 <= crashes:
                told_again += len(own) - 1
                ledger.explained(Check.NOTIFICATIONS, order_id, f"{what}: notify crashed {crashes} times at it")
            else:
                ledger.double(Check.NOTIFICATIONS, order_id, what)
    for (order_id, status), surplus in arrived.items():
        is_so = status or "in no state that can be read"
        what = f"notified {len(surplus)} times that it is {is_so}, which it never was"
        ledger.unexplained(Check.NOTIFICATIONS, order_id, what)
    return told_again


# --- (e) executions ------------------------------------------------------------------------------


def _executions(ledger: _Ledger, stored: Mapping[str, StoredOrder], found: Iterable[Execution]) -> int:
    """Judge the executions; answers how many found their order taken."""
    executions: defaultdict[str, list[Execution]] = defaultdict(list)
    for execution in found:
        executions[execution.order_id].append(execution)
    taken = 0
    for order_id, order in stored.items():
        if not (order.accepted and order.kind == "order"):
            continue
        own = executions.pop(order_id, [])
        working = [execution for execution in own if _worked(execution, order)]
        if not working:
            ledger.missing(Check.EXECUTIONS, order_id, "no execution did the work of fulfilment")
        elif len(working) > 1:
            names = ", ".join(execution.name for execution in working)
            ledger.double(Check.EXECUTIONS, order_id, f"{len(working)} executions changed it: {names}")
        for execution in own:
            if execution.status != "SUCCEEDED":
                ledger.unexplained(Check.EXECUTIONS, order_id, f"its execution {execution.name} is {execution.status}")
            elif execution not in working:
                taken += 1
                ledger.explained(Check.EXECUTIONS, order_id, f"execution {execution.name} found it taken and left it")
    for order_id, others in executions.items():
        for execution in others:
            ledger.unexplained(Check.EXECUTIONS, order_id, f"execution {execution.name} of what is not to be shipped")
    return taken


def _worked(execution: Execution, order: StoredOrder) -> bool:
    """An execution worked when it changed the order, or when the order bears its name (an answer may get lost)."""
    return execution.updates > 0 or order.execution in {execution.arn, execution.name}


# --- (f) events ----------------------------------------------------------------------------------


def _events(ledger: _Ledger, stored: Mapping[str, StoredOrder], found: Iterable[OrderEvent]) -> int:
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


def _versions(ledger: _Ledger, order: StoredOrder, events: Sequence[OrderEvent]) -> None:
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


# --- (g) leftovers -------------------------------------------------------------------------------


def _leftovers(ledger: _Ledger, observation: Observation) -> None:
    for leftover in observation.leftovers:
        if _is_test_event(leftover):
            what = "S3's own test message, sent when the bucket's notifications were configured"
            ledger.explained(Check.LEFTOVERS, leftover.place, what)
        elif _is_of_a_poisoned_order(ledger, leftover, observation.enrich_dead_letters):
            what = f"holds order {leftover.order_ids[0]}, which the faults let nobody judge"
            ledger.explained(Check.LEFTOVERS, leftover.place, what)
        else:
            about = f"about {', '.join(leftover.order_ids)}: " if leftover.order_ids else ""
            ledger.unexplained(Check.LEFTOVERS, leftover.place, f"holds {about}{leftover.text[:300]}")
    for event in observation.undelivered:
        what = f"an event found no target and no dead-letter queue ({event.reason}): {event.text[:300]}"
        ledger.lost.append(Finding(check=Check.LEFTOVERS, subject=event.rule, what=what))


def _is_of_a_poisoned_order(ledger: _Ledger, leftover: Leftover, queue: DeadLetterQueue | None) -> bool:
    in_its_place = queue is not None and leftover.place == queue.place
    return in_its_place and len(leftover.order_ids) == 1 and leftover.order_ids[0] in ledger.poisoned


def _is_test_event(leftover: Leftover) -> bool:
    """S3 sends this to each destination it is given (S3 User Guide, "Event message structure")."""
    try:
        message = json.loads(leftover.text)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("Event") == "s3:TestEvent"


# --- (h) faults ----------------------------------------------------------------------------------


def _faults(ledger: _Ledger, observation: Observation) -> None:
    for kind in sorted(observation.planned - {strike.kind for strike in observation.strikes}):
        ledger.unexplained(Check.FAULTS, kind, "was planned and never struck: nothing is known of what it would do")
