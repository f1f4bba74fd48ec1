"""A call that goes the short way is answered as by the long one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError, Reply, Request
from penstock.cloud.moto import json_calls

ITEM: dict[str, Any] = {"id": {"S": "1"}, "n": {"N": "1.50"}, "l": {"L": [{"M": {"a": {"BOOL": False}}}]}}
KEY = {"id": {"S": "1"}}
CALLS = {
    "put": ("dynamodb", "PutItem", {"TableName": "t", "Item": ITEM}),
    "put again": (
        "dynamodb",
        "PutItem",
        {"TableName": "t", "Item": ITEM, "ConditionExpression": "attribute_not_exists(id)"},
    ),
    "update": (
        "dynamodb",
        "UpdateItem",
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET #n = #n + :one REMOVE l[0]",
            "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    "get": ("dynamodb", "GetItem", {"TableName": "t", "Key": KEY}),
    "get from nowhere": ("dynamodb", "GetItem", {"TableName": "nowhere", "Key": KEY}),
    "put blob": ("dynamodb", "PutItem", {"TableName": "t", "Item": KEY | {"b": {"B": "AAEC"}}, "ReturnValues": None}),
    "describe": ("dynamodb", "DescribeTable", {"TableName": "t"}),
    "send": ("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "hello", "DelaySeconds": 0}),
    "send nowhere": ("sqs", "SendMessage", {"QueueUrl": "nowhere", "MessageBody": "hello"}),
    "queues": ("sqs", "ListQueues", {"QueueNamePrefix": "q", "MaxResults": 5}),
    "streams": ("dynamodbstreams", "ListStreams", {"TableName": "t"}),
    "machines": ("stepfunctions", "ListStateMachines", {"maxResults": 5}),
    "machine from nowhere": (
        "stepfunctions",
        "DescribeStateMachine",
        {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:nowhere"},
    ),
}
TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "dynamodbstreams": "DynamoDBStreams_20120810",
    "sqs": "AmazonSQS",
    "stepfunctions": "AWSStepFunctions",
}
OF_ITS_OWN = {"MessageId", "CreationDateTime", "TableId"} | {
    f"{which}Stream{what}" for which in ("", "Latest") for what in ("Arn", "Label")
}
"""What every answer makes anew."""


def request(service: str, operation: str, parameters: Any, **headers: str) -> Request:
    """A call as an SDK sends it."""
    told = {"x-amz-target": f"{TARGETS[service]}.{operation}", "content-type": "application/x-amz-json-1.0"}
    body = json.dumps(parameters).encode()
    return Request(method="POST", path="/", query="", headers=told | headers, body=body)


def answer(call: str) -> Reply:
    """What a fresh cloud with one table, one item and one queue answers."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "id"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    engine.call(
        "dynamodb",
        "CreateTable",
        {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", "StreamSpecification": stream, **table},
    )
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": ITEM})
    engine.call("sqs", "CreateQueue", {"QueueName": "q"})
    service, operation, parameters = CALLS[call]
    return engine.handle(service, request(service, operation, parameters))


def shown(reply: Reply) -> Any:
    """An answer without what is new in each."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without(member) for name, member in value.items() if name not in OF_ITS_OWN}
        return [without(member) for member in value] if isinstance(value, list) else value

    names = {name.lower() for name in reply.headers} - {"date"}
    return reply.status, names, reply.headers.get("Content-Type"), without(json.loads(reply.body))


@pytest.mark.parametrize("call", CALLS)
def test_short_way_answers_as_the_long_one(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, headers and body are the same either way, refusals included."""
    short = answer(call)
    monkeypatch.setattr(json_calls, "is_plain", lambda *_: False)

    assert shown(short) == shown(answer(call))


@pytest.mark.parametrize(
    "changed",
    [
        lambda _: request("sqs", "SendMessage", {"MessageAttributes": {"a": {"BinaryValue": "AAEC"}}}),
        lambda _: request("sqs", "SendMessage", {"DelaySeconds": None}),
        lambda _: request("sqs", "SendMessage", {}, **{"content-encoding": "gzip"}),
        lambda _: request("sqs", "SendMessage", {}, **{"content-type": "application/x-www-form-urlencoded"}),
        lambda call: Request(method="POST", path="/q", query="", headers=call.headers, body=call.body),
        lambda call: Request(method="POST", path="/", query="Action=x", headers=call.headers, body=call.body),
        lambda call: Request(method="POST", path="/", query="", headers=call.headers, body=b""),
    ],
)
def test_call_that_is_not_plain_goes_the_long_way(changed: Callable[[Request], Request]) -> None:
    """Blobs, nulls, compression, other protocols and addresses are left to moto."""
    plain = request("sqs", "SendMessage", {"QueueUrl": "q"})

    assert json_calls.is_plain("sqs", plain)
    assert not json_calls.is_plain("sqs", changed(plain))
    assert not json_calls.is_plain("sns", plain)


def test_blob_is_stored_as_bytes() -> None:
    """A binary attribute comes back as it was put."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "id"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": KEY | {"b": {"B": b"\x00\x01"}}})

    assert engine.call("dynamodb", "GetItem", {"TableName": "t", "Key": KEY})["Item"]["b"] == {"B": b"\x00\x01"}


def test_refusal_has_the_code_of_the_service() -> None:
    """A call made inside this process fails with the service's own code and message."""
    engine = Engine(account_id="123456789012", region="us-east-1")

    with pytest.raises(EngineError, match="not found") as refused:
        engine.call("dynamodb", "GetItem", {"TableName": "nowhere", "Key": KEY})
    assert refused.value.code == "ResourceNotFoundException"
    with pytest.raises(EngineError, match="Missing required parameter"):
        engine.call("dynamodb", "GetItem", {})
