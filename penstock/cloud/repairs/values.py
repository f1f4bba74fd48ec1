"""Attribute values: numbers of 38 digits in one spelling, no empty sets, no empty keys.

moto keeps a number as it was written, so that ``1`` and ``1.0`` differ, adds with 28 digits, and looks into some
parameters of some operations only.

Source: Supported data types and naming rules (DynamoDB developer guide); Quotas; messages as the service gives them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Context, Decimal
from typing import Any

from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead, invalid

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_EXACT = Context(prec=400)
SIGNIFICANT_DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130


def normal_number(text: str) -> str:
    """A number as DynamoDB gives it back: ``0012.340`` is ``12.34``, ``-0`` is ``0``, ``1E3`` is ``1000``.

    Raises moto's ``MockValidationException`` for what is no number or lies out of range.
    """
    if len(text) <= SIGNIFICANT_DIGITS and text.isdecimal() and text.isascii() and text[0] != "0":
        return text
    if not _NUMBER.fullmatch(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return _written(Decimal(text))


def _written(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    trimmed = significant.rstrip("0")
    if not trimmed:
        return "0"
    scale = int(exponent) + len(significant) - 1
    if scale > LARGEST_EXPONENT:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if scale < SMALLEST_EXPONENT:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    if len(trimmed) > SIGNIFICANT_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    whole = Decimal((sign, tuple(map(int, trimmed)), int(exponent) + len(significant) - len(trimmed)))
    return format(whole, "f")


def normalized(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes in DynamoDB JSON with each number in its one spelling."""
    return {name: _normalized(value) for name, value in values.items()}


def _normalized(typed: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, value),) = typed.items()
    match kind:
        case "N" if isinstance(value, str):
            value = normal_number(value)
        case "NS":
            value = [normal_number(member) if isinstance(member, str) else member for member in value]
        case "L":
            value = [_normalized(member) for member in value]
        case "M":
            value = normalized(value)
    return {kind: value}


def _check(typed: Mapping[str, Any]) -> None:
    """Refuse an empty set, or one that holds a member twice, at any depth."""
    ((kind, value),) = typed.items()
    if kind in ("SS", "NS", "BS"):
        if not value:
            raise invalid(_EMPTY_SETS[kind])
        if len(set(value)) < len(value):
            shown = f"[{', '.join(map(str, value))}]"
            raise invalid(f"One or more parameter values were invalid: Input collection {shown} contains duplicates.")
    elif kind == "L":
        for member in value:
            _check(member)
    elif kind == "M":
        for member in value.values():
            _check(member)


_EMPTY_SETS = {
    "SS": "One or more parameter values were invalid: An string set  may not be empty",
    "NS": "One or more parameter values were invalid: An number set  may not be empty",
    "BS": "One or more parameter values were invalid: Binary sets should not be empty",
}

_Part = tuple[Any, Any, str]
"""(what holds attributes, its name or index there, what the parameter is called)."""


def attributes_in(params: Any) -> Iterator[_Part]:
    """Each map of attributes and each list of them in the parameters of a call, in its place."""
    for name, value in params.items():
        if name in ("Item", "Key", "ExpressionAttributeValues", "Parameters"):
            yield params, name, name
        elif name == "Keys":
            for index in range(len(value)):
                yield value, index, "Key"
        elif name == "RequestItems":
            for requests in value.values():
                for each in requests if isinstance(requests, list) else [requests]:
                    yield from attributes_in(each)
        elif name in ("PutRequest", "DeleteRequest", *_ACTIONS):
            yield from attributes_in(value)
        elif name in ("TransactItems", "Statements", "TransactStatements"):
            for each in value:
                yield from attributes_in(each)


_ACTIONS = ("Put", "Update", "Delete", "ConditionCheck", "Get")


def _normalize(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        for holder, place, _ in attributes_in(handler.params):
            values = holder[place]
            holder[place] = [_normalized(one) for one in values] if isinstance(values, list) else normalized(values)
        return act(handler)

    return answer


def _refuse_empty(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        for holder, place, called in attributes_in(handler.params):
            values = holder[place]
            for name, typed in enumerate(values) if isinstance(values, list) else values.items():
                _check_in(called, name, typed)
        return act(handler)

    return answer


def _check_in(parameter: str, name: Any, typed: Mapping[str, Any]) -> None:
    if parameter == "Key" and next(iter(typed.values())) in ("", b""):
        raise _empty_key(name)
    if parameter != "ExpressionAttributeValues":
        _check(typed)
        return
    from moto.dynamodb.exceptions import MockValidationException

    try:
        _check(typed)
    except MockValidationException as error:
        raise invalid(f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}") from error


def _validate_put_keys(item: Mapping[str, Any], table: Any, custom_error_msg: str | None = None) -> None:
    """moto's ``validate_put_has_empty_keys``, in today's words wherever a whole item is given, and of types too."""
    del custom_error_msg
    for name in table.table_key_attrs:
        if name in item and next(iter(item[name].values())) in ("", b""):
            raise _empty_key(name)
    for index in (*table.global_indexes, *table.indexes):
        for name in index.schema_key_attrs:
            if name in item and name not in table.table_key_attrs:
                _check_index_key(table, index, name, item[name])


def _check_index_key(table: Any, index: Any, name: str, typed: Mapping[str, Any]) -> None:
    ((kind, value),) = typed.items()
    wanted = next(each["AttributeType"] for each in table.attr if each["AttributeName"] == name)
    if kind != wanted:
        raise invalid(
            f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
            f"Expected: {wanted} Actual: {kind} IndexName: {index.name}"
        )
    if value in ("", b""):
        raise invalid(
            "One or more parameter values are not valid. A value specified for a secondary index key is not "
            "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
            f"IndexName: {index.name}, IndexKey: {name}"
        )


def _key_of_schema(_: Any, table: Any, keys: Mapping[str, Any]) -> tuple[Any, Any]:
    """moto's ``get_keys_value``, which may be given a whole item."""
    from penstock.cloud.repairs.changes import key_in, key_of

    return key_of(table, key_in(table, keys))


def _arithmetic(sign: str, typed: Any, other: Any) -> Any:
    """The sum or difference of two of moto's typed values, exact; refusals are moto's own."""
    from moto.dynamodb.exceptions import IncorrectDataType

    if typed.type != other.type:
        raise TypeError(f"{typed.type} and {other.type}")
    if typed.type != "N":
        raise IncorrectDataType
    calculate = _EXACT.add if sign == "+" else _EXACT.subtract
    return type(typed)({"N": _written(calculate(Decimal(typed.value), Decimal(other.value)))})


def _empty_key(name: str) -> Exception:
    from moto.dynamodb.exceptions import KeyIsEmptyStringException

    refusal: Exception = KeyIsEmptyStringException(name)
    return refusal


def _numbers(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.models.dynamo_type import DynamoType
    from moto.dynamodb.responses import DynamoHandler

    yield DynamoHandler, "call_action", _normalize
    yield DynamoType, "__add__", instead(lambda typed, other: _arithmetic("+", typed, other))
    yield DynamoType, "__sub__", instead(lambda typed, other: _arithmetic("-", typed, other))


def _empty_values(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb import models, responses

    yield responses.DynamoHandler, "call_action", _refuse_empty
    yield responses, "validate_put_has_empty_keys", instead(_validate_put_keys)
    yield responses, "validate_put_has_empty_attrs", instead(lambda *_: None)
    yield models.DynamoDBBackend, "get_keys_value", instead(_key_of_schema)


NUMBERS = Repair(
    name="numbers",
    behaviour="A number has up to 38 digits between 1E-130 and 9.99E125, is exact, and has one spelling.",
    patches=_numbers,
)
EMPTY_VALUES = Repair(
    name="empty values",
    behaviour="An empty set and an empty or wrong key are refused wherever they stand.",
    patches=_empty_values,
)
