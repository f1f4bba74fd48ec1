"""What single writes promise, to the item and to the stream."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Endpoint, Table

KEY = {"pk": {"S": "1"}}
ONE = {"N": "1"}


@pytest.mark.needs_repair("updates")
def test_upsert_is_one_record(table: Table) -> None:
    """UpdateItem of a missing item makes it whole: one INSERT with all its attributes."""
    live = table.shard_iterator("LATEST")

    table.update("SET n = :n", n=ONE)

    records = table.records(live, expected=1)
    assert [(record["eventName"], record["dynamodb"]["NewImage"]) for record in records] == [
        ("INSERT", {**KEY, "n": ONE})
    ]


@pytest.mark.needs_repair("updates")
def test_value_taken_from_the_item_is_a_copy(table: Table) -> None:
    """What is set from another attribute has the value that this had, and does not change with it later."""
    table.put(**KEY, m={"M": {"a": ONE}})

    table.update("SET m.b = if_not_exists(m, :n), c = m", n=ONE)
    table.update("SET m.a = :n", n={"N": "2"})

    before = {"M": {"a": ONE}}
    assert table.get() == {**KEY, "m": {"M": {"a": {"N": "2"}, "b": before}}, "c": before}


@pytest.mark.needs_repair("updates")
def test_failed_update_changes_nothing(table: Table) -> None:
    """An update of which a later part cannot be done leaves the earlier parts undone."""
    item = {**KEY, "n": ONE, "s": {"S": "text"}}
    table.put(**item)

    with pytest.raises(ClientError, match="incorrect data type"):
        table.update("SET n = :one ADD s :one", one={"N": "5"})

    assert table.get() == item


@pytest.mark.needs_repair("stream records")
@pytest.mark.parametrize(
    "again",
    [
        {"n": {"N": "1"}, "set": {"SS": ["a", "b"]}},
        {"n": {"N": "1.0"}, "set": {"SS": ["b", "a"]}},
        {"n": {"N": "10e-1"}, "set": {"SS": ["a", "b"]}},
    ],
)
def test_write_that_changes_nothing_is_no_record(table: Table, again: dict[str, Any]) -> None:
    """A put of an equal item, an update to equal values and a delete of a missing item leave no record."""
    table.put(**KEY, n=ONE, set={"SS": ["a", "b"]})
    live = table.shard_iterator("LATEST")

    table.put(**KEY, **again)
    table.update("SET n = :n", n=again["n"])
    table.update("REMOVE gone")
    table.client.delete_item(TableName=table.name, Key={"pk": {"S": "2"}})
    table.put(pk={"S": "last"})

    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in table.records(live, expected=1)] == ["last"]


@pytest.mark.embedded
@pytest.mark.needs_repair("stream records")
def test_time_to_live_signs_what_it_deletes(endpoint: Endpoint, table: Table) -> None:
    """A delete by the service carries its identity, one by a caller carries none."""
    for pk in ("1", "2"):
        table.put(pk={"S": pk}, over={"N": str(int(time.time()))} if pk == "1" else {"N": "99999999999"})
    live = table.shard_iterator("LATEST")

    endpoint.sweep(table.name, "over")
    table.client.delete_item(TableName=table.name, Key={"pk": {"S": "2"}})

    identity = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    records = table.records(live)
    assert [(record["eventName"], record.get("userIdentity")) for record in records] == [
        ("REMOVE", identity),
        ("REMOVE", None),
    ]


def actions(table: Table) -> list[dict[str, Any]]:
    """A transaction that counts."""
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": ONE}}
    return [{"Update": {"TableName": table.name, "Key": KEY, **update}}]


@pytest.mark.needs_repair("request tokens")
def test_token_makes_a_transaction_happen_once(table: Table) -> None:
    """The same request with the same token is answered like the first and changes nothing."""
    token = f"{table.name}-token"
    for _ in range(3):
        table.client.transact_write_items(TransactItems=actions(table), ClientRequestToken=token)

    assert table.get() == {**KEY, "n": ONE}


@pytest.mark.needs_repair("request tokens")
def test_token_makes_statements_happen_once(table: Table) -> None:
    """ExecuteTransaction keeps to its token as well."""
    table.put(**KEY, n={"N": "0"})
    statements = [table.statement("UPDATE %s SET n = n + 1 WHERE pk = '1'")]
    token = f"{table.name}-token"

    for _ in range(2):
        table.client.execute_transaction(TransactStatements=statements, ClientRequestToken=token)

    assert table.get() == {**KEY, "n": ONE}


@pytest.mark.needs_repair("request tokens")
def test_fails_when_a_token_is_used_with_other_parameters(table: Table) -> None:
    """A token belongs to one request; another with the same token is refused and changes nothing."""
    token = f"{table.name}-token"
    table.client.transact_write_items(TransactItems=actions(table), ClientRequestToken=token)
    other = actions(table)
    other[0]["Update"]["ExpressionAttributeValues"] = {":one": {"N": "2"}}

    with pytest.raises(ClientError) as refused:
        table.client.transact_write_items(TransactItems=other, ClientRequestToken=token)

    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert table.get() == {**KEY, "n": ONE}


@pytest.mark.embedded
@pytest.mark.needs_repair("request tokens")
def test_token_is_forgotten_after_ten_minutes(endpoint: Endpoint, table: Table) -> None:
    """For ten minutes a token holds, then the same request acts again."""
    token = f"{table.name}-token"
    counts = []
    for pause_ms in (0, 590_000, 20_000):
        endpoint.pass_time(pause_ms)
        table.client.transact_write_items(TransactItems=actions(table), ClientRequestToken=token)
        counts.append((table.get() or {})["n"]["N"])

    assert counts == ["1", "1", "2"]


@pytest.mark.needs_repair("batches")
def test_fails_when_a_batch_is_too_long(table: Table) -> None:
    """25 requests are the most, and nothing of a longer batch is done."""
    for count in (25, 26):
        puts = [{"PutRequest": {"Item": {"pk": {"S": f"{count}/{number}"}}}} for number in range(count)]
        if count == 25:
            table.client.batch_write_item(RequestItems={table.name: puts})
        else:
            with pytest.raises(ClientError, match=r"ValidationException.*(less than or equal to 25|Too many items)"):
                table.client.batch_write_item(RequestItems={table.name: puts})

    assert (table.get("25/24"), table.get("26/0")) == ({"pk": {"S": "25/24"}}, None)


@pytest.mark.needs_repair("batches")
def test_fails_when_a_batch_is_empty(table: Table) -> None:
    """A batch names a table at least, and a request or key for each."""
    shortest = "failed to satisfy constraint: .*Member must have length greater than or equal to 1"
    writes = "The requestItems parameter is required for BatchWriteItem"

    with pytest.raises(ClientError, match=f"ValidationException.*{writes}"):
        table.client.batch_write_item(RequestItems={})
    with pytest.raises(ClientError, match=f"ValidationException.*'requestItems' {shortest}"):
        table.client.batch_write_item(RequestItems={table.name: []})
    with pytest.raises(ClientError, match=f"ValidationException.*'RequestItems' {shortest}"):
        table.client.batch_get_item(RequestItems={})
    with pytest.raises(ClientError, match=f"ValidationException.*'RequestItems.{table.name}.member.Keys' {shortest}"):
        table.client.batch_get_item(RequestItems={table.name: {"Keys": []}})


@pytest.mark.needs_repair("batches")
def test_fails_when_batches_for_two_tables_are_too_long_together(table: Table, endpoint: Endpoint) -> None:
    """25 requests are the most for all tables together."""
    other = Table(endpoint)
    puts = [{"PutRequest": {"Item": {"pk": {"S": str(number)}}}} for number in range(26)]

    with pytest.raises(ClientError, match="Too many items requested for the BatchWriteItem call"):
        table.client.batch_write_item(RequestItems={table.name: puts[:13], other.name: puts[13:]})

    assert (table.get("0"), other.get("13")) == (None, None)
    other.drop()


@pytest.mark.needs_repair("batches")
@pytest.mark.parametrize("second", [{"PutRequest": {"Item": {**KEY, "n": ONE}}}, {"DeleteRequest": {"Key": KEY}}])
def test_fails_when_a_batch_repeats_an_item(table: Table, second: dict[str, Any]) -> None:
    """Two requests about one item are one too many, whatever they want of it."""
    batch = [{"PutRequest": {"Item": {"pk": {"S": "2"}}}}, {"PutRequest": {"Item": KEY}}, second]

    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        table.client.batch_write_item(RequestItems={table.name: batch})

    assert (table.get("2"), table.get()) == (None, None)


@pytest.mark.needs_repair("batches")
def test_batch_with_a_bad_key_does_nothing(table: Table) -> None:
    """What comes before the request that is refused is not done either."""
    batch = [{"PutRequest": {"Item": KEY}}, {"PutRequest": {"Item": {"n": ONE}}}]

    with pytest.raises(ClientError, match="ValidationException"):
        table.client.batch_write_item(RequestItems={table.name: batch})

    assert table.get() is None


@pytest.mark.needs_repair("batches")
def test_batch_writes_to_two_tables(table: Table, endpoint: Endpoint) -> None:
    """Equal items of two tables are two items; a deletion of nothing is no error and leaves no record."""
    other, item = Table(endpoint), {"pk": {"S": "2"}, "n": ONE}
    table.put(**KEY)
    live = table.shard_iterator("LATEST")
    deletions = [{"DeleteRequest": {"Key": KEY}}, {"DeleteRequest": {"Key": {"pk": {"S": "gone"}}}}]
    put = {"PutRequest": {"Item": item}}

    answer = table.client.batch_write_item(RequestItems={table.name: [*deletions, put], other.name: [put]})

    assert answer["UnprocessedItems"] == {}
    assert (table.get(), table.get("2"), other.get("2")) == (None, item, item)
    records = table.records(live, expected=2)
    assert sorted(record["eventName"] for record in records) == ["INSERT", "REMOVE"]
    other.drop()
