"""What differs between an endpoint's answers and AWS's, and how it is made the same.

ARNs, both ways: an endpoint has a region, an account and stream labels of its own, and functions see those of the
template. Items are never touched, whatever they hold. And the oddities of DynamoDB Local in stream records and
capacity figures (observed on 3.3.0):

- ``awsRegion`` is ``ddblocal``;
- a removal by time to live has the event name ``UNKNOWN_TO_SDK_VERSION`` and no ``userIdentity``;
- an empty map in an image has no type: ``{}`` instead of ``{"M": {}}``;
- creation times are rounded to the minute;
- the consumed capacity of transactions is wrong, and is therefore left out of their answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from penstock.cloud.engine import Reply
from penstock.cloud.named_items import table_name

SERVICE: Final = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
_TRANSACTIONS: Final = frozenset({"TransactGetItems", "TransactWriteItems", "ExecuteTransaction"})
_ITEM_OPERATIONS: Final = _TRANSACTIONS | {
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
}
"""Operations whose bodies hold items or iterators: only what names a table or a stream is changed there."""


class Translation:
    """The names of one template and of one endpoint, each for the other."""

    def __init__(self, region: str) -> None:
        """``region`` is the template's."""
        self._region = region
        self._here: dict[str, str] = {}
        self._there: dict[str, str] = {}

    def learn(self, *, table_arn: str, described: Mapping[str, Any], stream_arn: str | None) -> None:
        """Take in what a table and its stream are called here, and there by its TableDescription."""
        if stream_arn is not None:
            there = described["LatestStreamArn"]
            label, label_there = stream_arn.rpartition("/")[2], described["LatestStreamLabel"]
            self._here = {there: stream_arn, label_there: label, **self._here}
            self._there = {stream_arn: there, **self._there}
        # Texts are replaced in this order: what the ARNs of streams begin with comes after them.
        prefix, prefix_there = (arn.rpartition(":table/")[0] for arn in (table_arn, described["TableArn"]))
        self._here[f"{prefix_there}:"] = f"{prefix}:"
        self._there[f"{prefix}:"] = f"{prefix_there}:"

    def request(self, operation: str, body: bytes) -> bytes:
        """A request's body as the endpoint takes it."""
        if b'"arn:' not in body:
            return body
        text = json.dumps(self._named(json.loads(body)))
        return (text if operation in _ITEM_OPERATIONS else _replaced(text, self._there)).encode()

    def reply(self, operation: str, reply: Reply) -> Reply:
        """An answer as AWS would give it for this template."""
        if reply.status >= 300:
            body = self._refusal(reply.body)
        elif operation == "GetRecords":
            answer = json.loads(reply.body)
            answer["Records"] = [self.record(record) for record in answer["Records"]]
            body = json.dumps(answer).encode()
        elif operation in _TRANSACTIONS:
            answer = json.loads(reply.body or b"{}")
            answer.pop("ConsumedCapacity", None)
            body = json.dumps(answer).encode()
        elif operation in _ITEM_OPERATIONS:
            body = reply.body
        else:
            body = _replaced(reply.body.decode(), self._here).encode()
        return Reply(status=reply.status, headers=reply.headers, body=body)

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A stream record of GetRecords as AWS would give it."""
        mended = {**record, "awsRegion": self._region, "dynamodb": dict(record["dynamodb"])}
        for part in ("Keys", "NewImage", "OldImage"):
            if part in mended["dynamodb"]:
                image = mended["dynamodb"][part]
                mended["dynamodb"][part] = {name: _typed(value) for name, value in image.items()}
        if record["eventName"] == "UNKNOWN_TO_SDK_VERSION":
            mended |= {"eventName": "REMOVE", "userIdentity": SERVICE}
        return mended

    def _named(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters with tables called by name and streams by their ARN there.

        Not every endpoint takes a table's ARN in place of its name.
        """
        if "StreamArn" in params:
            params["StreamArn"] = _replaced(params["StreamArn"], self._there)
        if "RequestItems" in params:
            params["RequestItems"] = {table_name(key): value for key, value in params["RequestItems"].items()}
        actions = [action for item in params.get("TransactItems", ()) for action in item.values()]
        for named in (params, *actions):
            if "TableName" in named:
                named["TableName"] = table_name(named["TableName"])
        return params

    def _refusal(self, body: bytes) -> bytes:
        try:
            refusal = json.loads(body)
        except ValueError:
            return body  # of something on the way there, which speaks no JSON
        for key in {"message", "Message"} & refusal.keys():
            if isinstance(refusal[key], str):
                refusal[key] = _replaced(refusal[key], self._here)
        return json.dumps(refusal).encode()


def lambda_record(record: Mapping[str, Any], *, stream_arn: str, now_ms: int) -> dict[str, Any]:
    """A translated record as a function's event has it, created in the second of ``now_ms``."""
    body = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": record["awsRegion"],
        "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": float(now_ms // 1000)},
        "eventSourceARN": stream_arn,
    }
    if "userIdentity" in record:
        identity = record["userIdentity"]
        body["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return body


def _typed(value: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute value whose every empty map has its type."""
    match value:
        case {"M": members}:
            return {"M": {name: _typed(member) for name, member in members.items()}}
        case {"L": members}:
            return {"L": [_typed(member) for member in members]}
        case _:
            return dict(value) or {"M": {}}


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text
