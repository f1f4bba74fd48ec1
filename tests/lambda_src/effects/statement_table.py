"""A table that takes what `FencedTable` sends, counts what it costs, and fails when it is told to.

It reads PartiQL by regular expressions: enough for one INSERT and one UPDATE with `?` for every value, as documented.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from effects.item_size import item_size_bytes

Item = dict[str, Any]
Key = tuple[str, ...]


def nothing(*_: Any) -> None:
    """Neither a fault nor anybody else."""


class StatementTable:
    """The client of one table in memory."""

    def __init__(self, *key: str) -> None:
        self.key = key
        self.rows: dict[Key, Item] = {}
        self.calls: list[list[str]] = []
        self.units = 0
        self.fault: Callable[[str, Key], str | None] = nothing
        self.meanwhile: Callable[[], None] = nothing
        self.wrote: Callable[[Item | None, Item], None] = nothing

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:
        """Execute 1 to 25 statements, none for an item that another is for."""
        self.meanwhile()
        self.calls.append([statement["Statement"].split()[0] for statement in Statements])
        keys = [self._key_of(statement) for statement in Statements]
        if len(Statements) > 25 or len(set(keys)) < len(keys) or any("" in key for key in keys):
            raise ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "BatchExecuteStatement")
        return {"Responses": [self._execute(*pair) for pair in zip(keys, Statements, strict=True)]}

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Write one row behind its fence, as `FencedTable.write` asks for it."""
        self.meanwhile()
        self.calls.append(["UpdateItem"])
        key = tuple(request["Key"][name]["S"] for name in self.key)
        update, _, removed = request["UpdateExpression"].partition(" REMOVE ")
        assert update.startswith("SET ")
        values = {name[1:]: value for name, value in request["ExpressionAttributeValues"].items()}
        missing, fence = re.fullmatch(
            r"attribute_not_exists\(#(\w+)\) OR #(\w+) < :\2", request["ConditionExpression"]
        ).groups()  # type: ignore[union-attr]
        assert missing == self.key[0]
        old = self.rows.get(key)
        self._charge(old)
        if old is not None and not _value(old[fence]) < _value(values[fence]):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "UpdateItem")
        self._put(key, (old or request["Key"]) | values, re.findall(r"\w+", removed))
        return {}

    def _execute(self, key: Key, statement: dict[str, Any]) -> dict[str, Any]:
        verb, old = statement["Statement"].split()[0], self.rows.get(key)
        if code := self.fault(verb, key):
            return {"Error": {"Code": code, "Message": ""}}
        self._charge(old)
        values = _values(statement)
        if verb == "INSERT":
            if old is not None:
                return {"Error": {"Code": "DuplicateItem", "Message": ""}}
            return self._put(key, values, [])
        fence, bound = re.findall(r'"(\w+)" < \?', statement["Statement"])[0], statement["Parameters"][-1]
        if old is None or not _value(old[fence]) < _value(bound):
            shown = {"Item": old} if old and statement.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" else {}
            return {"Error": {"Code": "ConditionalCheckFailed", "Message": "", **shown}}
        return self._put(key, old | values, re.findall(r'REMOVE "(\w+)"', statement["Statement"]))

    def _put(self, key: Key, item: Item, removed: list[str]) -> dict[str, Any]:
        new = {name: value for name, value in item.items() if name not in removed}
        self.units += math.ceil(item_size_bytes(new) / 1024) - 1
        self.wrote(self.rows.get(key), new)
        self.rows[key] = new
        return {}

    def _charge(self, old: Item | None) -> None:
        """Charge a write by what was there; what is written is charged on top where it is larger than 1 KB."""
        self.units += max(1, math.ceil(item_size_bytes(old or {}) / 1024))

    def _key_of(self, statement: dict[str, Any]) -> Key:
        text, parameters = statement["Statement"], statement["Parameters"]
        assert text.count("?") == len(parameters)
        if text.startswith("INSERT"):
            values = _values(statement)
            return tuple(values[name]["S"] for name in self.key)
        before, where = text.split(" WHERE ")
        names = re.findall(r'"(\w+)" = \?', where)
        assert tuple(names) == self.key
        first = before.count("?")
        return tuple(value["S"] for value in parameters[first : first + len(names)])


def _values(statement: dict[str, Any]) -> Item:
    """Name the values that a statement writes."""
    pattern = r"'(\w+)': \?" if statement["Statement"].startswith("INSERT") else r'SET "(\w+)" = \?'
    return dict(zip(re.findall(pattern, statement["Statement"]), statement["Parameters"], strict=False))


def _value(attribute: dict[str, Any]) -> Any:
    [(kind, value)] = attribute.items()
    return int(value) if kind == "N" else value
