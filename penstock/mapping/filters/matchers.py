"""What may stand at a leaf: one frozen matcher for each entry of a leaf's array.

Each has `accepts(value)` for one scalar of a record. Names and texts are case-sensitive, nothing is trimmed or
normalised, and types are strict: `1`, `"1"`, `true` and `null` accept only themselves; numbers compare by value,
however written. Source: the behaviour of AWS's open-source engine, `aws/event-ruler`, which agrees with what was
recorded of AWS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import TypeGuard, assert_never

from penstock.mapping.filters.wildcard import wildcard_test

Number = int | float | Decimal


def is_number(value: object) -> TypeGuard[Number]:
    """Tell whether a value of a record is a JSON number; Python's booleans are none."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_scalar(value: object) -> bool:
    """Tell whether a value of a record can be a leaf; what JSON does not know is none."""
    return value is None or isinstance(value, str | int | float | Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternNumber:
    """A number of a pattern: exact as written, and the float nearest to it.

    A record's floats are compared with `nearest`, its integers and decimals with `exact`: `301.8` in a pattern equals
    both the float and the decimal `301.8` of a record, which do not equal each other.
    """

    exact: Decimal
    nearest: float

    def beside(self, value: Number) -> Number:
        """Choose the form that a record's value of that type is compared with."""
        return self.nearest if isinstance(value, float) else self.exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """A text, `true`, `false` or `null` written plainly."""

    value: str | bool | None

    @property
    def is_text(self) -> bool:
        """Whether it is a text that is asked for."""
        return isinstance(self.value, str)

    def accepts(self, value: object) -> bool:
        """Accept the same value of the same type."""
        return value is self.value or (isinstance(value, str) and value == self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualsNumber:
    """A number written plainly, or `{"numeric": ["=", …]}`."""

    number: PatternNumber

    def accepts(self, value: object) -> bool:
        """Accept numbers of the same value."""
        return is_number(value) and value == self.number.beside(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """`{"numeric": […]}` with one bound or both."""

    lower: PatternNumber | None = None
    lower_inclusive: bool = False
    upper: PatternNumber | None = None
    upper_inclusive: bool = False

    def accepts(self, value: object) -> bool:
        """Accept numbers within the bounds."""
        if not is_number(value):
            return False
        if self.lower is not None:
            lower = self.lower.beside(value)
            if not (value >= lower if self.lower_inclusive else value > lower):
                return False
        if self.upper is None:
            return True
        upper = self.upper.beside(value)
        return value <= upper if self.upper_inclusive else value < upper


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """`{"prefix": …}`; the empty text begins every text."""

    text: str
    ignore_case: bool = False

    def accepts(self, value: object) -> bool:
        """Accept texts that begin so."""
        return isinstance(value, str) and text_test(self)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffix:
    """`{"suffix": …}`; the empty text ends every text."""

    text: str
    ignore_case: bool = False

    def accepts(self, value: object) -> bool:
        """Accept texts that end so."""
        return isinstance(value, str) and text_test(self)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualsIgnoreCase:
    """`{"equals-ignore-case": …}`, letter by letter as the engine compares, see `case_variants`."""

    text: str

    def accepts(self, value: object) -> bool:
        """Accept texts equal but for case."""
        return isinstance(value, str) and text_test(self)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """`{"wildcard": …}`."""

    text: str

    def accepts(self, value: object) -> bool:
        """Accept texts of that shape."""
        return isinstance(value, str) and text_test(self)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cidr:
    """`{"cidr": …}`."""

    network: IPv4Network | IPv6Network

    def accepts(self, value: object) -> bool:
        """Accept addresses of the same family within the range."""
        return isinstance(value, str) and text_test(self)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """`{"exists": …}`: a value, whichever, at that very path; or none."""

    present: bool

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - it is enough to be there
        """Accept whatever there is, or nothing that there is."""
        return self.present


TextMatcher = Prefix | Suffix | EqualsIgnoreCase | Wildcard | Cidr


@dataclass(frozen=True, slots=True, kw_only=True)
class AnythingBut:
    """`{"anything-but": …}`: a value must be there, and none of `excluded` accepts it; other types pass.

    `excluded` is never empty and holds texts alone or numbers alone.
    """

    excluded: tuple[Equals | EqualsNumber | TextMatcher, ...]

    def accepts(self, value: object) -> bool:
        """Accept what none of the excluded accepts."""
        return not any(matcher.accepts(value) for matcher in self.excluded)


Matcher = Equals | EqualsNumber | Numeric | TextMatcher | Exists | AnythingBut


def text_test(matcher: TextMatcher) -> Callable[[str], bool]:
    """Build the test of a text matcher, for texts only."""
    match matcher:
        case Prefix(text=text, ignore_case=False):
            return lambda value: value.startswith(text)
        case Suffix(text=text, ignore_case=False):
            return lambda value: value.endswith(text)
        case Prefix(text=text):
            return _begins_but_for_case(text)
        case Suffix(text=text):
            return _ends_but_for_case(text)
        case EqualsIgnoreCase(text=text):
            return _equal_but_for_case(text)
        case Wildcard(text=text):
            return wildcard_test(text)
        case Cidr(network=network):
            return _within(network)
        case _:
            assert_never(matcher)


def _variants(character: str) -> tuple[str, ...]:
    """Tell what one character of a pattern stands for when case is ignored, as the engine reads case.

    Each UTF-16 unit stands for its own lower-case and upper-case form, each taken alone, and for nothing else: `ß` for
    `ß` and `SS` but not `ss`; half a surrogate pair for `?`, so a character beyond the BMP for `??` and not for itself.
    """
    if character > "\uffff":
        return ("??",)
    if "\ud800" <= character <= "\udfff":
        return ("?",)
    lower, upper = character.lower(), character.upper()
    return (lower,) if lower == upper else (lower, upper)


def _ignoring_case(letters: Iterable[tuple[str, ...]]) -> re.Pattern[str]:
    """Write a regular expression in which no letter can be read in two ways, so that it takes one pass."""
    return re.compile("".join(f"(?:{'|'.join(map(re.escape, variants))})" for variants in letters))


def _equal_but_for_case(text: str) -> Callable[[str], bool]:
    """Build the test of `equals-ignore-case`."""
    if text.isascii():
        lower = text.lower()
        return lambda value: value.lower() == lower and value.isascii()
    matches = _ignoring_case(map(_variants, text)).fullmatch
    return lambda value: matches(value) is not None


def _begins_but_for_case(text: str) -> Callable[[str], bool]:
    """Build the test of `prefix` with `equals-ignore-case`."""
    matches = _ignoring_case(map(_variants, text)).match
    return lambda value: matches(value) is not None


def _ends_but_for_case(text: str) -> Callable[[str], bool]:
    """Build the test of `suffix` with `equals-ignore-case`: the tail of the value, read backwards."""
    letters = [_variants(character) for character in text]
    longest = sum(max(map(len, variants)) for variants in letters)
    matches = _ignoring_case(tuple(form[::-1] for form in variants) for variants in reversed(letters)).match
    return lambda value: matches(value[: -longest - 1 : -1]) is not None


def _within(network: IPv4Network | IPv6Network) -> Callable[[str], bool]:
    """Build the test of `cidr`; an address is one only as it is usually written, without zeros ahead of a number."""
    lowest, highest = network.network_address.packed, network.broadcast_address.packed

    def test(value: str) -> bool:
        try:
            address = bytes(map(int, value.split(".")))
        except ValueError:
            return False
        return len(address) == 4 and lowest <= address <= highest and ".".join(map(str, address)) == value

    def long_test(value: str) -> bool:
        try:
            return lowest <= IPv6Address(value).packed <= highest and "%" not in value
        except ValueError:
            return False

    return test if isinstance(network, IPv4Network) else long_test
