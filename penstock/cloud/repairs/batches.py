"""BatchWriteItem: up to 25 requests, each about another item, of which a refused call has done none.

moto takes any number of them, compares whole items instead of keys, and writes as it goes. Neither it nor BatchGetItem
minds a batch of nothing.

Source: BatchWriteItem, BatchGetItem (API reference); messages as the service gives them, without the echo
of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from penstock.cloud.repairs import changes
from penstock.cloud.repairs.changes import ALWAYS, Change
from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead, invalid

REQUEST_LIMIT = 25


def _batch_write_item(handler: Any) -> Any:
    from moto.dynamodb.responses import DynamoResult

    backend, asked = handler.dynamodb_backend, handler.body["RequestItems"]
    _refuse_number(asked)
    prepared: dict[Any, Change] = {}
    for name, requests in asked.items():
        table = backend.get_table(name)
        for request in requests:
            change = _prepare(table, request)
            item = (table.name, change.hash_key, change.range_key)
            if item in prepared:
                raise invalid("Provided list of item keys contains duplicates")
            prepared[item] = change
    for change in prepared.values():
        change.commit()
    return DynamoResult({"UnprocessedItems": {}})


def _refuse_number(asked: Mapping[str, Any]) -> None:
    """Refuse too many requests, for one table or together, and none."""
    limits = f"Member must have length less than or equal to {REQUEST_LIMIT}, Member must have length greater than or"
    if any(not 1 <= len(requests) <= REQUEST_LIMIT for requests in asked.values()):
        raise invalid(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
            f"Map value must satisfy constraint: [{limits} equal to 1]"
        )
    if not asked:
        raise invalid("The requestItems parameter is required for BatchWriteItem")
    if sum(map(len, asked.values())) > REQUEST_LIMIT:
        raise invalid("Too many items requested for the BatchWriteItem call")


def _refuse_no_keys(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        asked = handler.body["RequestItems"]
        empty = [] if asked else ["RequestItems"]
        empty += [f"RequestItems.{name}.member.Keys" for name, each in asked.items() if not each["Keys"]]
        if empty:
            raise invalid(
                f"1 validation error detected: Value at '{empty[0]}' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            )
        return act(handler)

    return answer


def _prepare(table: Any, request: Mapping[str, Any]) -> Change:
    from moto.dynamodb import responses

    if len(request) != 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    if "DeleteRequest" in request:
        return changes.delete(table, request["DeleteRequest"]["Key"], ALWAYS)
    item = request["PutRequest"]["Item"]
    responses.validate_put_has_empty_keys(item, table)
    return changes.put(table, item, ALWAYS)


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.responses import DynamoHandler

    yield DynamoHandler, "batch_write_item", instead(_batch_write_item)
    yield DynamoHandler, "batch_get_item", _refuse_no_keys


BATCHES = Repair(
    name="batches",
    behaviour="A batch of writes has 1 to 25 requests, each about another item, and a refused one does nothing.",
    patches=_patches,
)
