import json
from dataclasses import replace
from decimal import Decimal

import pytest

from orders.change import change_between
from orders.notification import compose
from orders.order import Kind, Status
from orders.snapshot import Snapshot, snapshot_from

PLACED = Snapshot(
    order_id="536365",
    version=1,
    status=Status.PLACED,
    kind=Kind.ORDER,
    country="United Kingdom",
    placed_at="2010-12-01T08:26:00",
)
ACCEPTED = replace(
    PLACED,
    version=2,
    status=Status.ACCEPTED,
    customer_id="17850",
    customer_kind="registered",
    total=Decimal("139.1"),
    item_count=40,
    distinct_products=7,
)


@pytest.mark.parametrize("snapshot", [PLACED, ACCEPTED])
def test_snapshot_survives_its_document(snapshot: Snapshot) -> None:
    """What was written as JSON is read back the same."""
    assert snapshot_from(json.loads(json.dumps(snapshot.document()))) == snapshot


def test_document_leaves_out_what_has_no_value() -> None:
    """A missing value is an absent member, never null."""
    assert PLACED.document() == {
        "orderId": "536365",
        "version": 1,
        "status": "PLACED",
        "kind": "order",
        "country": "United Kingdom",
        "placedAt": "2010-12-01T08:26:00",
    }


def test_money_is_text() -> None:
    """Amounts are strings, so that no reader makes floats of them."""
    assert ACCEPTED.document()["total"] == "139.10"


@pytest.mark.parametrize(
    "broken",
    [
        {},
        ACCEPTED.document() | {"version": "two"},
        ACCEPTED.document() | {"status": "LOST"},
        ACCEPTED.document() | {"total": "much"},
        ACCEPTED.document() | {"total": 139.10},
        ACCEPTED.document() | {"version": "2"},
        ACCEPTED.document() | {"orderId": {}},
        ACCEPTED.document() | {"itemCount": None},
        [],
    ],
)
def test_fails_when_the_document_is_no_snapshot(broken: dict[str, object]) -> None:
    """What is not a snapshot raises one of the errors that handlers take for a poison message."""
    with pytest.raises((KeyError, TypeError, ValueError, ArithmeticError)):
        snapshot_from(broken)


def test_change_is_named_after_the_status() -> None:
    """A new version is a change, its name is the event's detail-type, its id that of the stream record."""
    change = change_between(1, ACCEPTED, event_id="e1")

    assert change is not None
    assert change.name == "OrderAccepted"
    assert change.detail() == {"eventId": "e1"} | ACCEPTED.document()


@pytest.mark.parametrize(("old_version", "changed"), [(None, True), (1, True), (2, False)])
def test_unchanged_version_is_no_change(old_version: int | None, changed: bool) -> None:
    """A write that leaves the version as it was tells nobody."""
    assert (change_between(old_version, ACCEPTED, event_id="e1") is not None) is changed


def test_notification_names_no_person() -> None:
    """A topic's readers learn of the order, not of the customer."""
    notification = compose(ACCEPTED, event_id="e1")

    assert notification.subject == "Order 536365 accepted"
    assert notification.message == {
        "eventId": "e1",
        "orderId": "536365",
        "status": "ACCEPTED",
        "version": 2,
        "kind": "order",
        "customerKind": "registered",
        "total": "139.10",
    }


def test_notification_of_a_rejected_return_says_so() -> None:
    """The subject tells a return from an order, the message has the reason."""
    rejected = replace(ACCEPTED, order_id="C1", kind=Kind.RETURN, status=Status.REJECTED, reason="no-value")
    notification = compose(rejected, event_id="e1")

    assert notification.subject == "Return C1 rejected"
    assert notification.message["reason"] == "no-value"
