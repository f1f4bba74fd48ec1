from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

Summarize = Callable[..., dict[str, Any]]

WINDOW = {"start": "2010-12-01T08:26:00Z", "end": "2010-12-01T08:27:00Z"}


def record(
    sequence_number: int | str, *, old: str | None = "PLACED", new: str = "ACCEPTED", kind: str = "order", **broken: Any
) -> dict[str, Any]:
    """A stream record of an order whose status went from `old` to `new`."""
    image = {
        "order_id": {"S": "536365"},
        "version": {"N": "2"},
        "status": {"S": new},
        "kind": {"S": kind},
        "country": {"S": "United Kingdom"},
        "placed_at": {"S": "2010-12-01T08:26:00"},
        "total": {"N": "139.12" if kind == "order" else "-27.5"},
        "item_count": {"N": "40" if kind == "order" else "-1"},
    }
    images: dict[str, Any] = {"NewImage": image | broken}
    if old is not None:
        images["OldImage"] = image | {"status": {"S": old}}
    return {"eventID": "e", "dynamodb": {"SequenceNumber": str(sequence_number), **images}}


@pytest.fixture
def summarize(tables: Any, fresh: Callable[[str], ModuleType], context: Any) -> Summarize:
    """Hand a batch of a window to the function in a new execution environment, and give the state it answers."""
    function = fresh("summarize")

    def hand_over(*records: dict[str, Any], state: Any = None, final: bool = False, early: bool = False) -> Any:
        event = {
            "Records": list(records),
            "window": WINDOW,
            "state": state or {},
            "shardId": "shardId-1",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders/stream/x",
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }
        return function.lambda_handler(event, context)["state"]

    return hand_over


def test_window_is_written_once_with_its_sums(summarize: Summarize, tables: Any) -> None:
    """The state carries the sums through the window, the final call writes one row."""
    state = summarize(record(7), record(8, kind="return"))
    state = summarize(record(9), state=state)
    assert tables.items("Statistics") == []

    assert summarize(state=state, final=True) == {}
    assert tables.items("Statistics") == [
        {
            "day": "2010-12-01",
            "window": "2010-12-01T08:26:00Z#shardId-1#7",
            "window_start": WINDOW["start"],
            "window_end": WINDOW["end"],
            "shard_id": "shardId-1",
            "first_sequence_number": "7",
            "order_count": 2,
            "order_items": 80,
            "order_value": Decimal("278.24"),
            "return_count": 1,
            "return_items": -1,
            "return_value": Decimal("-27.5"),
            "bad_records": 0,
        }
    ]


def test_same_batch_twice_counts_once(summarize: Summarize, tables: Any) -> None:
    """A repeated call begins from the state before it, and a repeated final call overwrites its row."""
    before = summarize(record(7))
    first, again = summarize(record(8), state=before), summarize(record(8), state=before)
    assert first == again

    summarize(state=again, final=True)
    summarize(state=again, final=True)
    assert [row["order_count"] for row in tables.items("Statistics")] == [2]


@pytest.mark.parametrize(
    ("old", "new"), [("ACCEPTED", "ACCEPTED"), ("ACCEPTED", "PACKED"), (None, "PLACED"), ("PLACED", "REJECTED")]
)
def test_only_the_change_to_accepted_counts(summarize: Summarize, tables: Any, old: str | None, new: str) -> None:
    """Every order is counted once in its life; a window with nothing counted is not written."""
    state = summarize(record(7, old=old, new=new))

    assert state["order_count"] == 0
    assert state["first_sequence_number"] == "7"
    summarize(state=state, final=True)
    assert tables.items("Statistics") == []


def test_item_that_appears_as_accepted_counts(summarize: Summarize) -> None:
    """Without an old image the order was not accepted before."""
    assert summarize(record(7, old=None))["order_count"] == 1


def test_removed_item_does_not_count(summarize: Summarize) -> None:
    """A record without a new image changes no statistics."""
    assert summarize({"eventID": "e", "dynamodb": {"SequenceNumber": "7"}})["bad_records"] == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"total": {"N": "much"}},
        {"total": {"S": "139.12"}},
        {"total": None},
        {"item_count": {"N": "1.5"}},
        {"kind": {"S": "gift"}},
        {"status": "ACCEPTED"},
    ],
)
def test_bad_record_is_counted_and_not_raised(summarize: Summarize, tables: Any, broken: dict[str, Any]) -> None:
    """A record that cannot be read must not block the shard, and its neighbours count."""
    state = summarize(record(7, **broken), record(8))
    summarize(state=state, final=True)

    [row] = tables.items("Statistics")
    assert (row["order_count"], row["bad_records"]) == (1, 1)


@pytest.mark.parametrize("broken", [{}, {"dynamodb": {}}, {"dynamodb": {"SequenceNumber": "seven"}}])
def test_record_that_is_none_is_counted_as_bad(summarize: Summarize, broken: dict[str, Any]) -> None:
    """Not even a record without sequence number raises, and it does not name the window."""
    state = summarize(broken, record(8))

    assert (state["order_count"], state["bad_records"], state["first_sequence_number"]) == (1, 1, "8")


def test_first_sequence_number_is_the_smallest(summarize: Summarize) -> None:
    """Sequence numbers of different lengths are compared as numbers."""
    state = summarize(record("1000000000000000000001"), record("900000000000000000002"))

    assert state["first_sequence_number"] == "900000000000000000002"


def test_final_call_with_empty_state_writes_nothing(summarize: Summarize, tables: Any) -> None:
    """A window without records leaves no row."""
    assert summarize(final=True) == {}
    assert tables.items("Statistics") == []


def test_window_that_ends_early_has_two_rows(summarize: Summarize, tables: Any) -> None:
    """What follows an early end begins from nothing and gets a row of its own."""
    rest = summarize(state=summarize(record(7)), final=True, early=True)
    summarize(state=summarize(record(8), state=rest), final=True)

    assert [(row["window"], row["order_count"]) for row in tables.items("Statistics")] == [
        ("2010-12-01T08:26:00Z#shardId-1#7", 1),
        ("2010-12-01T08:26:00Z#shardId-1#8", 1),
    ]


def test_final_call_with_records_counts_them(summarize: Summarize, tables: Any) -> None:
    """Should records come with the final call, they are in the row."""
    summarize(record(8), state=summarize(record(7)), final=True)

    assert [row["order_count"] for row in tables.items("Statistics")] == [2]


def test_fails_when_the_row_cannot_be_written(summarize: Summarize, tables: Any) -> None:
    """A failed write is a failed call, which the mapping repeats with the same state."""
    state = summarize(record(7))
    tables.client.delete_table(TableName="Statistics")

    with pytest.raises(ClientError):
        summarize(state=state, final=True)
