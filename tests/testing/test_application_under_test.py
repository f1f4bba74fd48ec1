"""What a test holds: resources by any of their names, plain values in and out, who asks, time, faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import UsageError
from penstock.testing import ApplicationUnderTest
from penstock.testing.named import Named
from penstock.testing.plugin import Session


@pytest.fixture
def parcels(session: Session, request: pytest.FixtureRequest) -> ApplicationUnderTest:
    """The stranger's application, with nothing in it."""
    return session.begin(request.node.nodeid)


def test_resource_has_several_names() -> None:
    """Logical id, construct path with and without its end, and physical name lead to the same."""
    orders = Named("table", [("it", "OrdersTable315B", "Orders/Table", "stack-orders-1X")])

    assert [orders[name] for name in ("OrdersTable315B", "Orders/Table", "Orders", "stack-orders-1X")] == ["it"] * 4
    assert (list(orders), len(orders), "Orders" in orders, "Order" in orders) == (["Orders"], 1, True, False)


def test_fails_when_a_name_is_not_there_or_not_enough() -> None:
    """The message says what there is, and what was meant."""
    queues = Named(
        "queue", [("a", "A1", "Enrich/Queue", "q-a"), ("b", "B1", "Notify/Queue", "q-b"), ("c", "A1", "", "q-c")]
    )

    with pytest.raises(UsageError, match=r"no queue is called 'Notfy'; did you mean Notify\?; there are: A1, .*Notify"):
        queues["Notfy"]
    with pytest.raises(UsageError, match=r"more than one queue is called 'A1'; use a physical name"):
        queues["A1"]


def test_items_are_plain_values(parcels: ApplicationUnderTest) -> None:
    """What is put comes back as boto3's table resource has it: numbers as Decimal, sets as sets."""
    table = parcels.tables["Parcels"]
    item = {
        "id": "1",
        "grams": 3,
        "tags": {"a", "b"},
        "from": {"town": "Basel", "zip": Decimal("4001.5")},
        "none": None,
    }

    table.put(item)

    assert table.get(id="1") == item
    assert table.items() == [item]
    table.delete(id="1")
    assert table.get(id="1") is None
    with pytest.raises(TypeError, match="Float"):
        table.put({"id": "2", "grams": 1.5})


def test_messages_are_looked_at_and_not_received(parcels: ApplicationUnderTest) -> None:
    """However often they are looked at they stay; JSON is parsed, other text is not."""
    queue = parcels.queues["TooHeavy"]

    ids = [queue.send({"n": 1}, attributes={"kind": "test"}), queue.send("plain text")]

    for _ in range(2):
        assert [message.message_id for message in queue.messages()] == ids
        assert [message.body for message in queue.messages()] == [{"n": 1}, "plain text"]
    assert [message.attributes for message in queue.messages()] == [{"kind": "test"}, {}]
    assert [message.receive_count for message in queue.messages()] == [0, 0]


def test_route_is_asked_as_its_authorizer_wants_it(parcels: ApplicationUnderTest) -> None:
    """A signed route admits the developer, and nobody without a signature."""
    asked = parcels.api.post("/parcels", json={"id": "1", "grams": 5}, headers={"X-Trace": "t"})
    unsigned = parcels.api.post("/parcels", json={"id": "1", "grams": 5}, as_=None)
    nowhere = parcels.api.get("/nowhere")

    assert (asked.status, asked.json, asked.headers["content-type"]) == (201, {"id": "1"}, "text/plain; charset=utf-8")
    assert (unsigned.status, nowhere.status) == (403, 404)


def test_clock_advances_through_what_is_due_on_the_way(parcels: ApplicationUnderTest) -> None:
    """By any measure of time; what is due on the way happens before its end, and the functions see the time."""
    begun = parcels.clock.now
    parcels.tables["Parcels"].put({"id": "1", "grams": 1, "forgotten": int(begun.timestamp()) + 3600})

    parcels.clock.advance(timedelta(minutes=30), minutes=10)
    there = [parcel["id"] for parcel in parcels.tables["Parcels"].items()]
    parcels.clock.advance(hours=1)
    parcels.tables["Parcels"].put({"id": "2", "grams": 1})
    parcels.settle()

    assert there == ["1"]
    assert [parcel["id"] for parcel in parcels.tables["Parcels"].items()] == ["2"]
    late = parcels.queues["Weighed"].messages()[-1].body
    assert late["at"] - begun.timestamp() >= 100 * 60
    assert timedelta(minutes=100) <= parcels.clock.now - begun < timedelta(minutes=110)


def test_fails_when_time_is_to_go_back(parcels: ApplicationUnderTest) -> None:
    """There is one direction."""
    with pytest.raises(UsageError, match="cannot go back by 1000 ms"):
        parcels.clock.advance(seconds=-1)


def test_faults_are_those_of_a_script(parcels: ApplicationUnderTest, tmp_path: Path) -> None:
    """As words or as a file, from now on and until others come in their place."""
    script = tmp_path / "faults.json"
    script.write_text('{"faults": [{"kind": "invocation-failed", "function": "Weigh", "how": "raises"}]}')

    parcels.faults({"kind": "invocation-failed", "function": "Weigh", "how": "raises", "when": {"first": 1}})
    parcels.tables["Parcels"].put({"id": "again", "grams": 1})
    parcels.settle()
    parcels.faults(script)
    parcels.tables["Parcels"].put({"id": "never", "grams": 1})
    parcels.settle()
    parcels.faults()
    parcels.tables["Parcels"].put({"id": "at once", "grams": 1})
    parcels.settle()

    outcomes = [
        (each.record["dynamodb"]["Keys"]["id"]["S"], each.attempt, each.outcome) for each in parcels.records("Weigh")
    ]
    assert outcomes == [
        ("again", 1, "failed"),
        ("again", 2, "done"),
        ("never", 1, "failed"),
        ("never", 2, "failed"),
        ("at once", 1, "done"),
    ]
    assert [strike.kind for strike in parcels.fault_log] == ["invocation-failed"] * 3
    assert len(parcels.queues["TooHeavy"].messages()) == 1


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda it: it.faults({"kind": "throttle", "caller": "Weight"}), "Weigh"),
        (lambda it: it.records("Nobody"), "no function is called 'Nobody'; there are: TakeIn, Weigh"),
        (lambda it: it.tables["Parcel"], "did you mean Parcels"),
        (lambda it: it.topics["Any"], "there are: none"),
        (lambda it: it.publish({}, detail_type="t", source="s", bus="mine"), "no event bus is called 'mine'"),
    ],
)
def test_fails_when_the_template_has_no_such_thing(
    parcels: ApplicationUnderTest, ask: Callable[[ApplicationUnderTest], Any], message: str
) -> None:
    """Each question names what the template has."""
    with pytest.raises(UsageError, match=message):
        ask(parcels)


def test_event_is_published(parcels: ApplicationUnderTest) -> None:
    """On the account's own bus unless another is named."""
    event_id = parcels.publish({"n": 1}, detail_type="Told", source="test")

    assert [(event.event_id, event.detail) for event in parcels.running.published] == [(event_id, {"n": 1})]
