import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from effects.together import EffectRefused, MarkerTable

NOW = 1_700_000_000


@pytest.fixture
def markers(tables: Any) -> MarkerTable:
    """Markers beside the records of Powertools idempotency."""
    return MarkerTable(client=tables.client, name="Idempotency", kept_seconds=60)


def add(amount: int = 1, **more: Any) -> dict[str, Any]:
    """Add to a counter that many keys share."""
    update = {
        "TableName": "Orders",
        "Key": {"order_id": {"S": "counter"}},
        "UpdateExpression": "ADD amount :amount",
        "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
    }
    return {"Update": update | more}


def counted(tables: Any) -> int:
    """What the counter has come to."""
    return int(sum(item.get("amount", 0) for item in tables.items("Orders")))


def test_each_key_counts_once(markers: MarkerTable, tables: Any) -> None:
    """Different keys add up, a repeated one changes nothing, and the marker says until when it is kept."""
    answers = [markers.once(key, [add(5)], now=NOW) for key in ("e1", "e2", "e1", "e1")]

    assert answers == [True, True, False, False]
    assert counted(tables) == 10
    assert {item["id"]: item["expiration"] for item in tables.items("Idempotency")} == {"e1": NOW + 60, "e2": NOW + 60}


@pytest.mark.parametrize("dies", ["before", "after"])
def test_crash_at_the_request_is_mended_by_a_repetition(
    markers: MarkerTable, tables: Any, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """There is one request, and on either side of it marker and effect agree."""
    transact = tables.client.transact_write_items

    def crash(**request: Any) -> Any:
        if dies == "after":
            transact(**request)
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(tables.client, "transact_write_items", crash)
        with pytest.raises(KeyboardInterrupt):
            markers.once("e1", [add()], now=NOW)

    assert markers.once("e1", [add()], now=NOW) is (dies == "before")
    assert counted(tables) == 1


def test_refused_effect_leaves_no_marker(markers: MarkerTable, tables: Any) -> None:
    """A condition of the effect that does not hold is not a repetition, and may hold the next time."""
    bounded = add(ConditionExpression="attribute_exists(order_id)")
    with pytest.raises(EffectRefused):
        markers.once("e1", [bounded], now=NOW)
    assert tables.items("Idempotency") == []

    markers.once("e0", [add()], now=NOW)
    assert markers.once("e1", [bounded], now=NOW)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_busy_transaction_is_raised_and_not_taken_for_a_repetition(
    markers: MarkerTable, tables: Any, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Only a marker that is there says that the effect was performed."""
    monkeypatch.setattr(tables.client, "transact_write_items", _raising("None", code))
    with pytest.raises(ClientError):
        markers.once("e1", [add()], now=NOW)

    monkeypatch.setattr(tables.client, "transact_write_items", _raising())
    with pytest.raises(ClientError):
        markers.once("e1", [add()], now=NOW)


def _raising(*codes: str) -> Callable[..., Any]:
    def fail(**_: Any) -> Any:
        error: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": [{"Code": code} for code in codes],
        }
        raise ClientError(error, "TransactWriteItems")

    return fail


def test_any_sequence_of_keys_comes_to_the_same(markers: MarkerTable, tables: Any) -> None:
    """Six records in any sequence, each redelivered: the sum is that of the six."""
    for sequence in itertools.islice(itertools.permutations(range(6)), 0, 720, 90):
        for number in sequence:
            markers.once(f"e{number}", [add(10**number)], now=NOW)

    assert counted(tables) == 111_111
