"""What single writes promise, to the item and to the stream."""

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
        table.put(pk={"S": pk}, over={"N": "1"} if pk == "1" else {"N": "99999999999"})
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
