"""What a Query reads, and what it refuses."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Table


def query(table: Table, condition: str, *, index: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """The items of a Query by the key ``:k``, a text."""
    values = {":k": {"S": "1"}, **more.pop("values", {})}
    named = {"IndexName": index} if index else {}
    answer = table.client.query(
        TableName=table.name, KeyConditionExpression=condition, ExpressionAttributeValues=values, **named, **more
    )
    return list(answer["Items"])


@pytest.mark.needs_repair("queries")
@pytest.mark.parametrize(
    ("index", "filter_", "refused"),
    [
        (None, "sk > :v", "sk"),
        (None, "note = :v OR attribute_exists(#s)", "sk"),
        (None, "NOT begins_with(pk, :v)", "pk"),
        ("by-customer", "customer = :v", "customer"),
    ],
)
def test_fails_when_a_query_is_filtered_by_its_keys(
    indexed_table: Table, index: str | None, filter_: str, refused: str
) -> None:
    """A key is for the key condition, that of an index where one is read."""
    condition = "customer = :k" if index else "pk = :k"
    named = {"ExpressionAttributeNames": {"#s": "sk"}} if "#s" in filter_ else {}
    message = f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {refused}"

    with pytest.raises(ClientError, match=message):
        query(indexed_table, condition, index=index, FilterExpression=filter_, values={":v": {"S": "a"}}, **named)

    # Other attributes may have parts and values that are called as the keys are, and of an index the table's keys too.
    indexed_table.put(pk={"S": "1"}, sk={"S": "b"}, customer={"S": "1"}, n={"N": "1"}, m={"M": {"sk": {"S": "a"}}})
    assert len(query(indexed_table, "pk = :k", FilterExpression="m.sk = :sk", values={":sk": {"S": "a"}})) == 1
    by_key_of_table = {"FilterExpression": "sk > :v", "values": {":v": {"S": "a"}}}
    assert len(query(indexed_table, "customer = :k", index="by-customer", **by_key_of_table)) == 1


@pytest.mark.needs_repair("queries")
def test_fails_when_a_number_is_to_begin_with_something(indexed_table: Table) -> None:
    """A text may, a number may not."""
    indexed_table.put(pk={"S": "1"}, sk={"S": "ab"})
    of_text = query(indexed_table, "pk = :k AND begins_with(sk, :v)", values={":v": {"S": "a"}})

    with pytest.raises(ClientError, match="operator or function: begins_with, operand type: N"):
        query(
            indexed_table,
            "customer = :k AND begins_with ( n , :v )",
            index="by-customer",
            values={":v": {"N": "1"}},
        )

    assert len(of_text) == 1
