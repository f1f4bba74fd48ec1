"""The JSON of a pattern as it is written, repeated keys and exact numbers included, and the refusal of a pattern."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Never

from penstock.errors import TemplateError
from penstock.mapping.filters.matchers import PatternNumber

LEVELS_LIMIT = 100
"""Names on one path, dots counted as levels. Our choice: an item nests 32 deep, some 70 names in a record."""

TOO_DEEP = f"nests deeper than {LEVELS_LIMIT} levels"


class InvalidPattern(TemplateError):
    """The pattern is not one that AWS takes; `path` is the place in it, empty for the whole, and `reason` says why."""

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(f"the pattern at {path} {reason}" if path else f"the pattern {reason}")


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object as written: repeated keys and their order kept."""

    pairs: list[tuple[str, Any]]


def read_json(text: str) -> Members:
    """Read the JSON alone."""
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise InvalidPattern(TOO_DEEP) from None
    except (ValueError, ArithmeticError) as problem:
        raise InvalidPattern(f"is not valid JSON: {problem}") from None
    if not isinstance(value, Members):
        raise InvalidPattern(f"is {kind_of(value)}, not a JSON object")
    return value


def _number(text: str) -> PatternNumber:
    return PatternNumber(exact=Decimal(text), nearest=float(text))


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=_number, parse_float=_number, parse_constant=_no_constant
)


def kind_of(value: object) -> str:
    """Name a JSON value in a message."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the bare value {str(value).lower()}"
        case str():
            return "a bare text"
        case PatternNumber():
            return "a bare number"
        case list():
            return "an array"
        case _:
            return "an object"
