"""Updates of the plainest kind, made without moto's way of making any kind.

Most updates only set attributes of an item, each to a value or to itself plus or minus one. moto walks the tree of such
an expression ten times and copies the whole item before it. Here it is read once, as long as it is the same text with
the same names; the new item shares what did not change with the old one, which stays as it was. Whatever is not plain,
or might be refused, is left to moto, whose answer it then is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGE_BYTES = 390_000
"""From here on an item is left to moto to weigh and perhaps to refuse."""

_SET = re.compile(r"\s*SET\s+(?P<assignments>[^()\[\]]+)", re.IGNORECASE)
_NAME = r"(#\w+|[A-Za-z]\w*)"
_ASSIGNMENT = re.compile(rf"\s*{_NAME}\s*=\s*(?:{_NAME}\s*([+-])\s*)?(:\w+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """``name`` becomes the value of a placeholder, or that added to or subtracted from an attribute."""

    name: str
    placeholder: str
    of: str | None = None
    sign: str | None = None


def plan_of(expression: str, names: Mapping[str, str]) -> tuple[Assignment, ...] | None:
    """What a plain expression assigns, or ``None`` for one that is not plain."""
    return _plan_of(expression, tuple(names.items()))


@functools.lru_cache(maxsize=512)
def _plan_of(expression: str, names: tuple[tuple[str, str], ...]) -> tuple[Assignment, ...] | None:
    found = _SET.fullmatch(expression)
    if found is None:
        return None
    assignments = []
    for text in found["assignments"].split(","):
        part = _ASSIGNMENT.fullmatch(text)
        if part is None:
            return None
        name, of = (_named(written, dict(names)) for written in (part[1], part[2]))
        if name is None or (of is None and part[2]):
            return None
        assignments.append(Assignment(name=name, placeholder=part[4], of=of, sign=part[3]))
    if len({assignment.name for assignment in assignments}) < len(assignments):
        return None
    return tuple(assignments)


def _named(written: str | None, names: Mapping[str, str]) -> str | None:
    """The attribute that an expression names by a placeholder or as it is; words that are reserved name none."""
    from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

    if written is None or written.startswith("#"):
        return names.get(written or "")
    return None if written.upper() in ReservedKeywords.get_reserved_keywords() else written


def updated(table: Any, old: Any, expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> Any:
    """moto's item as a plain update leaves it, or ``None`` where that is not plain, or not as plain as it looks.

    Attributes with a type of their own (those of keys and indexes), sums of anything but two numbers and items near
    the largest size are not.
    """
    from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

    plan = plan_of(expression, names)
    if plan is None:
        return None
    typed_names = {definition["AttributeName"] for definition in table.attr}
    attributes = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(attributes, old.attrs)
    for assignment in plan:
        value = values.get(assignment.placeholder)
        if value is None or assignment.name in typed_names:
            return None
        new = DynamoType(value)
        if assignment.of is not None:
            base = old.attrs.get(assignment.of)
            if base is None or not base.is_number() or not new.is_number():
                return None
            new = base + new if assignment.sign == "+" else base - new
        dict.__setitem__(attributes, assignment.name, new)
    item = Item.__new__(Item)
    item.hash_key, item.range_key, item.attrs = old.hash_key, old.range_key, attributes
    return None if item.size() > LARGE_BYTES else item
