"""Reads the entries of a leaf: plain values, and objects with one operator and its operand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network
from math import isinf
from typing import Any

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
from penstock.mapping.filters.pattern_text import InvalidPattern, Members, kind_of
from penstock.mapping.filters.wildcard import COMPLEXITY_LIMIT, pieces, too_complex


def matchers_of(entries: list[Any], place: str) -> tuple[Matcher, ...]:
    """Read the entries of a leaf."""
    if not entries:
        raise InvalidPattern("is an empty array", place)
    matchers = tuple(_matcher(entry, f"{place}[{index}]") for index, entry in enumerate(entries))
    _refuse_complexity(matchers, place)
    return matchers


def _matcher(entry: Any, place: str) -> Matcher:
    """Read one entry of a leaf."""
    if entry is None or isinstance(entry, str | bool):
        return Equals(value=entry)
    if isinstance(entry, PatternNumber):
        return EqualsNumber(number=entry)
    if not isinstance(entry, Members):
        raise InvalidPattern("is an array within an array", place)
    operator, operand = _only_member(entry, place, "an operator")
    if operator not in OPERATORS:
        raise InvalidPattern(f"names {operator}, which is not an operator; there are {', '.join(OPERATORS)}", place)
    return OPERATORS[operator](operand, f"{place}.{operator}")


def _only_member(members: Members, place: str, what: str) -> tuple[str, Any]:
    """Take the one key and value of an object."""
    if len(members.pairs) != 1:
        raise InvalidPattern(f"holds {len(members.pairs)} keys where {what} stands alone", place)
    return members.pairs[0]


def _text(operand: Any, place: str) -> str:
    if not isinstance(operand, str):
        raise InvalidPattern(f"takes one text and is {kind_of(operand)}", place)
    return operand


def _affix(kind: type[Prefix] | type[Suffix]) -> Callable[[Any, str], Matcher]:
    """Read `prefix` or `suffix`, with `equals-ignore-case` inside or without."""

    def read(operand: Any, place: str) -> Matcher:
        if not isinstance(operand, Members):
            return kind(text=_text(operand, place))
        operator, text = _only_member(operand, place, "equals-ignore-case")
        if operator != "equals-ignore-case":
            raise InvalidPattern(f"takes a text or equals-ignore-case, not {operator}", place)
        return kind(text=_text(text, f"{place}.{operator}"), ignore_case=True)

    return read


def _equals_ignore_case(operand: Any, place: str) -> EqualsIgnoreCase:
    return EqualsIgnoreCase(text=_text(operand, place))


def _wildcard(operand: Any, place: str) -> Wildcard:
    text = _text(operand, place)
    try:
        pieces(text)
    except ValueError as problem:
        raise InvalidPattern(str(problem), place) from None
    return Wildcard(text=text)


def _exists(operand: Any, place: str) -> Exists:
    if not isinstance(operand, bool):
        raise InvalidPattern(f"takes true or false and is {kind_of(operand)}", place)
    return Exists(present=operand)


def _cidr(operand: Any, place: str) -> Cidr:
    """Read an address range: the address may be any of the range, as the engine rounds it down."""
    text = _text(operand, place)
    address, _, bits = text.partition("/")
    if not (bits.isascii() and bits.isdigit()) or not set(address) <= set("0123456789abcdefABCDEF.:"):
        raise InvalidPattern("takes an address, a slash and a number of bits", place)
    try:
        return Cidr(network=ip_network(text, strict=False))
    except ValueError as problem:
        raise InvalidPattern(f"is no address range: {problem}", place) from None


COMPARISONS = ("=", "<", "<=", ">", ">=")


def _numeric(operand: Any, place: str) -> EqualsNumber | Numeric:
    """Read one comparison, or a lower bound followed by an upper one."""
    if not isinstance(operand, list):
        raise InvalidPattern("takes an array of comparisons and numbers", place)
    signs, numbers = operand[0::2], operand[1::2]
    for sign in signs:
        if sign not in COMPARISONS:
            raise InvalidPattern(f"takes the comparisons {' '.join(COMPARISONS)}", place)
    if not signs or len(signs) != len(numbers):
        raise InvalidPattern("needs a number after each comparison", place)
    for number in numbers:
        _refuse_unusable(number, place)
    match signs:
        case ["="]:
            return EqualsNumber(number=numbers[0])
        case ["<" | "<=" as upper]:
            return Numeric(upper=numbers[0], upper_inclusive=upper == "<=")
        case [">" | ">=" as lower]:
            return Numeric(lower=numbers[0], lower_inclusive=lower == ">=")
        case [">" | ">=" as lower, "<" | "<=" as upper] if numbers[0].exact < numbers[1].exact:
            return Numeric(
                lower=numbers[0], lower_inclusive=lower == ">=", upper=numbers[1], upper_inclusive=upper == "<="
            )
    raise InvalidPattern("takes one comparison, or a lower bound and then an upper bound above it", place)


def _refuse_unusable(number: Any, place: str) -> None:
    """Refuse what is no number, or none that a double holds. Source: `aws/event-ruler`, ComparableNumber."""
    if not isinstance(number, PatternNumber):
        raise InvalidPattern(f"compares with numbers only, not with {kind_of(number)}", place)
    if isinf(number.nearest) or (number.nearest == 0) != (number.exact == 0):
        raise InvalidPattern(f"cannot compare with {number.exact}, which is beyond the range of a double", place)


_Excluded = Equals | EqualsIgnoreCase | Prefix | Suffix | Wildcard
_EXCLUDED: dict[str, Callable[[Any, str], _Excluded]] = {
    "equals-ignore-case": _equals_ignore_case,
    "prefix": lambda operand, place: Prefix(text=_not_empty(_text(operand, place), place)),
    "suffix": lambda operand, place: Suffix(text=_not_empty(_text(operand, place), place)),
    "wildcard": _wildcard,
}


def _not_empty(text: str, place: str) -> str:
    if not text:
        raise InvalidPattern("takes no empty text", place)
    return text


def _anything_but(operand: Any, place: str) -> AnythingBut:
    """Read one value or a list of values, or one operator over one text or a list of texts."""
    if isinstance(operand, Members):
        operator, inner = _only_member(operand, place, "an operator")
        if operator not in _EXCLUDED:
            raise InvalidPattern(f"takes {', '.join(_EXCLUDED)}, not {operator}", place)
        return AnythingBut(
            excluded=tuple(_EXCLUDED[operator](text, f"{place}.{operator}") for text in _listed(inner, place))
        )
    excluded = tuple(_excluded_value(value, place) for value in _listed(operand, place))
    if len({type(matcher) for matcher in excluded}) > 1:
        raise InvalidPattern("takes texts or numbers, not both", place)
    return AnythingBut(excluded=excluded)


def _listed(operand: Any, place: str) -> list[Any]:
    """Make one value or many a list, never an empty one."""
    if operand == []:
        raise InvalidPattern("is an empty array", place)
    return operand if isinstance(operand, list) else [operand]


def _excluded_value(value: Any, place: str) -> Equals | EqualsNumber:
    if isinstance(value, str):
        return Equals(value=value)
    if not isinstance(value, PatternNumber):
        raise InvalidPattern(f"takes texts or numbers and holds {kind_of(value)}", place)
    _refuse_unusable(value, place)
    return EqualsNumber(number=value)


OPERATORS: dict[str, Callable[[Any, str], Matcher]] = {
    "exactly": lambda operand, place: Equals(value=_text(operand, place)),
    "prefix": _affix(Prefix),
    "suffix": _affix(Suffix),
    "equals-ignore-case": _equals_ignore_case,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "wildcard": _wildcard,
    "cidr": _cidr,
}
"""Operator → how its operand is read. `exactly` is in none of AWS's tables, but its engine takes it."""


def _refuse_complexity(matchers: Iterable[Matcher], place: str) -> None:
    """Refuse wildcards that EventBridge finds too complex."""
    groups = (matcher.excluded if isinstance(matcher, AnythingBut) else (matcher,) for matcher in matchers)
    wildcards = ([matcher.text for matcher in group if isinstance(matcher, Wildcard)] for group in groups)
    if too_complex(texts for texts in wildcards if texts):
        raise InvalidPattern(
            f"is too complex: a value could match more than {COMPLEXITY_LIMIT} beginnings of wildcards at once; "
            "use fewer stars, or letters after a star that do not repeat",
            place,
        )
