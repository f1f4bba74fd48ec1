"""Items of up to 400 KB, weighed by DynamoDB's rule.

moto counts the characters of a number and no overhead, and draws the line at 405,000 bytes.

Source: DynamoDB item sizes and formats; Quotas (400 KB including names and values).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead
from penstock.cloud.streams import number_bytes

ITEM_LIMIT_BYTES = 409_600


def typed_bytes(typed: Any) -> int:
    """Size of moto's typed value, in bytes.

    A list or map is weighed once: what is stored never changes, a change is made to a copy (``changes.py``).
    """
    if typed.type not in ("L", "M"):
        return _weighed(typed)
    if not hasattr(typed, "weight"):
        typed.weight = _weighed(typed)
    return int(typed.weight)


def weigh(item: Any) -> int:
    """Size of moto's item, in bytes, weighed anew: whoever made it and changed it since does so before it is stored."""
    item.weight = sum(len(name.encode()) + typed_bytes(value) for name, value in item.attrs.items())
    return int(item.weight)


def stored_bytes(item: Any) -> int:
    """Size of moto's item, in bytes, as it was last weighed."""
    return int(item.weight) if hasattr(item, "weight") else weigh(item)


def _weighed(typed: Any) -> int:
    value = typed.value
    match typed.type:
        case "S":
            return len(value.encode())
        case "N":
            return number_bytes(value)
        case "B":
            return _binary_bytes(value)
        case "SS":
            return sum(len(member.encode()) for member in value)
        case "NS":
            return sum(map(number_bytes, value))
        case "BS":
            return sum(map(_binary_bytes, value))
        case "L":
            return 3 + sum(1 + typed_bytes(member) for member in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + typed_bytes(member) for name, member in value.items())
        case _:
            return 1


def _binary_bytes(value: bytes | str) -> int:
    return len(value if isinstance(value, bytes) else base64.b64decode(value))


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

    yield DynamoType, "size", instead(typed_bytes)
    yield Item, "__init__", instead(_make_item)
    yield Item, "size", instead(stored_bytes)
    yield LimitedSizeDict, "__setitem__", instead(dict.__setitem__)


def _make_item(item: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    """moto's ``Item.__init__``, weighing the item once and not again with each attribute."""
    from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict

    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    dict.update(item.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    if weigh(item) > ITEM_LIMIT_BYTES:
        from moto.dynamodb.exceptions import ItemSizeTooLarge

        raise ItemSizeTooLarge


ITEM_SIZES = Repair(
    name="item sizes",
    behaviour="An item of exactly 409,600 bytes by the documented rule is stored, one of a byte more is refused.",
    patches=_patches,
)
