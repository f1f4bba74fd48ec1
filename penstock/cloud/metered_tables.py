"""Tables at the front door, with a meter: what each call of DynamoDB consumed, told and answered.

moto's own figures are constants. Here the items that a call names are weighed in moto's tables before and after it; the
rules are those of `penstock.cloud.capacity`. A call that the service refuses as malformed costs nothing, one whose
condition fails costs what it would have cost: where that was an UpdateItem, what would have become of the item is not
known, and its size as it is stands for both. What a local index fetches from its table is not charged.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from penstock.cloud import capacity
from penstock.cloud.capacity import Charge, Consistency, Index
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.front_door import Call
from penstock.cloud.metrics import Metrics
from penstock.cloud.streams import attributes_of, item_bytes

Verb = Literal["get", "put", "update", "delete", "check"]

TRANSACTIONS: Final = frozenset({"TransactGetItems", "TransactWriteItems", "ExecuteTransaction"})

_CHARGED_REFUSALS: Final = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "DuplicateItemException"}
)
_FILTERS: Final = ("FilterExpression", "ProjectionExpression", "AttributesToGet", "Select", "QueryFilter", "ScanFilter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a call does to one item; ``key`` holds at least the item's key, for a put the whole item."""

    verb: Verb
    table: str
    key: Mapping[str, Any]
    consistency: Consistency = "eventual"


def measure_charges(metrics: Metrics, charges: Sequence[Charge]) -> None:
    """Add what a call consumed; a local index counts for its table (*DynamoDB metrics and dimensions*)."""
    for charge in charges:
        dimensions = {"TableName": charge.table}
        if charge.index is not None and charge.index.kind == "global":
            dimensions["GlobalSecondaryIndexName"] = charge.index.name
        metrics.add("AWS/DynamoDB", f"Consumed{charge.kind.title()}CapacityUnits", charge.units, dimensions)


class MeteredTables:
    """Answers the calls of DynamoDB by the engine and says what they consumed."""

    def __init__(self, engine: Engine, *, on_consumed: Callable[[Call, Sequence[Charge]], None]) -> None:
        """``on_consumed`` hears of every call that cost something, before it is answered."""
        self._engine = engine
        self._on_consumed = on_consumed

    async def answer(self, call: Call) -> Reply:
        """Answer a call at the front door; one that asks for its consumed capacity gets the figures told here."""
        parameters = call.parameters()
        if call.operation in ("Query", "Scan"):
            reply = self._engine.handle("dynamodb", call.request)
            charges = [] if reply.status >= 300 else list(self._of_reading(call, parameters, reply))
        else:
            actions = _named_by(call.operation, parameters)
            weighed = [self._weigh(action) for action in actions]
            reply = self._engine.handle("dynamodb", call.request)
            charges = []
            if reply.status < 300 or _refusal(reply) in _CHARGED_REFUSALS:
                transactional = call.operation in TRANSACTIONS
                for action, before in zip(actions, weighed, strict=True):
                    charges += self._of_action(action, before, transactional)
        if charges:
            self._on_consumed(call, charges)
        return _told(reply, call.operation, parameters.get("ReturnConsumedCapacity"), charges)

    def _of_action(self, action: Action, before: _Weighed, transactional: bool) -> Iterator[Charge]:
        table = action.table
        if action.verb == "get":
            consistency: Consistency = "transactional" if transactional else action.consistency
            yield Charge(table=table, kind="read", units=capacity.read_units(before.size_bytes, consistency))
            return
        after = self._weigh(action, anew=True)
        new_bytes = max(after.size_bytes, item_bytes(action.key) if action.verb == "put" else 0)
        units = capacity.write_units(before.size_bytes, new_bytes, transactional=transactional)
        yield Charge(table=table, kind="write", units=units)
        for index in self._indexes_of(table):
            units = capacity.index_write_units(index, before.attributes, after.attributes)
            if units:
                yield Charge(table=table, kind="write", units=units, index=index)

    def _of_reading(self, call: Call, parameters: Mapping[str, Any], reply: Reply) -> Iterator[Charge]:
        """A Query or Scan is weighed by all that it looked at, so without its filter where it has one."""
        if any(name in parameters for name in _FILTERS):
            reply = self._engine.handle("dynamodb", _unfiltered(call.request, parameters))
        table = table_name(parameters["TableName"])
        looked_at = sum(item_bytes(item) for item in json.loads(reply.body).get("Items", ()))
        index = next((each for each in self._indexes_of(table) if each.name == parameters.get("IndexName")), None)
        consistency: Consistency = "strong" if parameters.get("ConsistentRead") else "eventual"
        yield Charge(table=table, kind="read", units=capacity.read_units(looked_at, consistency), index=index)

    def _weigh(self, action: Action, *, anew: bool = False) -> _Weighed:
        """The item as it lies in its table; its size is kept with it, since only calls that pass here change it."""
        table = self._engine.backend("dynamodb").tables.get(action.table)
        item = _stored(table, action.key)
        if item is None:
            return _NOTHING
        attributes = attributes_of(item) if self._indexes_of(action.table) else None
        if anew or not hasattr(item, "size_bytes"):
            item.size_bytes = item_bytes(attributes if attributes is not None else attributes_of(item))
        return _Weighed(size_bytes=item.size_bytes, attributes=attributes)

    def _indexes_of(self, table_name: str) -> tuple[Index, ...]:
        table = self._engine.backend("dynamodb").tables.get(table_name)
        if table is None or not (table.global_indexes or table.indexes):
            return ()
        kinds: tuple[tuple[Literal["global", "local"], Any], ...] = (
            ("global", table.global_indexes),
            ("local", table.indexes),
        )
        return tuple(_index(kind, index, table.table_key_attrs) for kind, indexes in kinds for index in indexes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """An item's size, and the item itself where there are indexes to look after."""

    size_bytes: int = 0
    attributes: Mapping[str, Any] | None = None


_NOTHING: Final = _Weighed()


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


def _named_by(operation: str, parameters: Mapping[str, Any]) -> list[Action]:
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
    consistency: Consistency = "strong" if asked.get("ConsistentRead") else "eventual"
    return Action(verb="get", table=table_name(table), key=key, consistency=consistency)


def _stored(table: Any, key: Mapping[str, Any]) -> Any:
    """The item of a moto table under a key in DynamoDB JSON, or ``None``."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    if table is None or not all(isinstance(key.get(name), dict) for name in table.table_key_attrs):
        return None
    values = [DynamoType(_key_value(key[name])) for name in table.table_key_attrs]
    found = table.items.get(values[0])
    return found.get(values[1]) if found is not None and len(values) > 1 else found


def _key_value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A key attribute as moto keeps it: binary values as bytes."""
    return {"B": base64.b64decode(value["B"])} if "B" in value else value


def _index(kind: Literal["global", "local"], index: Any, table_keys: Sequence[str]) -> Index:
    """moto's index as data."""
    keys = tuple(index.schema_key_attrs)
    projection = index.projection or {"ProjectionType": "ALL"}
    attributes = None
    if projection["ProjectionType"] != "ALL":
        attributes = frozenset({*keys, *table_keys, *projection.get("NonKeyAttributes", ())})
    return Index(name=index.name, kind=kind, key_names=keys, attributes=attributes)


def _unfiltered(request: Request, parameters: Mapping[str, Any]) -> Request:
    """The same reading without filter and projection, and without the names and values that only these used."""
    left = {name: value for name, value in parameters.items() if name not in _FILTERS}
    used = set(re.findall(r"[#:][\w.-]+", parameters.get("KeyConditionExpression", "")))
    for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        known = {key: value for key, value in left.pop(name, {}).items() if key in used}
        if known:
            left[name] = known
    return replace(request, body=json.dumps(left).encode())


def _refusal(reply: Reply) -> str:
    """The name of the exception that a service answered with."""
    kind = json.loads(reply.body or b"{}").get("__type", "")
    return str(kind).rpartition("#")[2]


def _told(reply: Reply, operation: str, detail: Any, charges: Sequence[Charge]) -> Reply:
    """The answer with the figures of this file in place of the engine's, where they were asked for."""
    if detail not in ("TOTAL", "INDEXES") or not charges or reply.status >= 300:
        return reply
    told = capacity.consumed_capacity(charges, detail=detail, transactional=operation in TRANSACTIONS)
    several = operation in TRANSACTIONS or operation.startswith("Batch")
    body = json.loads(reply.body) | {"ConsumedCapacity": told if several else told[0]}
    return replace(reply, body=json.dumps(body, ensure_ascii=False).encode())
