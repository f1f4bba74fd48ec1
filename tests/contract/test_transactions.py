"""What TransactWriteItems promises."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Endpoint, Table

KEY = {"pk": {"S": "1"}}
NEEDS_ONE_OF_BOTH = pytest.mark.needs_repair("transactions + shard iterators")
"""moto's copy of a table has all that a cancelled transaction found; who reads by name from then on finds the copy."""


def put(table: Table, pk: str, **more: Any) -> dict[str, Any]:
    """A Put of an item with this key that must not be there."""
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    return {"Put": {"TableName": table.name, "Item": {"pk": {"S": pk}}, **condition, **more}}


def reasons(error: pytest.ExceptionInfo[ClientError]) -> list[dict[str, Any]]:
    """The cancellation reasons, without their messages."""
    assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
    found = error.value.response["CancellationReasons"]
    return [{name: value for name, value in reason.items() if name != "Message"} for reason in found]


@NEEDS_ONE_OF_BOTH
def test_cancelled_transaction_leaves_no_trace(table: Table) -> None:
    """Nothing is written, no record appears, and an iterator taken before reads what is written after."""
    table.put(**KEY, n={"N": "1"})
    live = table.shard_iterator("LATEST")

    with pytest.raises(ClientError) as refused:
        table.client.transact_write_items(TransactItems=[put(table, "2"), put(table, "1")])
    table.put(pk={"S": "3"})

    assert reasons(refused) == [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
    assert table.get("2") is None
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in table.records(live, expected=1)] == ["3"]


@NEEDS_ONE_OF_BOTH
def test_cancellation_shows_the_item_where_asked(table: Table) -> None:
    """Only the action that asks for ALL_OLD is given the item that was in its way."""
    item = {**KEY, "n": {"N": "1"}}
    table.put(**item)
    table.put(pk={"S": "2"})
    live = table.shard_iterator("LATEST")

    with pytest.raises(ClientError) as refused:
        table.client.transact_write_items(
            TransactItems=[
                put(table, "1", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
                put(table, "2"),
                put(table, "3"),
            ]
        )
    table.put(pk={"S": "4"})

    failed = {"Code": "ConditionalCheckFailed"}
    assert reasons(refused) == [failed | {"Item": item}, failed, {"Code": "None"}]
    assert len(table.records(live, expected=1)) == 1


@pytest.mark.needs_repair("transactions")
def test_value_that_cannot_be_written_is_a_validation_error(table: Table) -> None:
    """An action whose values do not fit its item cancels the transaction as ValidationError."""
    table.put(**KEY, s={"S": "text"})
    add = {"UpdateExpression": "ADD s :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}

    with pytest.raises(ClientError) as refused:
        table.client.transact_write_items(
            TransactItems=[put(table, "2"), {"Update": {"TableName": table.name, "Key": KEY, **add}}]
        )

    assert reasons(refused) == [{"Code": "None"}, {"Code": "ValidationError"}]
    assert table.get("2") is None


@NEEDS_ONE_OF_BOTH
def test_iterator_taken_before_sees_each_write_of_a_transaction_once(table: Table) -> None:
    """Put, Update, Delete and ConditionCheck act together; each change is one record, in order."""
    for pk in ("check", "delete", "update"):
        table.put(pk={"S": pk}, n={"N": "1"})
    cancelled = [put(table, "new"), put(table, "check")]
    live = table.shard_iterator("LATEST")
    with pytest.raises(ClientError):
        table.client.transact_write_items(TransactItems=cancelled)

    table.client.transact_write_items(
        TransactItems=[
            {
                "ConditionCheck": {
                    "TableName": table.name,
                    "Key": {"pk": {"S": "check"}},
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
            {"Delete": {"TableName": table.name, "Key": {"pk": {"S": "delete"}}}},
            {
                "Update": {
                    "TableName": table.name,
                    "Key": {"pk": {"S": "update"}},
                    "UpdateExpression": "SET n = n + :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            put(table, "new"),
        ]
    )

    seen = {(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in table.records(live, expected=3)}
    assert seen == {("REMOVE", "delete"), ("MODIFY", "update"), ("INSERT", "new")}


@NEEDS_ONE_OF_BOTH
def test_fails_when_two_actions_name_one_item(table: Table) -> None:
    """The request is refused, and an iterator taken before reads on."""
    live = table.shard_iterator("LATEST")

    with pytest.raises(ClientError, match="cannot include multiple operations on one item"):
        table.client.transact_write_items(TransactItems=[put(table, "1"), put(table, "1")])
    table.put(**KEY)

    assert len(table.records(live, expected=1)) == 1


@pytest.mark.embedded
@pytest.mark.needs_repair("transactions")
def test_reader_lives_through_a_cancelled_transaction(endpoint: Endpoint, table: Table) -> None:
    """A mapping that is woken by the writes of a table is woken by those that follow a cancelled transaction."""
    table.put(**KEY)
    woken = list[bool]()
    endpoint.stream_of(table).on_write(lambda: woken.append(True))
    with pytest.raises(ClientError):
        table.client.transact_write_items(TransactItems=[put(table, "2"), put(table, "1")])
    woken_by_nothing = list(woken)

    table.put(pk={"S": "3"})

    assert (woken_by_nothing, woken) == ([], [True])


@pytest.mark.needs_repair("transactions")
def test_hundred_actions_are_read_together(table: Table) -> None:
    """TransactWriteItems writes, and TransactGetItems reads, up to 100 items."""
    table.client.transact_write_items(TransactItems=[put(table, str(number)) for number in range(100)])
    gets = [{"Get": {"TableName": table.name, "Key": {"pk": {"S": str(number)}}}} for number in range(100)]

    answers = table.client.transact_get_items(TransactItems=gets)["Responses"]

    assert [answer["Item"]["pk"]["S"] for answer in answers] == [str(number) for number in range(100)]
    with pytest.raises(ClientError, match="less than or equal to 100"):
        table.client.transact_write_items(TransactItems=[put(table, f"x{number}") for number in range(101)])


@pytest.mark.needs_repair("transactions")
def test_fails_when_a_transaction_is_empty(table: Table) -> None:
    """A transaction reads or writes an item at least."""
    empty = (
        r"ValidationException.* 1 validation error detected: Value '\[\]' at 'transactItems' failed to satisfy "
        "constraint: Member must have length greater than or equal to 1"
    )

    with pytest.raises(ClientError, match=empty):
        table.client.transact_write_items(TransactItems=[])
    with pytest.raises(ClientError, match=empty):
        table.client.transact_get_items(TransactItems=[])


@NEEDS_ONE_OF_BOTH
@pytest.mark.timeout(600)
def test_concurrent_transactions_count_once(endpoint: Endpoint, table: Table) -> None:
    """Eight threads, 2,000 transactions: each OK is in the counter once and in the stream once, each refusal never."""
    table.put(**KEY, n={"N": "0"})
    live = table.shard_iterator("LATEST")
    with pytest.raises(ClientError):
        table.client.transact_write_items(TransactItems=[put(table, "never"), put(table, "1")])
    table.put(pk={"S": "first"})
    assert len(table.records(live, expected=1)) == 1  # else the rest would take long and show the same
    live = table.shard_iterator("LATEST")
    ok, refused = list[int](), list[str]()

    def count(thread: int) -> None:
        for number in range(250):
            seen = (table.get() or {})["n"]["N"]
            condition = {"ConditionExpression": "n = :seen", "ExpressionAttributeValues": {":seen": {"N": seen}}}
            condition["ExpressionAttributeValues"][":next"] = {"N": str(int(seen) + 1)}  # type: ignore[index]
            update = {"TableName": table.name, "Key": KEY, "UpdateExpression": "SET n = :next", **condition}
            try:
                table.client.transact_write_items(TransactItems=[put(table, f"{thread}/{number}"), {"Update": update}])
                ok.append(int(seen))
            except ClientError as error:
                refused.append(error.response["Error"]["Code"])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))

    assert len(ok) + len(refused) == 2000
    assert set(refused) <= {"TransactionCanceledException", "TransactionConflictException"}
    assert sorted(ok) == list(range(len(ok)))
    assert (table.get() or {})["n"] == {"N": str(len(ok))}
    kinds = [record["eventName"] for record in table.records(live, expected=2 * len(ok))]
    assert (kinds.count("INSERT"), kinds.count("MODIFY"), len(kinds)) == (len(ok), len(ok), 2 * len(ok))
