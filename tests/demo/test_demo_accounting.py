"""The accounting: a settled world has no findings, and each kind of defect is found under its own name."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from penstock.cloud.faults.log import Strike
from penstock.demo.accounting import Account, Check, Finding, account
from penstock.demo.evidence import completion_key
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
    StatisticsWindow,
    StoredOrder,
    Sums,
    Undelivered,
)
from penstock.demo.orders import NotSent

PLACED_AT = datetime(2010, 12, 1, 8, 26)
ARN = "arn:aws:states:us-east-1:123456789012:execution:Fulfilment:"
SHIPPING = ("PLACED", "ACCEPTED", "PACKED", "SHIPPED")


def expectation(order_id: str, **changes: Any) -> Expectation:
    """An accepted order of customer 17850."""
    order = Expectation(
        order_id=order_id,
        kind="order",
        status="SHIPPED",
        version=4,
        reason=None,
        customer_id="17850",
        customer_kind="registered",
        country="France",
        placed_at=PLACED_AT,
        total=Decimal("15.30"),
        item_count=6,
        distinct_products=2,
        line_count=2,
    )
    return replace(order, **changes)


ORDER = expectation("1")
GUEST = expectation("2", customer_id=None, customer_kind="guest")
RETURN = expectation("C3", kind="return", status="ACCEPTED", version=2, total=Decimal("-4.65"), item_count=-1)
REJECTED = expectation("4", status="REJECTED", version=2, reason="no-value", total=Decimal("0"))
EXPECTED = (ORDER, GUEST, RETURN, REJECTED)


def stored(order: Expectation) -> StoredOrder:
    """The item that this order must end as."""
    return StoredOrder(
        order_id=order.order_id,
        status=order.status,
        version=order.version,
        kind=order.kind,
        customer_id=order.customer_id,
        customer_kind=order.customer_kind,
        country=order.country,
        placed_at=order.placed_at.isoformat(),
        total=order.total,
        item_count=order.item_count,
        distinct_products=order.distinct_products,
        line_count=order.line_count,
        reason=order.reason,
        execution=f"{ARN}e{order.order_id}" if order.status == "SHIPPED" else None,
    )


def row(order: Expectation) -> CustomerOrder:
    """The row that the read model must have of this order."""
    return CustomerOrder(
        customer_id=order.customer_id or "",
        order_id=order.order_id,
        version=order.version,
        status=order.status,
        kind=order.kind,
        total=order.total,
        item_count=order.item_count,
        distinct_products=order.distinct_products,
    )


def event(order_id: str, version: int, status: str, *, event_id: str = "") -> OrderEvent:
    """An event as it left relay."""
    return OrderEvent(order_id=order_id, event_id=event_id or f"{order_id}/{version}", version=version, status=status)


def execution(order_id: str, **changes: Any) -> Execution:
    """The execution that packed and shipped this order."""
    return replace(Execution(arn=f"{ARN}e{order_id}", status="SUCCEEDED", order_id=order_id, updates=2), **changes)


SETTLED = Observation(
    answers={order.order_id: Answer(status=202) for order in EXPECTED},
    orders={order.order_id: stored(order) for order in EXPECTED},
    customer_orders=(row(ORDER), row(RETURN)),
    statistics=(
        StatisticsWindow(name="w1", orders=Sums(count=1, items=6, value=Decimal("15.3"))),
        StatisticsWindow(
            name="w2",
            orders=Sums(count=1, items=6, value=Decimal("15.30")),
            returns=Sums(count=1, items=-1, value=Decimal("-4.65")),
        ),
    ),
    notifications=(
        Notification(order_id="1", status="ACCEPTED"),
        Notification(order_id="2", status="ACCEPTED"),
        Notification(order_id="C3", status="ACCEPTED"),
        Notification(order_id="4", status="REJECTED"),
    ),
    executions=(execution("1"), execution("2")),
    events=(
        *(event("1", version, status) for version, status in enumerate(SHIPPING, start=1)),
        *(event("2", version, status) for version, status in enumerate(SHIPPING, start=1)),
        *(event("C3", version, status) for version, status in enumerate(SHIPPING[:2], start=1)),
        event("4", 1, "PLACED"),
        event("4", 2, "REJECTED"),
    ),
)


def settle(**changes: Any) -> Account:
    """The account of the settled world after something in it was changed."""
    return account(EXPECTED, replace(SETTLED, **changes))


def with_order(order_id: str, **changes: Any) -> dict[str, StoredOrder]:
    """The stored orders, one of them changed."""
    return {**SETTLED.orders, order_id: replace(SETTLED.orders[order_id], **changes)}


def without(order_id: str) -> dict[str, StoredOrder]:
    """The stored orders but one."""
    return {key: order for key, order in SETTLED.orders.items() if key != order_id}


def places(findings: Sequence[Finding]) -> list[tuple[Check, str]]:
    """Where findings are, without their words."""
    return [(finding.check, finding.subject) for finding in findings]


def test_settled_world_is_accounted_for() -> None:
    """With everything in its place there is nothing to find, and the counts are those of the table."""
    result = account(EXPECTED, SETTLED, not_sent=[NotSent(line=7, reason="why")])

    assert result.wrong == ()
    assert result.explained == ()
    assert (result.sent, result.accepted, result.rejected, result.dead_lettered) == (4, 3, {"no-value": 1}, 0)
    assert (result.value.orders, result.value.returns) == (Decimal("30.60"), Decimal("-4.65"))
    assert (result.tally.orders, result.tally.returns, result.tally.guests) == (2, 1, 1)
    assert (result.tally.events, result.tally.windows, result.tally.notifications) == (12, 2, 4)
    assert result.not_sent == (NotSent(line=7, reason="why"),)


# --- (a) orders ----------------------------------------------------------------------------------


def test_acknowledged_order_that_is_not_there_is_lost() -> None:
    """202 is a promise: an order that was taken on and cannot be found is lost."""
    result = settle(orders=without("4"), events=SETTLED.events[:-2], notifications=SETTLED.notifications[:-1])

    assert places(result.lost) == [(Check.ORDERS, "4")]
    assert result.wrong == result.lost


@pytest.mark.parametrize("status", ["PLACED", "ACCEPTED", "PACKED"])
def test_order_that_stops_on_its_way_is_lost(status: str) -> None:
    """An order that never reaches the end of its way is lost, wherever it stopped."""
    result = settle(orders=with_order("1", status=status))

    assert (Check.ORDERS, "1") in places(result.lost)


def test_order_that_could_not_be_posted_is_lost() -> None:
    """Without any answer and without an item nothing came of the order."""
    answers = {**SETTLED.answers, "4": Answer(status=None, problem="timed out", retried=("timed out",))}
    result = settle(
        orders=without("4"), answers=answers, events=SETTLED.events[:-2], notifications=SETTLED.notifications[:-1]
    )

    assert result.lost == (Finding(check=Check.ORDERS, subject="4", what="could not be posted: timed out"),)


def test_order_that_the_api_refused_is_unexplained() -> None:
    """A refusal is told in the API's own words."""
    answers = {**SETTLED.answers, "4": Answer(status=413, problem="413 Order too large")}
    result = settle(
        orders=without("4"), answers=answers, events=SETTLED.events[:-2], notifications=SETTLED.notifications[:-1]
    )

    assert result.unexplained == (
        Finding(check=Check.ORDERS, subject="4", what="the API refused it: 413 Order too large"),
    )


def test_order_that_is_there_although_its_post_failed_is_unexplained() -> None:
    """An order in the table that the API would not acknowledge is a contradiction."""
    result = settle(answers={**SETTLED.answers, "1": Answer(status=503, problem="503")})

    assert places(result.wrong) == places(result.unexplained) == [(Check.ORDERS, "1")]


def test_repeated_post_is_explained() -> None:
    """Posting again after a failure is what a caller does, and changes nothing."""
    result = settle(answers={**SETTLED.answers, "1": Answer(status=202, retried=("503 busy",))})

    assert result.wrong == ()
    assert places(result.explained) == [(Check.ORDERS, "1")]
    assert "posted 2 times" in result.explained[0].what


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total": Decimal("15.31")}, "total is 15.31, expected 15.30"),
        ({"total": None}, "total is None, expected 15.30"),
        ({"item_count": 7}, "item count is 7, expected 6"),
        ({"distinct_products": 1}, "distinct products is 1, expected 2"),
        ({"line_count": 1}, "lines is 1, expected 2"),
        ({"customer_kind": "guest"}, "customer kind is guest, expected registered"),
        ({"placed_at": "2010-12-01T08:27:00"}, "placed at is 2010-12-01 08:27:00"),
        ({"country": "Spain"}, "country is Spain, expected France"),
        ({"kind": None}, "kind is None, expected order"),
        ({"version": 5}, "is SHIPPED at version 5, expected version 4"),
        ({"status": "REJECTED", "reason": "no-value"}, "is REJECTED (no-value), expected SHIPPED"),
    ],
)
def test_wrong_attribute_is_unexplained(change: dict[str, Any], words: str) -> None:
    """Whatever differs from the file is named with both values."""
    result = settle(orders=with_order("1", **change))

    told = [finding.what for finding in result.unexplained if finding.check is Check.ORDERS]
    assert len(told) == 1
    assert words in told[0]


def test_total_is_compared_as_a_number() -> None:
    """15.3 and 15.300 are the same money."""
    result = settle(orders=with_order("1", total=Decimal("15.300")))

    assert result.wrong == ()


def test_rejection_for_another_reason_is_unexplained() -> None:
    """The reason belongs to the outcome."""
    result = settle(orders=with_order("4", reason="zero-quantity"))

    assert places(result.wrong) == places(result.unexplained) == [(Check.ORDERS, "4")]


def test_order_that_nobody_sent_is_unexplained() -> None:
    """The table holds what was sent and nothing else."""
    result = settle(orders={**SETTLED.orders, "9": replace(SETTLED.orders["4"], order_id="9")})

    assert places(result.wrong) == places(result.unexplained) == [(Check.ORDERS, "9")]
    assert result.sent == 4


# --- (b) customer orders -------------------------------------------------------------------------


def test_missing_row_is_lost() -> None:
    """Each accepted order of a customer has a row."""
    result = settle(customer_orders=(row(RETURN),))

    assert places(result.wrong) == places(result.lost) == [(Check.CUSTOMER_ORDERS, "1")]


def test_stale_row_is_lost() -> None:
    """A row behind its order has missed a change."""
    result = settle(customer_orders=(replace(row(ORDER), version=3, status="PACKED"), row(RETURN)))

    assert places(result.wrong) == places(result.lost) == [(Check.CUSTOMER_ORDERS, "1")]
    assert "version 3, the order is at 4" in result.lost[0].what


def test_second_row_is_double() -> None:
    """One order has one row, whoever the customer."""
    result = settle(customer_orders=(*SETTLED.customer_orders, replace(row(ORDER), customer_id="2")))

    assert places(result.wrong) == places(result.double) == [(Check.CUSTOMER_ORDERS, "1")]


@pytest.mark.parametrize("change", [{"version": 5}, {"status": "PACKED"}, {"total": Decimal(1)}, {"customer_id": "2"}])
def test_row_that_differs_from_its_order_is_unexplained(change: dict[str, Any]) -> None:
    """A row repeats its order, attribute by attribute."""
    result = settle(customer_orders=(replace(row(ORDER), **change), row(RETURN)))

    assert places(result.wrong) == places(result.unexplained) == [(Check.CUSTOMER_ORDERS, "1")]


@pytest.mark.parametrize("order", [GUEST, REJECTED])
def test_row_that_must_not_be_is_unexplained(order: Expectation) -> None:
    """Guests and rejected orders have no row."""
    result = settle(customer_orders=(*SETTLED.customer_orders, row(order)))

    assert places(result.wrong) == places(result.unexplained) == [(Check.CUSTOMER_ORDERS, order.order_id)]


# --- (c) statistics ------------------------------------------------------------------------------


def test_order_missing_in_the_statistics_is_lost() -> None:
    """Counting one too few loses one."""
    result = settle(statistics=SETTLED.statistics[1:])

    assert places(result.wrong) == places(result.lost) == [(Check.STATISTICS, "orders")]


def test_order_counted_twice_is_double() -> None:
    """Counting one too many doubles one."""
    result = settle(statistics=(*SETTLED.statistics, SETTLED.statistics[0]))

    assert places(result.wrong) == places(result.double) == [(Check.STATISTICS, "orders")]


def test_statistics_of_the_right_count_and_the_wrong_value_are_unexplained() -> None:
    """One penny too much is noticed."""
    wrong = replace(SETTLED.statistics[1], returns=Sums(count=1, items=-1, value=Decimal("-4.64")))
    result = settle(statistics=(SETTLED.statistics[0], wrong))

    assert places(result.wrong) == places(result.unexplained) == [(Check.STATISTICS, "returns")]


def test_bad_record_in_a_window_is_unexplained() -> None:
    """A record that could not be read is told by the window that met it."""
    result = settle(statistics=(*SETTLED.statistics, StatisticsWindow(name="w3", bad_records=1)))

    assert places(result.wrong) == places(result.unexplained) == [(Check.STATISTICS, "w3")]


# --- (d) notifications ---------------------------------------------------------------------------


def test_missing_notification_is_lost() -> None:
    """A rejection that nobody hears of is lost."""
    result = settle(notifications=SETTLED.notifications[:-1])

    assert places(result.wrong) == places(result.lost) == [(Check.NOTIFICATIONS, "4")]


def test_repeated_notification_is_double() -> None:
    """A customer who is told twice was told twice."""
    result = settle(notifications=(*SETTLED.notifications, SETTLED.notifications[0]))

    assert places(result.wrong) == places(result.double) == [(Check.NOTIFICATIONS, "1")]


def crash(operation: str, text: str, **changes: Any) -> Strike:
    """A fault that struck notify."""
    strike = Strike(
        kind="response-lost", fault=0, at_ms=0, victim="Notify", service="s", operation=operation, text=text
    )
    return replace(strike, **changes)


PUBLISHED = crash("Publish", 'Message={"eventId": "e1"}')


@pytest.mark.parametrize(
    "strike",
    [
        PUBLISHED,
        replace(PUBLISHED, kind="process-killed", moment="during"),
        replace(PUBLISHED, kind="process-killed", moment="after"),
        crash("UpdateItem", completion_key("e1")),
        crash("UpdateItem", completion_key("e1"), kind="process-killed", moment="before"),
    ],
)
def test_notification_repeated_after_a_crash_is_explained(strike: Strike) -> None:
    """The log shows that notify could not know of its publish, for this very event."""
    told = Notification(order_id="1", status="ACCEPTED", event_id="e1")

    result = settle(notifications=(*SETTLED.notifications[1:], told, told), strikes=(strike,))

    assert (result.wrong, result.tally.repeated_notifications) == ((), 1)
    assert places(result.explained) == [(Check.NOTIFICATIONS, "1")]


@pytest.mark.parametrize(
    "strike",
    [
        replace(PUBLISHED, victim="Enrich"),
        replace(PUBLISHED, kind="throttle"),
        replace(PUBLISHED, kind="process-killed", moment="before"),
        replace(PUBLISHED, text='Message={"eventId": "e2"}'),
        crash("PutItem", completion_key("e1")),
        crash("UpdateItem", completion_key("e2")),
    ],
)
def test_notification_repeated_for_another_reason_is_double(strike: Strike) -> None:
    """Another event, another function, another moment: no excuse."""
    told = Notification(order_id="1", status="ACCEPTED", event_id="e1")

    result = settle(notifications=(*SETTLED.notifications[1:], told, told), strikes=(strike,))

    assert places(result.wrong) == places(result.double) == [(Check.NOTIFICATIONS, "1")]


def test_one_crash_excuses_one_repeat() -> None:
    """A third notification has nothing to explain it; nor has one of another event."""
    told = Notification(order_id="1", status="ACCEPTED", event_id="e1")
    others = SETTLED.notifications[1:]

    thrice = settle(notifications=(*others, told, told, told), strikes=(PUBLISHED,))
    twice = settle(notifications=(*others, told, replace(told, event_id="e9")), strikes=(PUBLISHED,))

    assert [places(each.double) for each in (thrice, twice)] == [[(Check.NOTIFICATIONS, "1")]] * 2


@pytest.mark.parametrize(("order_id", "status"), [("4", "ACCEPTED"), ("9", "ACCEPTED"), ("", "")])
def test_notification_of_what_never_was_is_unexplained(order_id: str, status: str) -> None:
    """A wrong status, an unknown order, a message that cannot be read."""
    result = settle(notifications=(*SETTLED.notifications, Notification(order_id=order_id, status=status)))

    assert places(result.wrong) == places(result.unexplained) == [(Check.NOTIFICATIONS, order_id)]


# --- (e) executions ------------------------------------------------------------------------------


def test_order_without_execution_is_lost() -> None:
    """A shipped order that no execution shipped lacks its fulfilment."""
    result = settle(executions=(execution("2"),))

    assert places(result.wrong) == places(result.lost) == [(Check.EXECUTIONS, "1")]


def test_two_executions_that_both_shipped_are_double() -> None:
    """Two executions that changed the same order did it twice, whichever name it bears."""
    result = settle(executions=(*SETTLED.executions, execution("1", arn=f"{ARN}other")))

    assert places(result.wrong) == places(result.double) == [(Check.EXECUTIONS, "1")]


def test_execution_that_found_the_order_taken_is_explained() -> None:
    """A repeated event starts a second execution, which leaves the order alone."""
    result = settle(executions=(*SETTLED.executions, execution("1", arn=f"{ARN}other", updates=0)))

    assert result.wrong == ()
    assert places(result.explained) == [(Check.EXECUTIONS, "1")]
    assert result.tally.already_taken == 1


def test_execution_whose_answers_were_lost_did_its_work() -> None:
    """The order bears the name of the execution that claimed it, even if that saw no update succeed."""
    result = settle(executions=(execution("1", updates=0), execution("2", updates=0)))

    assert result.wrong == ()
    assert result.tally.already_taken == 0


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "RUNNING", "ABORTED"])
def test_execution_that_did_not_succeed_is_unexplained(status: str) -> None:
    """Each execution ends well."""
    result = settle(executions=(execution("1", status=status), execution("2")))

    assert places(result.wrong) == places(result.unexplained) == [(Check.EXECUTIONS, "1")]


@pytest.mark.parametrize("order_id", ["C3", "4", "9", ""])
def test_execution_of_what_is_not_shipped_is_unexplained(order_id: str) -> None:
    """Returns, rejected and unknown orders have no execution."""
    result = settle(executions=(*SETTLED.executions, execution(order_id)))

    assert places(result.wrong) == places(result.unexplained) == [(Check.EXECUTIONS, order_id)]


# --- (f) events ----------------------------------------------------------------------------------


def test_falling_version_is_out_of_order() -> None:
    """Version 3 after version 4 of the same order."""
    events = list(SETTLED.events)
    events[2], events[3] = events[3], events[2]
    result = settle(events=tuple(events))

    assert places(result.wrong) == places(result.out_of_order) == [(Check.EVENTS, "1")]
    assert result.out_of_order[0].what == "version 3 left relay after version 4"


def test_repeat_of_the_same_event_id_is_explained_wherever_it_comes() -> None:
    """A batch that was read again repeats its events, which consumers tell by the id."""
    result = settle(events=(*SETTLED.events, SETTLED.events[0]))

    assert result.wrong == ()
    assert places(result.explained) == [(Check.EVENTS, "1")]
    assert (result.tally.events, result.tally.repeated_events) == (12, 1)


def test_same_version_under_another_event_id_is_double() -> None:
    """No consumer can tell that this is a repeat."""
    result = settle(events=(*SETTLED.events, event("4", 2, "REJECTED", event_id="new")))

    assert places(result.wrong) == places(result.double) == [(Check.EVENTS, "4")]


def test_version_that_never_left_is_lost() -> None:
    """Every change of an order is published."""
    result = settle(events=SETTLED.events[1:])

    assert places(result.wrong) == places(result.lost) == [(Check.EVENTS, "1")]


@pytest.mark.parametrize(
    ("surplus", "order_id"),
    [(event("4", 3, "SHIPPED"), "4"), (event("9", 1, "PLACED"), "9")],
)
def test_event_of_what_never_was_is_unexplained(surplus: OrderEvent, order_id: str) -> None:
    """A version beyond the order's, or an unknown order."""
    result = settle(events=(*SETTLED.events, surplus))

    assert places(result.wrong) == places(result.unexplained) == [(Check.EVENTS, order_id)]


def test_event_with_another_status_than_the_order_is_unexplained() -> None:
    """The last event says what the table says."""
    result = settle(events=(*SETTLED.events[:-1], event("4", 2, "ACCEPTED")))

    assert places(result.wrong) == places(result.unexplained) == [(Check.EVENTS, "4")]


# --- (g) leftovers -------------------------------------------------------------------------------


def test_leftover_is_unexplained() -> None:
    """A message that rests in a queue is quoted, with its orders."""
    result = settle(leftovers=(Leftover(place="queue dlq", text="body", order_ids=("1", "2")),))

    assert result.wrong == result.unexplained
    assert result.unexplained == (Finding(check=Check.LEFTOVERS, subject="queue dlq", what="holds about 1, 2: body"),)


def test_test_message_of_s3_is_explained() -> None:
    """S3 itself sends one message when the bucket is given its queue."""
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    result = settle(leftovers=(Leftover(place="queue dlq", text=body),))

    assert result.wrong == ()
    assert places(result.explained) == [(Check.LEFTOVERS, "queue dlq")]


def test_order_whose_message_is_kept_is_dead_lettered_and_not_lost() -> None:
    """An order without outcome whose message rests in a dead-letter queue can still be brought back."""
    placed = with_order("4", status="PLACED", version=1, reason=None, total=None, item_count=None)
    result = settle(
        orders=placed,
        events=SETTLED.events[:-1],
        notifications=SETTLED.notifications[:-1],
        leftovers=(Leftover(place="queue enrich-dlq", text="{}", order_ids=("4",)),),
    )

    assert result.lost == ()
    assert (result.accepted, result.rejected, result.dead_lettered) == (3, {}, 1)
    assert places(result.unexplained) == [(Check.ORDERS, "4"), (Check.LEFTOVERS, "queue enrich-dlq")]
    assert result.unexplained[0].what.endswith("a message about it is kept in queue enrich-dlq")


def poisoned(*, receives: int = 5, place: str = "queue enrich-dlq", **changes: Any) -> Account:
    """The settled world but for order 4, which the faults kept enrich from judging so many times."""
    strikes = tuple(
        Strike(kind="error", fault=0, at_ms=0, victim="Enrich", request_id=f"r-{n}", text='{"Key": {"S": "4"}}')
        for n in range(receives)
    )
    whole = {
        "orders": with_order("4", status="PLACED", version=1, reason=None, total=None, item_count=None),
        "events": SETTLED.events[:-1],
        "notifications": SETTLED.notifications[:-1],
        "leftovers": (Leftover(place=place, text="{}", order_ids=("4",)),),
        "strikes": strikes,
        "enrich_dead_letters": DeadLetterQueue(place="queue enrich-dlq", max_receive_count=5),
    }
    return settle(**(whole | changes))


def test_poisoned_order_is_explained() -> None:
    """It stays PLACED, and its message is in enrich's dead-letter queue and nowhere else."""
    result = poisoned()

    assert (result.wrong, result.dead_lettered) == ((), 1)
    assert places(result.explained) == [(Check.ORDERS, "4"), (Check.LEFTOVERS, "queue enrich-dlq")]


def test_receive_that_died_with_its_process_counts() -> None:
    """The order was in the batch of a worker that was killed, and was not looked at."""
    batch = json.dumps({"Records": [{"body": json.dumps({"detail": {"orderId": "4"}})}]})
    refused = Strike(kind="error", fault=0, at_ms=0, victim="Enrich", text='{"Key": {"S": "4"}}')
    killed = Strike(kind="process-killed", fault=1, at_ms=0, victim="Enrich", request_id="r-5", batch=batch)
    strikes = tuple(replace(refused, request_id=f"r-{n}") for n in range(4))

    assert poisoned(strikes=(*strikes, killed)).wrong == ()
    assert poisoned(strikes=(*strikes, replace(killed, batch=batch.replace("4", "5")))).wrong != ()


def test_order_given_up_too_early_is_unexplained() -> None:
    """One of the receives was not the faults' doing."""
    assert places(poisoned(receives=4).unexplained) == [(Check.ORDERS, "4"), (Check.LEFTOVERS, "queue enrich-dlq")]


def test_poisoned_order_kept_elsewhere_is_unexplained() -> None:
    """Another queue is not where it belongs, alone or besides."""
    stray = Leftover(place="queue notify-dlq", text="{}", order_ids=("4",))
    kept = Leftover(place="queue enrich-dlq", text="{}", order_ids=("4",))

    assert places(poisoned(place="queue notify-dlq").wrong) == [
        (Check.ORDERS, "4"),
        (Check.LEFTOVERS, "queue notify-dlq"),
    ]
    assert places(poisoned(leftovers=(stray, kept)).wrong) == [(Check.LEFTOVERS, "queue notify-dlq")]


def test_poisoned_order_whose_message_is_gone_is_lost() -> None:
    """That the faults struck is no excuse for losing the message."""
    assert places(poisoned(leftovers=()).lost) == [(Check.ORDERS, "4")]


def test_undelivered_event_is_lost() -> None:
    """An event that no target took and no dead-letter queue got fails the run by itself."""
    result = settle(undelivered=(Undelivered(rule="Rule", text="{}", reason="AccessDenied"),))

    assert places(result.wrong) == places(result.lost) == [(Check.LEFTOVERS, "Rule")]


def test_planned_kind_that_never_struck_is_unexplained() -> None:
    """A demo that tested nothing is worth nothing."""
    result = settle(planned=frozenset({"throttle", "response-lost"}), strikes=(PUBLISHED,))

    assert places(result.wrong) == places(result.unexplained) == [(Check.FAULTS, "throttle")]
    assert result.tally.strikes == {"response-lost": 1}


def test_nothing_sent_is_accounted_for() -> None:
    """No orders, nothing in the cloud, no findings."""
    result = account([], Observation(answers={}, orders={}))

    assert (result.sent, result.wrong) == (0, ())


Break = Callable[[], Account]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda: settle(orders={}),
        lambda: settle(customer_orders=()),
        lambda: settle(statistics=()),
        lambda: settle(notifications=()),
        lambda: settle(executions=()),
        lambda: settle(events=()),
    ],
)
def test_whole_part_that_is_missing_is_never_overlooked(break_it: Break) -> None:
    """Whichever part of the cloud is empty, the account says lost."""
    assert break_it().lost
