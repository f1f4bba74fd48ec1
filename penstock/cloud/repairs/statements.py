"""PartiQL statements, one, in a batch or in a transaction, as changes like all others.

moto hands all items of all tables to a parser for each statement, takes every comparison of an UPDATE for an equality,
reads no parameter of INSERT or DELETE, and writes without regard to what is there.

Source: ExecuteStatement, BatchExecuteStatement, ExecuteTransaction (API reference); PartiQL statements. Our choice: a
batch that names an item twice is refused as a whole, like one of BatchWriteItem.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from penstock.cloud.repairs import changes
from penstock.cloud.repairs.changes import ALWAYS, Change, Condition
from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead, invalid
from penstock.cloud.repairs.partiql import PartiqlError, Statement, read_statement
from penstock.cloud.repairs.transactions import ACTION_LIMIT, Action, commit_together, reason_of
from penstock.cloud.repairs.values import normalized

BATCH_LIMIT = 25


def _execute_statement(handler: Any) -> Any:
    from moto.dynamodb.responses import DynamoResult

    backend, body = handler.dynamodb_backend, handler.body
    statement = _read(body)
    if statement.reads:
        return DynamoResult(_select(backend, statement, body))
    if statement.kind == "EXISTS":
        raise invalid("EXISTS is not supported outside of a transaction")
    change = _prepare(backend, statement, returns_old=_returns_old(body))
    change.commit()
    return DynamoResult({"Items": _returned(statement, change)})


def _batch_execute_statement(handler: Any) -> Any:
    from moto.dynamodb.responses import DynamoResult

    backend, asked = handler.dynamodb_backend, handler.body["Statements"]
    _limit(len(asked), BATCH_LIMIT, "statements")
    read = [_read_or_refuse(each) for each in asked]
    statements = [each for each in read if isinstance(each, Statement)]
    if len({statement.reads for statement in statements}) > 1:
        raise invalid("A batch holds either reads or writes, not both")
    named = [name for name in (_named_item(backend, statement) for statement in statements) if name is not None]
    if len(set(named)) < len(named):
        raise invalid("Provided list of item keys contains duplicates")
    answers = [
        _answer(backend, each, returns_old=_returns_old(request)) if isinstance(each, Statement) else each
        for each, request in zip(read, asked, strict=True)
    ]
    return DynamoResult({"Responses": answers})


def _execute_transaction(handler: Any) -> Any:
    from moto.dynamodb.responses import DynamoResult

    backend, asked = handler.dynamodb_backend, handler.body["TransactStatements"]
    _limit(len(asked), ACTION_LIMIT, "transactStatements")
    statements = [_read(each) for each in asked]
    if len({statement.reads for statement in statements}) > 1:
        raise invalid("A transaction holds either reads or writes, not both")
    if statements[0].reads:
        return DynamoResult({"Responses": [_answer(backend, each, returns_old=False) for each in statements]})
    actions = []
    for statement, request in zip(statements, asked, strict=True):
        table = backend.get_table(statement.table)
        prepare = partial(_prepare, backend, statement, returns_old=_returns_old(request))
        actions.append(Action(table=table, key=_key(table, statement), prepare=prepare))
    commit_together(actions)
    return DynamoResult({"Responses": [{} for _ in statements]})


def _read(request: Mapping[str, Any]) -> Statement:
    try:
        return read_statement(request["Statement"], request.get("Parameters") or ())
    except PartiqlError as error:
        raise invalid(str(error)) from error


def _read_or_refuse(request: Mapping[str, Any]) -> Statement | dict[str, Any]:
    try:
        return read_statement(request["Statement"], request.get("Parameters") or ())
    except PartiqlError as error:
        return {"Error": {"Code": "ValidationError", "Message": str(error)}}


def _named_item(backend: Any, statement: Statement) -> tuple[str, str] | None:
    """(table, key) of the one item that a statement names, or ``None`` where it does not."""
    table = backend.tables.get(statement.table)
    key = {} if table is None else _equalities(table, statement)
    if table is None or len(key) < len(table.table_key_attrs):
        return None
    return statement.table, json.dumps(normalized(key), sort_keys=True, default=repr)


def _answer(backend: Any, statement: Statement, *, returns_old: bool) -> dict[str, Any]:
    """What one statement of a batch comes to: its item, or its error."""
    from moto.dynamodb.exceptions import ResourceNotFoundException

    answer: dict[str, Any] = {"TableName": statement.table}
    try:
        if statement.reads:
            table = backend.get_table(statement.table)
            items = _select_one(table, statement, _key(table, statement))
        else:
            change = _prepare(backend, statement, returns_old=returns_old)
            change.commit()
            items = _returned(statement, change)
        return answer | ({"Item": items[0]} if items else {})
    except ResourceNotFoundException as error:
        return answer | {"Error": {"Code": "ResourceNotFound", "Message": error.message}}
    except Exception as error:  # noqa: BLE001 - whatever is no reason is raised again
        code, message, item = reason_of(error)
        return answer | {"Error": {"Code": code, "Message": message} | ({"Item": item} if item else {})}


def _prepare(backend: Any, statement: Statement, *, returns_old: bool) -> Change:
    """Prepare the change that a writing statement (or EXISTS) asks for."""
    from moto.dynamodb import responses

    table = backend.get_table(statement.table)
    if statement.kind == "INSERT":
        responses.validate_put_has_empty_keys(statement.item, table)
        change = changes.put(table, normalized(statement.item), ALWAYS)
        if change.old is not None:
            raise _duplicate()
        return change
    key = _key(table, statement)
    condition = _condition(table, statement, returns_old=returns_old)
    match statement.kind:
        case "UPDATE":
            return changes.update(table, key, statement.update, condition)
        case "DELETE":
            missing = table.get_item(*changes.key_of(table, key)) is None
            return changes.delete(table, key, ALWAYS if missing else condition)
        case _:
            return changes.check(table, key, condition)


def _equalities(table: Any, statement: Statement) -> dict[str, Any]:
    """The key attributes that a statement gives, as far as it does."""
    if statement.kind == "INSERT":
        return changes.key_in(table, statement.item)
    equal = {conjunct.name: conjunct.value for conjunct in reversed(statement.where) if conjunct.name is not None}
    return changes.key_in(table, equal)


def _key(table: Any, statement: Statement) -> dict[str, Any]:
    key = _equalities(table, statement)
    if len(key) < len(table.table_key_attrs):
        raise invalid("Where clause does not contain a mandatory equality on all key attributes")
    return normalized(key)


def _condition(table: Any, statement: Statement, *, returns_old: bool) -> Condition:
    """That the item is there, and all that the statement says besides its key."""
    names = {**statement.names, "#key": table.hash_key_attr}
    texts = ["attribute_exists(#key)", *(conjunct.text for conjunct in statement.where)]
    return Condition(
        expression=" AND ".join(texts), names=names, values=normalized(statement.values), returns_old=returns_old
    )


def _returned(statement: Statement, change: Change) -> list[dict[str, Any]]:
    """The item that RETURNING asks for, or none."""
    which, _, when = (statement.returning or "").partition(" ")
    item = change.old if when == "OLD" else change.new
    if not which or item is None:
        return []
    if which == "ALL":
        return [dict(item.attrs)]
    return [{name: item.attrs[name] for name in statement.modified if name in item.attrs}]


def _select(backend: Any, statement: Statement, body: Mapping[str, Any]) -> dict[str, Any]:
    """Items by their key, by their partition in the order of the sort key, or by looking at all."""
    table = backend.get_table(statement.table)
    if statement.index is None and len(_equalities(table, statement)) == len(table.table_key_attrs):
        return {"Items": _select_one(table, statement, _key(table, statement))}
    token = body.get("NextToken")
    start = json.loads(base64.b64decode(token)) if token else None
    names, values = dict(statement.names), normalized(statement.values)
    texts = " AND ".join(conjunct.text for conjunct in statement.where) or None
    partition = table.get_index(statement.index, True).schema_key_attrs[0] if statement.index else table.hash_key_attr
    equal = {conjunct.name: conjunct.value for conjunct in statement.where if conjunct.name is not None}
    limit = body.get("Limit")
    if partition in equal:
        hash_key = normalized({partition: equal[partition]})[partition]
        found, _, last = backend.query(
            statement.table, hash_key, None, [], limit, start, True, None, statement.index,
            bool(body.get("ConsistentRead")), names, values, texts,
        )  # fmt: skip
    else:
        found, _, last = backend.scan(
            statement.table, {}, limit, start, texts, names, values, statement.index,
            bool(body.get("ConsistentRead")), None, (None, None),
        )  # fmt: skip
    answer: dict[str, Any] = {"Items": [_chosen(statement, item) for item in found]}
    if last is not None:
        shown = {name: getattr(value, "to_regular_json", lambda value=value: value)() for name, value in last.items()}
        answer["NextToken"] = base64.b64encode(json.dumps(shown).encode()).decode()
    return answer


def _select_one(table: Any, statement: Statement, key: Mapping[str, Any]) -> list[dict[str, Any]]:
    from moto.dynamodb.exceptions import ConditionalCheckFailed

    item = table.get_item(*changes.key_of(table, key))
    try:
        _condition(table, statement, returns_old=False).check(item)
    except ConditionalCheckFailed:
        return []
    return [_chosen(statement, item)]


def _chosen(statement: Statement, item: Any) -> dict[str, Any]:
    chosen = statement.attributes or tuple(item.attrs)
    return {name: item.attrs[name] for name in chosen if name in item.attrs}


def _returns_old(request: Mapping[str, Any]) -> bool:
    return request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def _limit(count: int, limit: int, member: str) -> None:
    if not 1 <= count <= limit:
        bound = f"less than or equal to {limit}" if count else "greater than or equal to 1"
        raise invalid(
            f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )


def _duplicate() -> Exception:
    from moto.core.exceptions import JsonRESTError

    refusal: Exception = JsonRESTError(
        "com.amazonaws.dynamodb.v20120810#DuplicateItemException", "Duplicate primary key exists in table"
    )
    return refusal


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.responses import DynamoHandler

    yield DynamoHandler, "execute_statement", instead(_execute_statement)
    yield DynamoHandler, "batch_execute_statement", instead(_batch_execute_statement)
    yield DynamoHandler, "execute_transaction", instead(_execute_transaction)


STATEMENTS = Repair(
    name="statements",
    behaviour="PartiQL reads and writes by key with conditions, in one statement, a batch or a transaction.",
    patches=_patches,
)
