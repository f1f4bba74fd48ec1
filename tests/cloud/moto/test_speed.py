"""moto's faster answers are moto's answers."""

import gc
import json
import weakref
from decimal import Decimal
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError, Reply, Request
from penstock.cloud.moto.speed import copy_of

ITEM: dict[str, Any] = {
    "k": {"S": "1"},
    "n": {"N": "1.50"},
    "l": {"L": [{"M": {"a": {"NULL": True}, "b": {"BOOL": False}}}, {"B": "AAEC"}]},
    "ss": {"SS": ["a", "b"]},
    "bs": {"BS": ["AAEC"]},
    "e": {"M": {}},
}
CALLS = {
    "PutItem": {"TableName": "t", "Item": ITEM | {"k": {"S": "2"}}},
    "GetItem": {"TableName": "t", "Key": {"k": {"S": "1"}}},
    "UpdateItem": {
        "TableName": "t",
        "Key": {"k": {"S": "1"}},
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "2"}},
        "ReturnValues": "ALL_OLD",
    },
    "Query": {
        "TableName": "t",
        "KeyConditionExpression": "k = :k",
        "ExpressionAttributeValues": {":k": {"S": "1"}},
    },
    "Scan": {"TableName": "t"},
    "BatchGetItem": {"RequestItems": {"t": {"Keys": [{"k": {"S": "1"}}]}}},
    "BatchWriteItem": {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}]}},
    "DeleteItem": {"TableName": "t", "Key": {"k": {"S": "1"}}, "ReturnValues": "ALL_OLD"},
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "t", "Key": {"k": {"S": k}}}} for k in ("1", "2")]},
    "TransactWriteItems": {"TransactItems": [{"Delete": {"TableName": "t", "Key": {"k": {"S": "1"}}}}]},
}


def answer(operation: str, *, by_model: bool, monkeypatch: pytest.MonkeyPatch) -> Reply:
    """What a fresh table with one item answers."""
    from moto.dynamodb.responses import DynamoResult

    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "k"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})
    body = json.dumps({"TableName": "t", "Item": ITEM}).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem"}
    engine.handle("dynamodb", Request(method="POST", path="/", query="", headers=headers, body=body))
    with monkeypatch.context() as patched:
        if by_model:
            patched.setattr(DynamoResult, "execute_result", DynamoResult.execute_result_by_model)
        headers = headers | {"x-amz-target": f"DynamoDB_20120810.{operation}"}
        body = json.dumps(CALLS[operation]).encode()
        return engine.handle("dynamodb", Request(method="POST", path="/", query="", headers=headers, body=body))


@pytest.mark.parametrize("operation", CALLS)
def test_item_answers_are_those_of_the_model(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item operation answers the same status, type and JSON either way, but for moto's constant capacity."""
    fast = answer(operation, by_model=False, monkeypatch=monkeypatch)
    slow = answer(operation, by_model=True, monkeypatch=monkeypatch)

    answers = [
        {name: value for name, value in json.loads(reply.body).items() if name != "ConsumedCapacity"}
        for reply in (fast, slow)
    ]
    assert (fast.status, answers[0]) == (slow.status, answers[1])
    assert fast.headers["Content-Type"] == slow.headers["Content-Type"]


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        ({"S": "1"}, "1"),
        ({"N": "1.50"}, Decimal("1.5")),
        ({"B": "AAEC"}, "AAEC"),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"SS": ["b", "a"]}, {"a", "b"}),
        ({"NS": ["1", "2.0"]}, {1, 2}),
        ({"L": [{"M": {"a": {"N": "1"}}}, {"S": "x"}]}, [{"a": 1}, "x"]),
        ({"M": {"a": {"L": []}}}, {"a": []}),
    ],
)
def test_typed_value_is_made_and_compared_as_by_moto(value: dict[str, Any], stands_for: Any) -> None:
    """Made of DynamoDB JSON or of another typed value it is the same, and stands for a plain value."""
    Engine(account_id="123456789012", region="us-east-1")
    from moto.dynamodb.models.dynamo_type import DynamoType

    one, other = DynamoType(value), DynamoType(DynamoType(value))

    assert one.cast_value == other.cast_value == stands_for
    assert one == other
    assert copy_of(one).cast_value == stands_for


def test_items_of_the_past_are_not_kept() -> None:
    """An item that was overwritten is nowhere any more: a run that writes for days does not grow by what it wrote."""
    from moto.dynamodb.models.dynamo_type import Item

    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "k"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})

    def put(text: str) -> weakref.ref[Any]:
        engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": {"k": {"S": "1"}, "text": {"S": text}}})
        (item,) = engine.backend("dynamodb").get_table("t").items.values()
        assert type(item) is Item
        return weakref.ref(item)

    former, present = put("a"), put("b")

    gc.collect()
    assert former() is None
    assert present() is not None


def test_item_over_the_limit_is_refused() -> None:
    """Attributes are weighed together: each of these fits, both do not, and nothing is stored."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "k"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})
    large = {"k": {"S": "1"}, "a": {"S": "x" * 300_000}}
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": large})

    with pytest.raises(EngineError, match="Item size has exceeded the maximum allowed size"):
        engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": large | {"b": {"S": "é" * 60_000}}})

    assert engine.call("dynamodb", "GetItem", {"TableName": "t", "Key": {"k": {"S": "1"}}})["Item"] == large
