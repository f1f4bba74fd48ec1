"""Attribute values have one type each, hold what belongs to it, and are nested up to 32 levels deep.

moto looks at the first type of a value and believes whatever stands under it.

Source: AttributeValue (API reference); Quotas (DynamoDB developer guide); messages as the service gives them. Our
choice: a value of an expression that is too deep fails a transaction as a whole, as in some regions; others cancel it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from penstock.cloud.repairs.definition import NowMs, Patch, Repair, invalid
from penstock.cloud.repairs.values import attributes_in

NESTING_LIMIT: Final = 32
"""Levels of a value: one that is neither a list nor a map has one."""

_MORE_THAN_ONE = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
_NONE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
_FALSE_NULL = "One or more parameter values were invalid: Null attribute value types must have the value of true"

_JAVA_TYPES: Final = {
    "S": "java.lang.String",
    "N": "java.lang.String",
    "BOOL": "java.lang.Boolean",
    "NULL": "java.lang.Boolean",
    "B": "java.nio.ByteBuffer",
}
_HELD: Final[Mapping[str, tuple[type, ...]]] = {"S": (str,), "N": (str,), "BOOL": (bool,), "NULL": (bool,)} | {
    "B": (str, bytes)
}
_MEMBERS: Final = {"SS": "S", "NS": "N", "BS": "B"}
"""Type of a set → type of its members."""

_TYPES: Final = frozenset({*_HELD, *_MEMBERS, "L", "M"})


def require_levels(item: Any) -> None:
    """Raise moto's ``MockValidationException`` where an attribute of moto's item is nested too deep."""
    if any(_levels(typed) > NESTING_LIMIT for typed in item.attrs.values()):
        raise invalid(_TOO_DEEP)


def _levels(typed: Any) -> int:
    if typed.type not in ("L", "M"):
        return 1
    members = typed.value if typed.type == "L" else typed.value.values()
    return 1 + max(map(_levels, members), default=0)


def _problem(typed: Any, level: int = 1) -> str | None:
    """What is wrong with a value in DynamoDB JSON; what cannot be read as one raises ``SerializationException``.

    Members with other names than those of types are taken away, since the service does not read them.
    """
    if level > NESTING_LIMIT:
        return _TOO_DEEP
    if typed is None:
        return _NONE
    if not isinstance(typed, dict):
        raise _unreadable(
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"
            if isinstance(typed, list)
            else "Unexpected value type in payload"
        )
    if len(typed) == 1 and isinstance(typed.get("S", typed.get("N")), str):  # as most are
        return None
    if not typed.keys() <= _TYPES:
        for unknown in typed.keys() - _TYPES:
            del typed[unknown]
    problems = [_problem_within(kind, value, level) for kind, value in typed.items()]
    if len(problems) == 1:
        return problems[0]
    return _MORE_THAN_ONE if problems else _NONE


def _problem_within(kind: str, value: Any, level: int) -> str | None:
    if kind in _HELD:
        _require_scalar(kind, value)
        return _FALSE_NULL if kind == "NULL" and value is False else None
    members = _members(value) if kind == "M" else _elements(value)
    if kind in _MEMBERS:
        for member in members:
            _require_scalar(_MEMBERS[kind], member)
        return None
    problems = [_problem(member, level + 1) for member in members]
    return next(filter(None, problems), None)


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    raise _unreadable(
        "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"
        if isinstance(value, list)
        else "Unexpected field type"
    )


def _elements(value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    raise _unreadable(
        "Start of structure or map found where not expected" if isinstance(value, dict) else "Unexpected field type"
    )


def _require_scalar(kind: str, value: Any) -> None:
    if isinstance(value, _HELD[kind]):
        if kind == "B" and isinstance(value, str):
            _require_base64(value)
        return
    if isinstance(value, dict):
        raise _unreadable("Start of structure or map found where not expected")
    if isinstance(value, list):
        raise _unreadable(f"Unrecognized collection type class {_JAVA_TYPES[kind]}")
    if kind == "B":
        raise _unreadable("only base-64-encoded strings are convertible to bytes")
    if value is None or isinstance(value, str):
        raise _unreadable("Unexpected token received from parser")
    raise _unreadable(f"{_token(value)} cannot be converted to {_JAVA_TYPES[kind].rpartition('.')[2]}")


def _require_base64(text: str) -> None:
    if len(text) % 4:
        raise _unreadable(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable("Invalid last non-pad Base64 character dectected") from error  # spelt so by the service


def _token(value: object) -> str:
    if isinstance(value, float):
        return "DECIMAL_VALUE"
    return f"{value}_VALUE".upper() if isinstance(value, bool) else "NUMBER_VALUE"


def _refuse(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(handler: Any) -> Any:
        _require_values(handler.params)
        return act(handler)

    return answer


def _refuse_before_parsing(parse: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """A call with blobs or nulls, which moto parses by the service model, is looked at as it was written."""

    def parse_parameters(handler: Any, request: Any) -> None:
        _require_values(_without_nulls(json.loads(request.data or b"{}")))
        parse(handler, request)

    return parse_parameters


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _require_values(params: Mapping[str, Any]) -> None:
    found = [_problem_in(holder[place], called) for holder, place, called in attributes_in(params)]
    for problem in filter(None, found):
        raise invalid(problem)


def _problem_in(values: Any, parameter: str) -> str | None:
    """What is wrong with the first bad one of the values of a parameter."""
    problems = [_problem(typed) for typed in (_elements(values) if parameter == "Parameters" else _members(values))]
    index = next((index for index, problem in enumerate(problems) if problem), None)
    if index is None or parameter != "ExpressionAttributeValues":
        return None if index is None else problems[index]
    return f"{parameter} contains invalid value: {problems[index]} for key {[*values][index]}"


def _unreadable(message: str) -> Exception:
    from moto.dynamodb.exceptions import SerializationException

    refusal: Exception = SerializationException(message)
    return refusal


def _patches(_: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.responses import DynamoHandler

    yield DynamoHandler, "call_action", _refuse
    yield DynamoHandler, "parse_parameters", _refuse_before_parsing


VALUE_TYPES = Repair(
    name="value types",
    behaviour="A value has one type, holds what belongs to it, and has up to 32 levels; all others are refused.",
    patches=_patches,
)
