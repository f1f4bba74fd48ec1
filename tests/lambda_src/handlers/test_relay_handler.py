import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from effects.event_bus import MAX_ENTRY_BYTES
from effects.ordered_batch import REMEMBERED

Relay = Callable[..., list[str]]


def record(
    sequence_number: int, order_id: str, version: int, *, old: int | None = None, broken: Any = None
) -> dict[str, Any]:
    """A stream record of an order that came to `version`, from `old` when that is given."""
    status = {1: "PLACED", 2: "ACCEPTED", 3: "PACKED", 4: "SHIPPED"}[version]
    image: dict[str, Any] = {
        "order_id": {"S": order_id},
        "version": {"N": str(version)},
        "status": {"S": status},
        "kind": {"S": "order"},
        "country": {"S": "United Kingdom"},
        "placed_at": {"S": "2010-12-01T08:26:00"},
        "lines": {"L": []},
    }
    images = {"NewImage": image | (broken or {})}
    if old is not None:
        images["OldImage"] = image | {"version": {"N": str(old)}}
    return {
        "eventID": f"e{sequence_number}",
        "eventName": "INSERT" if old is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"order_id": {"S": order_id}}, "SequenceNumber": str(sequence_number), **images},
    }


class Bus:
    """Stands where the EventBridge client stood: takes entries, refuses those it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, str, int]]] = []
        self.refused: set[str] = set()
        self.down = False

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:
        if self.down:
            raise ClientError({"Error": {"Code": "InternalException", "Message": ""}}, "PutEvents")
        details = [json.loads(entry["Detail"]) for entry in Entries]
        self.calls.append([(detail["eventId"], detail["orderId"], detail["version"]) for detail in details])
        refused = [detail["eventId"] in self.refused for detail in details]
        return {
            "FailedEntryCount": sum(refused),
            "Entries": [{"ErrorCode": "ThrottlingException"} if no else {"EventId": "x"} for no in refused],
        }

    @property
    def published(self) -> list[str]:
        """The event ids that the bus took, call by call."""
        return [event_id for call in self.calls for event_id, _, _ in call if event_id not in self.refused]


@pytest.fixture
def function(fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment."""
    return fresh("relay")


@pytest.fixture
def bus(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """A bus that remembers its calls, in place of moto's, which refuses no entry."""
    bus = Bus()
    monkeypatch.setattr(function.bus.client, "put_events", bus.put_events)
    return bus


@pytest.fixture
def relay(function: ModuleType, context: Any) -> Relay:
    """Hand a batch to the function and give the sequence numbers it reports."""

    def hand_over(*records: dict[str, Any]) -> list[str]:
        answer = function.lambda_handler({"Records": list(records)}, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return hand_over


def test_events_reach_the_bus(aws: None, function: ModuleType, relay: Relay) -> None:
    """In plain moto: an event on the bus arrives at a queue behind a rule, with the detail of the order."""
    import boto3

    events, queues = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="Bus")
    url = queues.create_queue(QueueName="Seen")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="All", EventBusName="Bus", EventPattern='{"source": ["penstock.orders"]}')
    events.put_targets(Rule="All", EventBusName="Bus", Targets=[{"Id": "1", "Arn": arn}])

    assert relay(record(1, "A", 1)) == []
    [message] = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "OrderPlaced"
    assert event["detail"] == {
        "eventId": "e1",
        "orderId": "A",
        "version": 1,
        "status": "PLACED",
        "kind": "order",
        "country": "United Kingdom",
        "placedAt": "2010-12-01T08:26:00",
    }


def test_same_batch_twice_publishes_once(bus: Bus, relay: Relay) -> None:
    """In the same execution environment a repeated batch publishes nothing again."""
    batch = [record(1, "A", 1), record(2, "B", 1)]

    assert relay(*batch) == relay(*batch) == []
    assert bus.published == ["e1", "e2"]


def test_other_environment_publishes_again_with_the_same_event_id(
    bus: Bus, relay: Relay, fresh: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    """Nothing is remembered elsewhere, so consumers get the same id twice."""
    relay(record(1, "A", 1))
    other = fresh("relay")
    monkeypatch.setattr(other.bus.client, "put_events", bus.put_events)
    other.lambda_handler({"Records": [record(1, "A", 1)]}, context)

    assert bus.published == ["e1", "e1"]


def test_unchanged_version_and_removal_publish_nothing(bus: Bus, relay: Relay) -> None:
    """A write that left the version alone is nobody's business, nor is an item that went."""
    removal = record(3, "B", 1)
    removal["dynamodb"].pop("NewImage")

    assert relay(record(1, "A", 2, old=2), removal) == []
    assert bus.calls == []


def test_calls_are_full_and_hold_no_order_twice(bus: Bus, relay: Relay) -> None:
    """Ten entries a call, and of one order at most one, in the order of its versions."""
    batch = [record(number, f"order{number % 12}", number // 12 + 1) for number in range(48)]

    assert relay(*batch) == []
    assert [len(call) for call in bus.calls] == [10, 10, 10, 10, 8]
    assert all(len({order_id for _, order_id, _ in call}) == len(call) for call in bus.calls)
    versions: dict[str, list[int]] = {}
    for call in bus.calls:
        for _, order_id, version in call:
            versions.setdefault(order_id, []).append(version)
    assert set(map(tuple, versions.values())) == {(1, 2, 3, 4)}


def test_later_records_of_a_failed_order_are_held_back(bus: Bus, relay: Relay) -> None:
    """8, 9 (fails), 10, 11 (of the order of 9): 11 does not overtake 9, the others go on, 9 is reported."""
    bus.refused = {"e9"}
    batch = [record(8, "A", 1), record(9, "B", 1), record(10, "C", 1), record(11, "B", 2, old=1)]

    assert relay(*batch) == ["9"]
    assert bus.published == ["e8", "e10"]


def test_retry_publishes_only_what_is_missing(bus: Bus, relay: Relay) -> None:
    """Begun again at the failed record, what had succeeded is not repeated and the order of the key is kept."""
    bus.refused = {"e9"}
    relay(record(8, "A", 1), record(9, "B", 1), record(10, "C", 1), record(11, "B", 2, old=1))
    bus.refused = set()

    assert relay(record(9, "B", 1), record(10, "C", 1), record(11, "B", 2, old=1)) == []
    assert bus.published == ["e8", "e9", "e10", "e9", "e11"]
    assert bus.calls[1:] == [[("e9", "B", 1)], [("e11", "B", 2)]]


@pytest.mark.parametrize(
    "broken", [{"version": {"N": "two"}}, {"status": {"S": "LOST"}}, {"kind": None}, {"country": {"N": "1"}}]
)
def test_poison_record_fails_alone(bus: Bus, relay: Relay, broken: dict[str, Any]) -> None:
    """A record that cannot be read is reported, and its neighbours are published."""
    assert relay(record(1, "A", 1), record(2, "B", 1, broken=broken), record(3, "C", 1)) == ["2"]
    assert bus.published == ["e1", "e3"]


def test_entry_that_is_too_large_fails_alone(bus: Bus, relay: Relay) -> None:
    """One event over its share of a call does not take the call down."""
    assert relay(record(1, "A", 1, broken={"country": {"S": "x" * MAX_ENTRY_BYTES}}), record(2, "B", 1)) == ["1"]
    assert bus.published == ["e2"]


def test_call_that_fails_reports_each_order(bus: Bus, relay: Relay) -> None:
    """A bus that cannot be reached fails the first record of every order, as an answer and not as an error."""
    bus.down = True

    assert relay(record(1, "A", 1), record(2, "B", 1), record(3, "A", 2, old=1)) == ["1", "2"]


def test_records_are_held_back_when_time_runs_out(bus: Bus, relay: Relay, context: Any) -> None:
    """One call is made in any case, then what was not begun is reported, so that a slow bus costs no progress."""
    context.remaining_ms = 100

    assert relay(*(record(number, f"order{number}", 1) for number in range(12))) == ["10", "11"]
    assert len(bus.calls) == 1


def test_record_without_keys_fails_alone(bus: Bus, relay: Relay) -> None:
    """A record that does not even say whose it is has a lane of its own."""
    poison = record(1, "A", 1)
    del poison["dynamodb"]["Keys"], poison["dynamodb"]["NewImage"]["order_id"]

    assert relay(poison, record(2, "B", 1)) == ["1"]


def test_memory_is_bounded(bus: Bus, relay: Relay, function: ModuleType) -> None:
    """The oldest event ids are forgotten."""
    function.processor._remembered = dict.fromkeys(map(str, range(REMEMBERED)))
    relay(record(1, "A", 1))

    assert len(function.processor._remembered) == REMEMBERED
    assert "e1" in function.processor._remembered
