"""What a DynamoDB call asks for: batches and transactions are taken apart as AWS does.

Source: service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB"; developer guide,
"IAM and transactions" and "IAM security policies with PartiQL for DynamoDB".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from penstock.cloud.named_items import STATEMENTS
from penstock.cloud.policies.access import Ask

Place = Callable[[str], str]
"""The last part of an ARN (``table/Orders``), or a whole ARN → the ARN."""


class Unmapped(Exception):
    """It is not known here what an operation asks for; the text names it."""


_ITEM_OPERATIONS: Final = frozenset({"DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"})
_TABLE_OPERATIONS: Final = frozenset(
    {"CreateTable", "DeleteTable", "DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "UpdateTable"}
    | {"UpdateTimeToLive"}
)
_STREAM_OPERATIONS: Final = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})
_MEMBERS: Final = {"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Get": "GetItem"} | {
    "Put": "PutItem",
    "Update": "UpdateItem",
}
"""Member of a transaction → the action that it asks for."""


def asked(operation: str, parameters: Mapping[str, Any], place: Place) -> Iterator[Ask]:
    """The permissions of one call; raises `Unmapped` for an operation that is not known here."""
    if operation in _ITEM_OPERATIONS:
        yield _item_ask(operation, parameters, place)
    elif operation in _TABLE_OPERATIONS:
        yield Ask(action=f"dynamodb:{operation}", resource=_table(parameters["TableName"], place))
    elif operation in _STREAM_OPERATIONS:
        yield Ask(action=f"dynamodb:{operation}", resource=_stream(parameters, place))
    elif operation == "ListTables":
        yield Ask(action="dynamodb:ListTables", resource=place("table/*"))
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table, requests in parameters.get("RequestItems", {}).items():
            yield _batch_ask(operation, table, requests, parameters, place)
    elif operation in ("TransactGetItems", "TransactWriteItems"):
        for member in parameters.get("TransactItems", ()):
            for kind, inner in member.items():
                yield _item_ask(_MEMBERS[kind], {**inner, "EnclosingOperation": operation}, place)
    else:
        yield from _statements(operation, parameters, place)


def _item_ask(operation: str, parameters: Mapping[str, Any], place: Place) -> Ask:
    items = [parameters[name] for name in ("Key", "Item") if name in parameters]
    resource = _table(parameters["TableName"], place)
    if parameters.get("IndexName"):
        resource += f"/index/{parameters['IndexName']}"
    return Ask(action=f"dynamodb:{operation}", resource=resource, details={**parameters, "Items": items})


def _batch_ask(operation: str, table: str, requests: Any, parameters: Mapping[str, Any], place: Place) -> Ask:
    """One permission for all items of a table."""
    if operation == "BatchGetItem":
        details = {**requests, "Items": requests.get("Keys", ())}
    else:
        written = [inner for request in requests for inner in request.values()]
        details = {"Items": [request.get("Item") or request.get("Key") for request in written]}
    returned = {name: value for name, value in parameters.items() if name == "ReturnConsumedCapacity"}
    return Ask(action=f"dynamodb:{operation}", resource=_table(table, place), details={**details, **returned})


_NAME = r"""\s+(?:"([^"]+)"|([\w.-]+))(?:\s*\.\s*"([^"]+)")?"""
_PARTIQL: Final = (
    ("PartiQLInsert", re.compile(rf"\s*INSERT\s+INTO{_NAME}", re.IGNORECASE)),
    ("PartiQLUpdate", re.compile(rf"\s*UPDATE{_NAME}", re.IGNORECASE)),
    ("PartiQLDelete", re.compile(rf"\s*DELETE\s+FROM{_NAME}", re.IGNORECASE)),
    ("PartiQLSelect", re.compile(rf"\s*SELECT\b.*?\bFROM{_NAME}", re.IGNORECASE | re.DOTALL)),
)


def _statements(operation: str, parameters: Mapping[str, Any], place: Place) -> Iterator[Ask]:
    if operation not in STATEMENTS:
        raise Unmapped(f"dynamodb:{operation}")
    member = STATEMENTS[operation]
    for each in parameters.get(member, ()) if member else (parameters,):
        action, table, index = _statement(each["Statement"])
        resource = _table(table, place) + (f"/index/{index}" if index else "")
        yield Ask(action=f"dynamodb:{action}", resource=resource, details={**each, "EnclosingOperation": operation})


def _statement(text: str) -> tuple[str, str, str | None]:
    """The action, the table and the index of a PartiQL statement."""
    for action, pattern in _PARTIQL:
        if match := pattern.match(text):
            return action, match[1] or match[2], match[3]
    raise Unmapped(f"the PartiQL statement {text!r}")


def _table(name: str, place: Place) -> str:
    return name if name.startswith("arn:") else place(f"table/{name}")


def _stream(parameters: Mapping[str, Any], place: Place) -> str:
    """A call names its stream, a shard iterator begins with it; ListStreams asks for the streams of a table, or all."""
    if "StreamArn" in parameters:
        return str(parameters["StreamArn"])
    if "ShardIterator" in parameters:
        return str(parameters["ShardIterator"]).partition("|")[0]
    return _table(parameters.get("TableName", "*"), place) + "/stream/*"
