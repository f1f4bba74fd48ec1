"""Tables at the front door, with a meter: what each call of DynamoDB consumed, told and answered.

moto's own figures are constants. Here the items that a call names are weighed in moto's tables before and after it; the
rules are those of `penstock.cloud.capacity`. A call that the service refuses as malformed costs nothing, one whose
condition fails costs what it would have cost: where that was an UpdateItem, what would have become of the item is not
known, and its size as it is stands for both. What a local index fetches from its table is not charged, and a
SELECT without a whole key is charged by what it gives.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from penstock.cloud import capacity
from penstock.cloud.capacity import Charge, Consistency, Index
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.front_door import Call
from penstock.cloud.named_items import STATEMENTS, Action, action_of, consistency_of, named_by, statement_of, table_name
from penstock.cloud.repairs.sizes import stored_bytes
from penstock.cloud.repairs.transactions import done_by
from penstock.cloud.streams import attributes_of, item_bytes

TRANSACTIONS: Final = frozenset({"TransactGetItems", "TransactWriteItems", "ExecuteTransaction"})

_CHARGED_REFUSALS: Final = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "DuplicateItemException"}
)
_CHARGED_ERRORS: Final = frozenset({None, "ConditionalCheckFailed", "DuplicateItem"})
"""What a statement of a batch may come to and still cost something."""

_FILTERS: Final = ("FilterExpression", "ProjectionExpression", "AttributesToGet", "Select", "QueryFilter", "ScanFilter")


def measure_charges(metrics: Metrics, charges: Sequence[Charge]) -> None:
    """Add what a call consumed; a local index counts for its table (*DynamoDB metrics and dimensions*)."""
    for charge, times in Counter(charges).items():
        dimensions = {"TableName": charge.table}
        if charge.index is not None and charge.index.kind == "global":
            dimensions["GlobalSecondaryIndexName"] = charge.index.name
        name = f"Consumed{charge.kind.title()}CapacityUnits"
        metrics.add("AWS/DynamoDB", name, charge.units, dimensions, times=times)


class MeteredTables:
    """Answers the calls of DynamoDB by the engine and says what they consumed."""

    def __init__(self, engine: Engine, *, on_consumed: Callable[[Call, Sequence[Charge]], None]) -> None:
        """``on_consumed`` hears of every call that cost something, before it is answered."""
        self._engine = engine
        self._on_consumed = on_consumed

    @property
    def _backend(self) -> Any:
        """moto's tables; a reset of the engine may put others in their place."""
        return self._engine.backend("dynamodb")

    async def answer(self, call: Call) -> Reply:
        """Answer a call at the front door; one that asks for its consumed capacity gets the figures told here."""
        parameters = call.parameters()
        if call.operation in ("Query", "Scan"):
            reply = self._engine.handle("dynamodb", call.request)
            groups = [] if reply.status >= 300 else [self._of_reading(call, parameters, reply)]
        elif call.operation in STATEMENTS:
            reply, groups = self._execute(call, parameters)
        else:
            actions = named_by(call.operation, parameters)
            reply, groups = self._handle(call, parameters, actions)
        charges = [charge for group in groups for charge in group]
        if charges:
            self._on_consumed(call, charges)
        return _told(reply, call.operation, parameters.get("ReturnConsumedCapacity"), groups)

    def _handle(
        self, call: Call, parameters: Mapping[str, Any], actions: Sequence[Action | None]
    ) -> tuple[Reply, list[list[Charge]]]:
        """The answer of the engine, and what each action consumed; nothing for one that is not known."""
        backend, token = self._backend, parameters.get("ClientRequestToken")
        places = [_place_of(action, backend.tables) if action else _NOWHERE for action in actions]
        items = [place.item for place in places]
        done = done_by(backend, token)
        reply = self._engine.handle("dynamodb", call.request)
        if reply.status >= 300 and _refusal(reply) not in _CHARGED_REFUSALS:
            return reply, []
        if done is not None and done_by(backend, token) is done:
            actions = [replace(action, verb="get") if action else None for action in actions]
        transactional = call.operation in TRANSACTIONS
        return reply, [
            list(_of_action(action, place, old, transactional)) if action else []
            for action, place, old in zip(actions, places, items, strict=True)
        ]

    def _execute(self, call: Call, parameters: Mapping[str, Any]) -> tuple[Reply, list[list[Charge]]]:
        """Statements of PartiQL cost like the calls that they stand for; one that is refused as such costs nothing."""
        tables = self._backend.tables
        member = STATEMENTS[call.operation]
        requests = parameters.get(member, ()) if member else (parameters,)
        statements = [statement_of(request) for request in requests]
        actions = [
            action_of(request, statement, tables) if statement else None
            for request, statement in zip(requests, statements, strict=True)
        ]
        reply, groups = self._handle(call, parameters, actions)
        answer = json.loads(reply.body) if groups else {}
        if call.operation == "BatchExecuteStatement":
            errors = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
            groups = [group if error in _CHARGED_ERRORS else [] for group, error in zip(groups, errors, strict=True)]
        elif call.operation == "ExecuteStatement" and groups == [[]] and statements[0] is not None:
            found = sum(item_bytes(item) for item in answer.get("Items", ()))
            index = self._index_of(statements[0].table, statements[0].index)
            units = capacity.read_units(found, consistency_of(parameters))
            groups = [[Charge(table=statements[0].table, kind="read", units=units, index=index)]]
        return reply, groups

    def _of_reading(self, call: Call, parameters: Mapping[str, Any], reply: Reply) -> list[Charge]:
        """A Query or Scan is weighed by all that it looked at, so without its filter where it has one."""
        if any(name in parameters for name in _FILTERS):
            reply = self._engine.handle("dynamodb", _unfiltered(call.request, parameters))
        table = table_name(parameters["TableName"])
        looked_at = sum(item_bytes(item) for item in json.loads(reply.body).get("Items", ()))
        index = self._index_of(table, parameters.get("IndexName"))
        units = capacity.read_units(looked_at, consistency_of(parameters))
        return [Charge(table=table, kind="read", units=units, index=index)]

    def _index_of(self, table_name: str, index_name: str | None) -> Index | None:
        indexes = _indexes_of(self._backend.tables.get(table_name))
        return next((index for index in indexes if index.name == index_name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an item lies or may lie: moto's table, its indexes, and the item's typed key there."""

    table: Any = None
    indexes: tuple[Index, ...] = ()
    key: tuple[Any, ...] = ()

    @property
    def item(self) -> Any:
        """moto's item that lies there now, or ``None``; a write puts another one there."""
        found = self.table.items.get(self.key[0]) if self.key else None
        return found.get(self.key[1]) if found is not None and len(self.key) > 1 else found


_NOWHERE: Final = _Place()


def _place_of(action: Action, tables: Mapping[str, Any]) -> _Place:
    """The place of an action's item among moto's tables; nowhere without a table or a whole key in DynamoDB JSON."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    table, key = tables.get(action.table), action.key
    if table is None or not all(isinstance(key.get(name), dict) for name in table.table_key_attrs):
        return _NOWHERE
    typed = tuple([DynamoType(_key_value(key[name])) for name in table.table_key_attrs])
    return _Place(table=table, indexes=_indexes_of(table), key=typed)


def _key_value(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A key attribute as moto keeps it: binary values as bytes."""
    return {"B": base64.b64decode(value["B"])} if "B" in value else value


def _of_action(action: Action, place: _Place, old: Any, transactional: bool) -> Iterator[Charge]:
    """What an action consumed that is done or was refused by its condition; ``old`` is moto's item from before."""
    table = action.table
    if action.verb == "get":
        consistency: Consistency = "transactional" if transactional else action.consistency
        yield Charge(table=table, kind="read", units=capacity.read_units(_size(old), consistency))
        return
    new = place.item
    # A put makes a new item of moto's; where the old one is still there, it was refused.
    new_bytes = item_bytes(action.key) if action.verb == "put" and new is old else _size(new)
    units = capacity.write_units(_size(old), new_bytes, transactional=transactional)
    yield Charge(table=table, kind="write", units=units)
    if not place.indexes:
        return
    before, after = (None if item is None else attributes_of(item) for item in (old, new))
    for index in place.indexes:
        units = capacity.index_write_units(index, before, after)
        if units:
            yield Charge(table=table, kind="write", units=units, index=index)


def _size(item: Any) -> int:
    """Bytes of moto's item, 0 for none."""
    return 0 if item is None else stored_bytes(item)


def _indexes_of(table: Any) -> tuple[Index, ...]:
    """The secondary indexes of moto's table; none where there is no table."""
    if table is None or not (table.global_indexes or table.indexes):
        return ()
    kinds: tuple[tuple[Literal["global", "local"], Any], ...] = (
        ("global", table.global_indexes),
        ("local", table.indexes),
    )
    return tuple(_index(kind, index, table.table_key_attrs) for kind, indexes in kinds for index in indexes)


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


def _told(reply: Reply, operation: str, detail: Any, groups: Sequence[Sequence[Charge]]) -> Reply:
    """The answer with the figures of this file in place of the engine's, where they were asked for."""
    charges = [charge for group in groups for charge in group]
    if detail not in ("TOTAL", "INDEXES") or not charges or reply.status >= 300:
        return reply
    transactional = operation in TRANSACTIONS
    apart = groups if operation == "BatchExecuteStatement" else [charges]
    told = [
        each
        for group in apart
        for each in capacity.consumed_capacity(group, detail=detail, transactional=transactional)
    ]
    several = transactional or operation.startswith("Batch")
    body = json.loads(reply.body) | {"ConsumedCapacity": told if several else told[0]}
    return replace(reply, body=json.dumps(body, ensure_ascii=False).encode())
