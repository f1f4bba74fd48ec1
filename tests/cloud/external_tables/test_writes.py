"""How many records a call may lead to."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.cloud.external_tables.writes import changes_of

PUT: dict[str, Any] = {"Put": {"TableName": "A", "Item": {}}}
CHECK: dict[str, Any] = {"ConditionCheck": {"TableName": "A"}}
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/A"


@pytest.mark.parametrize(
    ("operation", "params", "changes"),
    [
        ("PutItem", {"TableName": "A"}, {"A": 1}),
        ("DeleteItem", {"TableName": ARN}, {"A": 1}),
        ("BatchWriteItem", {"RequestItems": {"A": [{}, {}], "B": [{}]}}, {"A": 2, "B": 1}),
        ("TransactWriteItems", {"TransactItems": [PUT, PUT, CHECK, {"Update": {"TableName": "B"}}]}, {"A": 2, "B": 1}),
        ("ExecuteStatement", {"Statement": "UPDATE \"A\" SET x = 1 WHERE pk = '1'"}, {"A": 1}),
        ("ExecuteStatement", {"Statement": 'SELECT * FROM "A"'}, {}),
        ("BatchExecuteStatement", {"Statements": [{"Statement": "insert into A value {}"}]}, {"A": 1}),
        ("ExecuteTransaction", {"TransactStatements": [{"Statement": "DELETE FROM \"A\" WHERE pk = '1'"}]}, {"A": 1}),
        ("GetItem", {"TableName": "A"}, {}),
        ("PutItem", {}, {}),
    ],
)
def test_changes_are_counted_by_table(operation: str, params: dict[str, Any], changes: dict[str, int]) -> None:
    """Writes count, reads and conditions do not; a call without its parameters will be refused."""
    assert changes_of(operation, params) == changes
