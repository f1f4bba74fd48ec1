"""Query: its filter names no key of what it reads, and a number has no beginning.

moto filters by keys as by any attribute, and breaks at ``begins_with`` of a number.

Source: Filter expressions for the Query operation; Key condition expressions (DynamoDB developer guide); messages as
the service gives them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from penstock.cloud.repairs.definition import NowMs, Patch, Repair, invalid

_NAME = re.compile(r"(?<![\w.:#])(#?[A-Za-z_]\w*)(?!\w|\s*\()")
_BEGINNING = re.compile(r"begins_with\s*\([^,]+,\s*(:\w+)\s*\)")


def _checked(query: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        body = handler.body
        table = handler.dynamodb_backend.get_table(body["TableName"])
        index = body.get("IndexName")
        keys = table.get_index(index, True).schema_key_attrs if index else table.table_key_attrs
        for name in _attributes_of(body.get("FilterExpression") or "", body.get("ExpressionAttributeNames") or {}):
            if name in keys:
                raise invalid(
                    f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
                )
        for placeholder in _BEGINNING.findall(body.get("KeyConditionExpression") or ""):
            if "N" in (body.get("ExpressionAttributeValues") or {}).get(placeholder, ()):
                raise invalid(
                    "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
                    "operator or function: begins_with, operand type: N"
                )
        return query(handler)

    return answer


def _attributes_of(expression: str, names: Mapping[str, str]) -> Iterator[str]:
    """The top-level attributes that an expression names, and its words."""
    return (names.get(word, word) for word in _NAME.findall(expression))


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.responses import DynamoHandler

    yield DynamoHandler, "query", _checked


QUERIES = Repair(
    name="queries",
    behaviour="A Query is filtered by other attributes than its keys, and no number by how it begins.",
    patches=_patches,
)
