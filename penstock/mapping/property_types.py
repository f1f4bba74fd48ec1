"""Of which types the properties of CreateEventSourceMapping are, and what is said to one that is of another.

Source: AWS Lambda API reference, CreateEventSourceMapping; texts as services of the same framework give them
(``SerializationException``), none of them recorded of Lambda. Our choice: a number with a fraction passes for a whole
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Type = type | list["Type"] | Mapping[str, "Type"]
"""A scalar, a list of one type, or a structure: member → type; members that are not named may be of any."""

TYPES: Final[Mapping[str, Type]] = {
    "FunctionName": str,
    "EventSourceArn": str,
    "Enabled": bool,
    "BatchSize": int,
    "MaximumBatchingWindowInSeconds": int,
    "FilterCriteria": {"Filters": [{"Pattern": str}]},
    "FunctionResponseTypes": [str],
    "MetricsConfig": {"Metrics": [str]},
    "KMSKeyArn": str,
    "StartingPosition": str,
    "ParallelizationFactor": int,
    "MaximumRetryAttempts": int,
    "MaximumRecordAgeInSeconds": int,
    "BisectBatchOnFunctionError": bool,
    "TumblingWindowInSeconds": int,
    "DestinationConfig": {"OnFailure": {"Destination": str}},
    "ScalingConfig": {"MaximumConcurrency": int},
    "ProvisionedPollerConfig": {"MinimumPollers": int, "MaximumPollers": int},
}

_SCALARS: Final = {str: "a String", int: "an Integer", bool: "an Boolean"}
_TOKENS: Final = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", type(None): "NULL_VALUE"}


def without_nulls(value: Any) -> Any:
    """A request without the members that are ``null``, which were not given, at any depth."""
    if isinstance(value, Mapping):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def type_problem(value: Any, expected: Type = TYPES) -> str | None:
    """What is said to the first value in a request that is not of its type, or ``None``."""
    if isinstance(expected, type):
        return _scalar_problem(value, expected)
    if isinstance(expected, list):
        if not isinstance(value, list):
            return _held_instead(value) or "Expected list or null"
        problems = [type_problem(member, expected[0]) for member in value]
    else:
        if not isinstance(value, Mapping):
            return _held_instead(value) or "Expected null"
        problems = [type_problem(value[name], inner) for name, inner in expected.items() if name in value]
    return next(filter(None, problems), None)


def _scalar_problem(value: Any, expected: type) -> str | None:
    if type(value) is expected or (expected is int and type(value) is float):
        return None
    told = f"{value}_VALUE".upper() if isinstance(value, bool) else _TOKENS.get(type(value))
    return _held_instead(value) or f"{told} can not be converted to {_SCALARS[expected]}"


def _held_instead(value: Any) -> str | None:
    if isinstance(value, list):
        return "Start of list found where not expected"
    return "Start of structure or map found where not expected." if isinstance(value, Mapping) else None
