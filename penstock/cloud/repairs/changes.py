"""Writes in two steps: prepare what an item becomes, then commit it.

A prepared change is checked in every way and has touched nothing. One that is refused leaves no trace, and several are
committed together once all of them stand: no write is ever taken back.

Source: Condition expressions; Item sizes and formats; Quotas (DynamoDB developer guide).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.cloud.moto import plain_updates
from penstock.cloud.repairs.sizes import ITEM_LIMIT_BYTES, weigh
from penstock.cloud.repairs.value_types import require_levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition expression with its names and values; without an expression it holds always."""

    expression: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    returns_old: bool = False

    @classmethod
    def of(cls, action: Mapping[str, Any]) -> Condition:
        """The condition of a write, by the API's own parameters."""
        return cls(
            expression=action.get("ConditionExpression"),
            names=action.get("ExpressionAttributeNames") or {},
            values=action.get("ExpressionAttributeValues") or {},
            returns_old=action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
        )

    def check(self, item: Any) -> None:
        """Raise moto's ``ConditionalCheckFailed``, with the item where it was asked for, if this does not hold."""
        if not self.expression:
            return
        from moto.dynamodb.comparisons import create_condition_expression_parser
        from moto.dynamodb.exceptions import ConditionalCheckFailed

        parser = create_condition_expression_parser(self.expression, dict(self.names), dict(self.values))
        if not parser.parse().expr(item):
            shown = item.to_json()["Attributes"] if self.returns_old and item is not None else None
            error = ConditionalCheckFailed(item=shown)
            error.item = shown
            raise error


ALWAYS: Final = Condition()
"""No condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one item of moto's ``table``; ``old`` and ``new`` are moto's items, the same for a mere check."""

    table: Any
    hash_key: Any
    range_key: Any
    old: Any
    new: Any

    def commit(self) -> None:
        """Make it so, and let the table's stream know."""
        if self.new is self.old:
            return
        items, key = (self.table.items, self.hash_key)
        if self.range_key is not None:
            items, key = items[key], self.range_key
        if self.new is None:
            del items[key]
        else:
            items[key] = self.new
        if self.table.stream_shard is not None:
            self.table.stream_shard.add(self.old, self.new)


def key_of(table: Any, key: Mapping[str, Any]) -> tuple[Any, Any]:
    """The typed partition and sort key (or ``None``) of a key, which must be exactly what the schema says."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    types = {table.hash_key_attr: table.hash_key_type}
    if table.range_key_attr is not None:
        types[table.range_key_attr] = table.range_key_type
    if key.keys() != types.keys() or any(list(value) != [types[name]] for name, value in key.items()):
        raise _wrong_key()
    sort = key.get(table.range_key_attr)
    return DynamoType(key[table.hash_key_attr]), None if sort is None else DynamoType(sort)


def key_in(table: Any, item: Mapping[str, Any]) -> dict[str, Any]:
    """The key attributes of a whole item, as far as it has them."""
    return {name: item[name] for name in table.table_key_attrs if name in item}


def put(table: Any, item: Mapping[str, Any], condition: Condition) -> Change:
    """Prepare to put an item, in DynamoDB JSON, in the place of any that has its key."""
    from moto.dynamodb.models.dynamo_type import Item

    expected_types = zip(table.table_key_attrs, (table.hash_key_type, table.range_key_type), strict=False)
    for name, expected_type in expected_types:
        if name not in item:
            raise _missing_key(name)
        if expected_type not in item[name]:
            raise _mistyped_key(name, expected_type, next(iter(item[name])))
    table._validate_item_types(item)
    table._validate_key_sizes(item)
    hash_key, range_key = key_of(table, key_in(table, item))
    old = table.get_item(hash_key, range_key)
    condition.check(old)
    new = Item(hash_key, range_key, item)
    require_levels(new)
    return Change(table=table, hash_key=hash_key, range_key=range_key, old=old, new=new)


def update(table: Any, key: Mapping[str, Any], expression: str, condition: Condition) -> Change:
    """Prepare to update an item, or to make one of its key; each part of the expression sees the item as it was."""
    from moto.dynamodb.exceptions import ItemSizeToUpdateTooLarge
    from moto.dynamodb.models.dynamo_type import Item
    from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
    from moto.dynamodb.parsing.expressions import UpdateExpressionParser
    from moto.dynamodb.parsing.validators import UpdateExpressionValidator

    hash_key, range_key = key_of(table, key)
    old = table.get_item(hash_key, range_key)
    condition.check(old)
    plain = None if old is None else plain_updates.updated(table, old, expression, condition.names, condition.values)
    if plain is not None:
        return Change(table=table, hash_key=hash_key, range_key=range_key, old=old, new=plain)
    new = Item(hash_key, range_key, key) if old is None else copy.deepcopy(old)
    if expression:
        validated = UpdateExpressionValidator(
            UpdateExpressionParser.make(expression),
            expression_attribute_names=dict(condition.names),
            expression_attribute_values=dict(condition.values),
            item=Item(hash_key, range_key, {}) if old is None else old,
            table=table,
        ).validate()
        validated.normalize()
        UpdateExpressionExecutor(validated, new, dict(condition.names)).execute()
        require_levels(new)
        if weigh(new) > ITEM_LIMIT_BYTES:
            raise ItemSizeToUpdateTooLarge
    return Change(table=table, hash_key=hash_key, range_key=range_key, old=old, new=new)


def delete(table: Any, key: Mapping[str, Any], condition: Condition) -> Change:
    """Prepare to delete an item; that there is none is no error."""
    hash_key, range_key = key_of(table, key)
    old = table.get_item(hash_key, range_key)
    condition.check(old)
    return Change(table=table, hash_key=hash_key, range_key=range_key, old=old, new=None)


def check(table: Any, key: Mapping[str, Any], condition: Condition) -> Change:
    """Prepare to leave an item as it is, if the condition holds."""
    hash_key, range_key = key_of(table, key)
    old = table.get_item(hash_key, range_key)
    condition.check(old)
    return Change(table=table, hash_key=hash_key, range_key=range_key, old=old, new=old)


def _wrong_key() -> Exception:
    from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist

    refusal: Exception = ProvidedKeyDoesNotExist()
    return refusal


def _missing_key(name: str) -> Exception:
    from moto.dynamodb.exceptions import MockValidationException

    refusal: Exception = MockValidationException(
        f"One or more parameter values were invalid: Missing the key {name} in the item"
    )
    return refusal


def _mistyped_key(name: str, expected_type: str, actual_type: str) -> Exception:
    from moto.dynamodb.exceptions import InvalidAttributeTypeError

    refusal: Exception = InvalidAttributeTypeError(name, expected_type=expected_type, actual_type=actual_type)
    return refusal
