"""Writes a condition again as it stands in a pattern, as plain JSON."""

from __future__ import annotations

from typing import Any, assert_never

from penstock.mapping.filters.matchers import (
    AnythingBut,
    Cidr,
    Equals,
    EqualsIgnoreCase,
    EqualsNumber,
    Exists,
    Matcher,
    Numeric,
    PatternNumber,
    Prefix,
    Suffix,
    Wildcard,
)
from penstock.mapping.filters.pattern import Condition

DIGITS_LIMIT = 40
"""Digits of a whole number that is written in full. Our choice: sequence numbers, the longest in a record, have 40."""


def written(condition: Condition) -> list[Any]:
    """Write the leaf of a condition: parsed again, it gives the same matchers."""
    return [_entry(matcher) for matcher in condition.matchers]


def _entry(matcher: Matcher) -> Any:
    match matcher:
        case Equals(value=value):
            return value
        case EqualsNumber(number=number):
            return _number(number)
        case Numeric():
            return {"numeric": _bounds(matcher)}
        case Exists(present=present):
            return {"exists": present}
        case AnythingBut(excluded=excluded):
            return {"anything-but": _excluded([_entry(inner) for inner in excluded])}
        case EqualsIgnoreCase(text=text):
            return {"equals-ignore-case": text}
        case Wildcard(text=text):
            return {"wildcard": text}
        case Cidr(network=network):
            return {"cidr": str(network)}
        case Prefix(text=text, ignore_case=ignore_case) | Suffix(text=text, ignore_case=ignore_case):
            operator = "prefix" if isinstance(matcher, Prefix) else "suffix"
            return {operator: {"equals-ignore-case": text} if ignore_case else text}
        case _:
            assert_never(matcher)


def _number(number: PatternNumber) -> int | float:
    """Write a whole number of a readable length in full."""
    whole = number.exact == number.exact.to_integral_value() and number.exact.adjusted() < DIGITS_LIMIT
    return int(number.exact) if whole else number.nearest


def _bounds(numeric: Numeric) -> list[Any]:
    bounds: list[Any] = []
    if numeric.lower is not None:
        bounds += [">=" if numeric.lower_inclusive else ">", _number(numeric.lower)]
    if numeric.upper is not None:
        bounds += ["<=" if numeric.upper_inclusive else "<", _number(numeric.upper)]
    return bounds


def _excluded(entries: list[Any]) -> Any:
    """Put the operands of one operator under it: `[{"prefix": "a"}, {"prefix": "b"}]` is `{"prefix": ["a", "b"]}`."""
    if not isinstance(entries[0], dict):
        return entries
    (operator,) = entries[0]
    return {operator: [entry[operator] for entry in entries]}
