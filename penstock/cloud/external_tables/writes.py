"""How many items of which tables a call may change, so that its stream records can be waited for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.cloud.named_items import table_name

_STATEMENT: Final = re.compile(r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?([\w.-]+)"?', re.IGNORECASE)


def changes_of(operation: str, params: Mapping[str, Any]) -> Counter[str]:
    """Table → how many of its items a call changes at most; empty for one that only reads, or will be refused."""
    try:
        return Counter(table_name(name) for name in _tables(operation, params))
    except (AttributeError, KeyError, TypeError):  # not in the operation's form
        return Counter()


def _tables(operation: str, params: Mapping[str, Any]) -> Iterator[str]:
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield params["TableName"]
        case "BatchWriteItem":
            for table, requests in params["RequestItems"].items():
                yield from [table] * len(requests)
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                yield from (action["TableName"] for kind, action in item.items() if kind != "ConditionCheck")
        case "ExecuteStatement":
            yield from _stated(params["Statement"])
        case "BatchExecuteStatement":
            for statement in params["Statements"]:
                yield from _stated(statement["Statement"])
        case "ExecuteTransaction":
            for statement in params["TransactStatements"]:
                yield from _stated(statement["Statement"])


def _stated(statement: str) -> Iterator[str]:
    found = _STATEMENT.match(statement)
    if found is not None:
        yield found[1]
