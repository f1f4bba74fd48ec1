"""Which items a call of DynamoDB names by their keys, and what it does to each.

A statement of PartiQL is the call that it stands for. Queries and Scans, which find their items by conditions, name
none; neither does a call that is malformed: the service refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from penstock.cloud.capacity import Consistency
from penstock.cloud.repairs.partiql import PartiqlError, Statement, read_statement

Verb = Literal["get", "put", "update", "delete", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a call does to one item; ``key`` holds at least the item's key, for a put the whole item."""

    verb: Verb
    table: str
    key: Mapping[str, Any]
    consistency: Consistency = "eventual"


STATEMENTS: Final[Mapping[str, str | None]] = {
    "ExecuteStatement": None,
    "BatchExecuteStatement": "Statements",
    "ExecuteTransaction": "TransactStatements",
}
"""Operation of PartiQL → the parameter that lists its statements."""


def actions_of(operation: str, parameters: Mapping[str, Any]) -> Iterator[Action]:
    """The items that a call of DynamoDB names by their keys, in its order; none for other operations."""
    match operation:
        case "GetItem":
            yield _get(parameters["TableName"], parameters, parameters["Key"])
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield _write(operation.removesuffix("Item"), parameters)
        case "BatchGetItem":
            for name, asked in parameters["RequestItems"].items():
                yield from (_get(name, asked, key) for key in asked["Keys"])
        case "BatchWriteItem":
            for name, requests in parameters["RequestItems"].items():
                for request in requests:
                    for kind, what in request.items():
                        yield _write(kind.removesuffix("Request"), {"TableName": name, **what})
        case "TransactGetItems":
            yield from (_get(item["Get"]["TableName"], {}, item["Get"]["Key"]) for item in parameters["TransactItems"])
        case "TransactWriteItems":
            for item in parameters["TransactItems"]:
                for kind, what in item.items():
                    yield _write(kind, what)


def named_by(operation: str, parameters: Mapping[str, Any]) -> list[Action]:
    """The same as a list, empty for a malformed call."""
    try:
        return list(actions_of(operation, parameters))
    except (AttributeError, KeyError, TypeError):  # malformed: the service says so, and nothing is consumed
        return []


def table_name(name_or_arn: str) -> str:
    """A table's name, which calls may also give as its ARN."""
    return name_or_arn.rpartition(":table/")[2]


_VERBS: Final[Mapping[str, Verb]] = {"Put": "put", "Update": "update", "Delete": "delete", "ConditionCheck": "check"}


def _write(kind: str, what: Mapping[str, Any]) -> Action:
    return Action(verb=_VERBS[kind], table=table_name(what["TableName"]), key=what["Item" if kind == "Put" else "Key"])


def _get(table: str, asked: Mapping[str, Any], key: Mapping[str, Any]) -> Action:
    return Action(verb="get", table=table_name(table), key=key, consistency=consistency_of(asked))


def consistency_of(asked: Mapping[str, Any]) -> Consistency:
    """How consistent a read outside a transaction is asked to be."""
    return "strong" if asked.get("ConsistentRead") else "eventual"


def statement_of(request: Mapping[str, Any]) -> Statement | None:
    """The statement of a request for one, or ``None`` where it cannot be read."""
    try:
        return read_statement(request["Statement"], request.get("Parameters") or ())
    except (KeyError, PartiqlError):  # malformed: the service says so, and nothing is consumed
        return None


_STATEMENT_VERBS: Final[Mapping[str, Verb]] = {
    "SELECT": "get",
    "INSERT": "put",
    "UPDATE": "update",
    "DELETE": "delete",
    "EXISTS": "check",
}


def action_of(request: Mapping[str, Any], statement: Statement, tables: Mapping[str, Any]) -> Action | None:
    """What a statement does to the one item that it names, or ``None`` where it names none by its whole key."""
    table = tables.get(statement.table)
    equal = {each.name: each.value for each in statement.where if each.name is not None}
    key = statement.item if statement.kind == "INSERT" else equal
    if table is None or statement.index is not None or any(name not in key for name in table.table_key_attrs):
        return None
    consistency = consistency_of(request)
    return Action(verb=_STATEMENT_VERBS[statement.kind], table=statement.table, key=key, consistency=consistency)
