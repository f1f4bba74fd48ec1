"""Expressions are evaluated as before, only faster: what DynamoDB says of updates and conditions."""

from contextlib import nullcontext
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError

KEY = {"id": {"S": "1"}}
LETTERS = {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}
ITEM: dict[str, Any] = {**KEY, "n": {"N": "5"}, "l": LETTERS, "m": {"M": {"x": {"N": "1"}}}, "s": {"SS": ["a"]}}
NAMES = {"#n": "n"}
VALUES = {":one": {"N": "1"}, ":new": {"L": [{"S": "d"}]}, ":b": {"SS": ["b"]}, ":zero": {"N": "0"}}

UPDATES: dict[str, dict[str, Any]] = {
    "SET #n = #n + :one": {"n": {"N": "6"}},
    "SET #n = #n - :one, m.x = :one, m.y = :zero": {"n": {"N": "4"}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "0"}}}},
    "SET fresh = if_not_exists(fresh, :zero) + :one": {"fresh": {"N": "1"}},
    "SET n = if_not_exists(n, :zero) + :one": {"n": {"N": "6"}},
    "SET l = list_append(l, :new)": {"l": {"L": [{"S": c} for c in "abcd"]}},
    "REMOVE l[0], l[2]": {"l": {"L": [{"S": "b"}]}},
    "ADD n :one SET fresh = :one": {"n": {"N": "6"}, "fresh": {"N": "1"}},
    "ADD s :b": {"s": {"SS": ["a", "b"]}},
}
REFUSED_UPDATES = {
    "SET id = :one": "Cannot update attribute id",
    "SET n = :one, n = :zero": "Two document paths overlap",
    "SET m = :one, m.x = :zero": "Two document paths overlap",
    "SET n = gone + :one": "does not exist in the item",
    "SET n = :undefined": "attribute value used in expression is not defined",
    "SET n = :one SET m = :one": "section can only be used once",
    "SET n = l + :one": "Incorrect operand type",
}
CONDITIONS = {
    "attribute_exists(id) AND #n = :five": True,
    "attribute_not_exists(id)": False,
    "n BETWEEN :one AND :five": True,
    "n IN (:one, :zero)": False,
    "NOT (n < :five OR m.x <> :one)": True,
    "size(l) > :one AND contains(s, :a)": True,
    "begins_with(id, :a)": False,
}


@pytest.fixture
def engine() -> Engine:
    """A cloud with one table and one item."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "id"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": ITEM})
    return engine


def update(engine: Engine, expression: str, values: Any = VALUES, **more: Any) -> dict[str, Any]:
    """The attributes after an update, which is given only the names and values that it uses."""
    whole = expression + str(more.get("ConditionExpression", ""))
    used = {
        "ExpressionAttributeNames": {name: real for name, real in NAMES.items() if name in whole},
        "ExpressionAttributeValues": {name: value for name, value in values.items() if name in whole},
    }
    parameters = {"TableName": "t", "Key": KEY, "UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
    given = {name: value for name, value in used.items() if value}
    attributes: dict[str, Any] = engine.call("dynamodb", "UpdateItem", parameters | given | more)["Attributes"]
    return attributes


@pytest.mark.parametrize("expression", UPDATES)
def test_update_changes_what_it_says(engine: Engine, expression: str) -> None:
    """Each clause and each function has its effect, a second time as well as the first."""
    first = update(engine, expression)
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": ITEM})

    assert first == ITEM | UPDATES[expression]
    assert update(engine, expression) == first


@pytest.mark.parametrize("expression", REFUSED_UPDATES)
def test_fails_when_an_update_makes_no_sense(engine: Engine, expression: str) -> None:
    """A refusal says what DynamoDB says, and the item stays."""
    with pytest.raises(EngineError, match=REFUSED_UPDATES[expression]):
        update(engine, expression)

    assert engine.call("dynamodb", "GetItem", {"TableName": "t", "Key": KEY})["Item"] == ITEM


@pytest.mark.parametrize("expression", CONDITIONS)
def test_condition_decides(engine: Engine, expression: str) -> None:
    """A condition holds or the write is refused, each time that it is asked."""
    values = VALUES | {":five": {"N": "5"}, ":a": {"S": "a"}}
    for _ in range(2):
        with nullcontext() if CONDITIONS[expression] else pytest.raises(EngineError, match="ConditionalCheckFailed"):
            update(engine, "REMOVE gone", values, ConditionExpression=expression)
