"""What each call asks for."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from penstock.cloud.callers import Caller
from penstock.cloud.engine import Request
from penstock.cloud.front_door import Call, operation_of
from penstock.cloud.policies.access import Principal
from penstock.cloud.policies.context import Asking, NotKnown, Surroundings, context_of
from penstock.cloud.policies.requests import Place, asked
from penstock.cloud.policies.table_requests import Unmapped

ACCOUNT = "123456789012"
CALLER = Caller(name="relay", arn=f"arn:aws:iam::{ACCOUNT}:role/relay", access_key="k", secret_key="s")
PLACE = Place(account_id=ACCOUNT, region="us-east-1", machine_of={"token": "arn:of:machine"}.get)
TABLES = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/"


def json_call(service: str, operation: str, **parameters: Any) -> Call:
    """A call in one of the JSON protocols."""
    return Call(
        caller=CALLER,
        service=service,
        operation=operation,
        region="us-east-1",
        request=Request(
            method="POST",
            path="/",
            query="",
            headers={"content-type": "application/x-amz-json-1.0"},
            body=json.dumps(parameters).encode(),
        ),
    )


def permissions(call: Call) -> list[tuple[str, str]]:
    """The actions and resources that a call asks for."""
    return [(ask.action, ask.resource) for ask in asked(call, PLACE)]


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("PutItem", {"TableName": "T", "Item": {}}, [("PutItem", "T")]),
        ("GetItem", {"TableName": f"{TABLES}T", "Key": {}}, [("GetItem", "T")]),
        ("Query", {"TableName": "T"}, [("Query", "T")]),
        ("Query", {"TableName": "T", "IndexName": "I"}, [("Query", "T/index/I")]),
        ("ListTables", {}, [("ListTables", "*")]),
        (
            "BatchWriteItem",
            {"RequestItems": {"T": [{"PutRequest": {"Item": {}}}, {"DeleteRequest": {"Key": {}}}], "U": []}},
            [("BatchWriteItem", "T"), ("BatchWriteItem", "U")],
        ),
        ("BatchGetItem", {"RequestItems": {"T": {"Keys": [{}]}}}, [("BatchGetItem", "T")]),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "T", "Item": {}}},
                    {"Update": {"TableName": "T", "Key": {}}},
                    {"Delete": {"TableName": "U", "Key": {}}},
                    {"ConditionCheck": {"TableName": "T", "Key": {}}},
                ]
            },
            [("PutItem", "T"), ("UpdateItem", "T"), ("DeleteItem", "U"), ("ConditionCheckItem", "T")],
        ),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "T", "Key": {}}}]}, [("GetItem", "T")]),
        ("ExecuteStatement", {"Statement": 'SELECT * FROM "T"."I" WHERE a = ?'}, [("PartiQLSelect", "T/index/I")]),
        (
            "BatchExecuteStatement",
            {
                "Statements": [
                    {"Statement": "insert into T value {'a': 1}"},
                    {"Statement": 'UPDATE "T" SET b = 1'},
                    {"Statement": "DELETE FROM T WHERE a = 1"},
                ]
            },
            [("PartiQLInsert", "T"), ("PartiQLUpdate", "T"), ("PartiQLDelete", "T")],
        ),
        ("GetShardIterator", {"StreamArn": f"{TABLES}T/stream/x"}, [("GetShardIterator", "T/stream/x")]),
        ("GetRecords", {"ShardIterator": f"{TABLES}T/stream/x|1|AAAA"}, [("GetRecords", "T/stream/x")]),
        ("ListStreams", {"TableName": "T"}, [("ListStreams", "T/stream/*")]),
    ],
)
def test_table_calls(operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """A batch asks once for a table, a transaction and a list of statements for each member by its own action."""
    found = permissions(json_call("dynamodb", operation, **parameters))

    assert found == [(f"dynamodb:{action}", TABLES + resource) for action, resource in expected]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            json_call("sqs", "SendMessageBatch", QueueUrl=f"http://127.0.0.1:1/{ACCOUNT}/q"),
            [("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")],
        ),
        (json_call("sqs", "GetQueueUrl", QueueName="q"), [("sqs:GetQueueUrl", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")]),
        (
            json_call("events", "PutEvents", Entries=[{"EventBusName": "b"}, {}]),
            [
                ("events:PutEvents", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b"),
                ("events:PutEvents", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"),
            ],
        ),
        (json_call("states", "StartExecution", stateMachineArn="arn:x"), [("states:StartExecution", "arn:x")]),
        (json_call("states", "SendTaskSuccess", taskToken="token"), [("states:SendTaskSuccess", "arn:of:machine")]),
        (
            json_call("states", "ListStateMachines"),
            [("states:ListStateMachines", f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:*")],
        ),
        (json_call("sts", "GetCallerIdentity"), []),
    ],
)
def test_calls_of_other_json_services(call: Call, expected: list[tuple[str, str]]) -> None:
    """Each service's resource is found by name, address, ARN or task token."""
    assert permissions(call) == expected


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "expected"),
    [
        ("PUT", "/b/a/k%20x", "", {}, [("s3:PutObject", "b/a/k x")]),
        ("HEAD", "/b/k", "", {}, [("s3:GetObject", "b/k")]),
        ("GET", "/b/k", "versionId=1", {}, [("s3:GetObjectVersion", "b/k")]),
        ("GET", "/b", "list-type=2", {}, [("s3:ListBucket", "b")]),
        ("HEAD", "/b", "", {}, [("s3:ListBucket", "b")]),
        ("GET", "/", "", {}, [("s3:ListAllMyBuckets", "*")]),
        ("DELETE", "/b/k", "", {}, [("s3:DeleteObject", "b/k")]),
        (
            "PUT",
            "/b/k",
            "",
            {"x-amz-copy-source": "/c/l"},
            [("s3:GetObject", "c/l"), ("s3:PutObject", "b/k")],
        ),
    ],
)
def test_bucket_calls(
    method: str, path: str, query: str, headers: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    """What is done to an object is asked of the object, what is asked of a bucket of the bucket."""
    request = Request(method=method, path=path, query=query, headers=headers, body=b"")
    operation = operation_of("s3", request)
    call = Call(caller=CALLER, service="s3", operation=operation, region="us-east-1", request=request)

    assert permissions(call) == [(action, f"arn:aws:s3:::{resource}") for action, resource in expected]


def test_deletion_of_many_objects_asks_for_each() -> None:
    """Keys are those that the body means, however they are written there, and a version has an action of its own."""
    body = (
        "<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><VersionId>1</VersionId></Object>"
        "<Quiet>true</Quiet></Delete>"
    )
    request = Request(method="POST", path="/b", query="delete", headers={}, body=body.encode())
    call = Call(caller=CALLER, service="s3", operation=operation_of("s3", request), region="us-east-1", request=request)

    assert permissions(call) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/a&b"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/c"),
    ]


@pytest.mark.parametrize(
    ("operation", "form", "action", "expected"),
    [
        ("PublishBatch", {"TopicArn": "arn:t"}, "Publish", "arn:t"),
        ("Publish", {"TargetArn": "arn:t"}, "Publish", "arn:t"),
        ("Publish", {"PhoneNumber": "+35812345"}, "Publish", "+35812345"),
        ("ListTopics", {}, "ListTopics", f"arn:aws:sns:us-east-1:{ACCOUNT}:*"),
        ("ListSubscriptions", {}, "ListSubscriptions", f"arn:aws:sns:us-east-1:{ACCOUNT}:*"),
    ],
)
def test_topic_calls(operation: str, form: dict[str, str], action: str, expected: str) -> None:
    """A publication is asked of its topic, a text message of the number, a list of all that there is."""
    body = urlencode({"Action": operation, **form}).encode()
    request = Request(method="POST", path="/", query="", headers={}, body=body)
    call = Call(caller=CALLER, service="sns", operation=operation, region="us-east-1", request=request)

    assert permissions(call) == [(f"sns:{action}", expected)]


@pytest.mark.parametrize(
    ("named", "query", "expected"),
    [
        ("my-function", "", "my-function"),
        ("my-function", "Qualifier=live", "my-function:live"),
        ("my-function%3Alive", "", "my-function:live"),
        ("arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amy-function", "", "my-function"),
        ("123456789012%3Afunction%3Amy-function", "Qualifier=7", "my-function:7"),
    ],
)
def test_function_calls(named: str, query: str, expected: str) -> None:
    """An invocation is asked of the function, or of its version or alias, however they are named."""
    path = f"/2015-03-31/functions/{named}/invocations"
    request = Request(method="POST", path=path, query=query, headers={}, body=b"")
    operation = operation_of("lambda", request)
    call = Call(caller=CALLER, service="lambda", operation=operation, region="us-east-1", request=request)

    assert permissions(call) == [("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{expected}")]


@pytest.mark.parametrize(
    "call",
    [
        json_call("dynamodb", "CreateBackup", TableName="T"),
        json_call("dynamodb", "ExecuteStatement", Statement="EXISTS (SELECT * FROM T)"),
        json_call("events", "PutRule", Name="r"),
        json_call("kms", "Decrypt"),
        json_call("lambda", "GetFunction"),
        json_call("sqs", "Frobnicate", QueueUrl="q"),
        json_call("sts", "AssumeRole"),
    ],
)
def test_fails_when_it_is_not_known_what_a_call_asks_for(call: Call) -> None:
    """Such a call is named, so that it can be refused."""
    with pytest.raises(Unmapped):
        permissions(call)


def values(key: str, call: Call, *, index: int = 0) -> tuple[str, ...] | None:
    """The values of a condition key for one of the things that a call asks for."""
    principal = Principal(kind="role", label="relay", arn=CALLER.arn, user="session", function_arn="arn:function")
    surroundings = Surroundings(
        account_id=ACCOUNT,
        region="us-east-1",
        now_ms=0,
        source_arn=None,
        partition_keys={("T", None): "pk", ("T", "I"): "other"},
    )
    asking = Asking(principal=principal, ask=asked(call, PLACE)[index], surroundings=surroundings)
    return context_of([key], asking).get(key)


@pytest.mark.parametrize(
    ("operation", "parameters", "leading", "attributes"),
    [
        ("PutItem", {"TableName": "T", "Item": {"pk": {"S": "1"}, "x": {"N": "2"}}}, ("1",), ("pk", "x")),
        (
            "UpdateItem",
            {
                "TableName": "T",
                "Key": {"pk": {"N": "1"}},
                "UpdateExpression": "SET #s = if_not_exists(a.b, :v) REMOVE c[0]",
                "ConditionExpression": "attribute_exists(d) AND size(e) > :n",
                "ExpressionAttributeNames": {"#s": "status"},
            },
            ("1",),
            ("a", "c", "d", "e", "pk", "status"),
        ),
        (
            "Query",
            {
                "TableName": "T",
                "IndexName": "I",
                "KeyConditionExpression": "#o = :o AND pk > :p",
                "ExpressionAttributeNames": {"#o": "other"},
                "ExpressionAttributeValues": {":o": {"S": "mine"}, ":p": {"S": "1"}},
            },
            ("mine",),
            ("other", "pk"),
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"T": {"Keys": [{"pk": {"S": "1"}}, {"pk": {"S": "2"}}]}}},
            ("1", "2"),
            ("pk",),
        ),
    ],
)
def test_keys_and_attributes_of_a_table_call(
    operation: str, parameters: dict[str, Any], leading: tuple[str, ...], attributes: tuple[str, ...]
) -> None:
    """The partition keys and the attributes that a call names are there for fine-grained conditions."""
    call = json_call("dynamodb", operation, **parameters)

    assert values("dynamodb:leadingkeys", call) == leading
    assert values("dynamodb:attributes", call) == attributes


def test_condition_keys_of_a_role() -> None:
    """Global keys say who calls from where; those of services are absent."""
    call = json_call("events", "PutEvents", Entries=[{"Source": "shop", "DetailType": "OrderPlaced"}])

    assert values("aws:principalarn", call) == (CALLER.arn,)
    assert values("aws:principalaccount", call) == (ACCOUNT,)
    assert values("aws:securetransport", call) == ("true",)
    assert values("lambda:sourcefunctionarn", call) == ("arn:function",)
    assert values("aws:sourcearn", call) is None
    assert (values("events:source", call), values("events:detail-type", call)) == (("shop",), ("OrderPlaced",))
    assert values("dynamodb:leadingkeys", call) is None


def test_fails_when_a_key_of_a_statement_is_not_known() -> None:
    """PartiQL is not read for its keys: a policy that depends on them cannot be judged."""
    with pytest.raises(NotKnown, match="LeadingKeys of a PartiQL statement"):
        values("dynamodb:leadingkeys", json_call("dynamodb", "ExecuteStatement", Statement="SELECT * FROM T"))
