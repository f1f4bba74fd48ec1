"""The test of one leaf, for whatever a record holds at its path."""

from __future__ import annotations

from collections.abc import Callable
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
    Prefix,
    Suffix,
    Wildcard,
    is_scalar,
    text_test,
)

ScalarTest = Callable[[Any], bool]


class Unforeseen(Exception):
    """The fast test cannot judge this record; the slow one must."""


def may_be_absent(matchers: tuple[Matcher, ...]) -> bool:
    """Tell whether a leaf is content with no value at its path."""
    return any(isinstance(matcher, Exists) and not matcher.present for matcher in matchers)


def scalar_test(matchers: tuple[Matcher, ...]) -> ScalarTest:
    """Build the test of a leaf for one scalar: whether one of the matchers accepts it."""
    texts = frozenset(matcher.value for matcher in matchers if isinstance(matcher, Equals) and matcher.is_text)
    tests = [_test_of(matcher) for matcher in matchers if not (isinstance(matcher, Equals) and matcher.is_text)]
    if texts:
        tests.insert(0, lambda value: isinstance(value, str) and value in texts)
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _test_of(matcher: Matcher) -> ScalarTest:
    """Build the test of one matcher, so that nothing is prepared again for each value."""
    match matcher:
        case Prefix() | Suffix() | EqualsIgnoreCase() | Wildcard() | Cidr():
            accepts_text = text_test(matcher)
            return lambda value: isinstance(value, str) and accepts_text(value)
        case AnythingBut(excluded=excluded):
            accepts_excluded = scalar_test(excluded)
            return lambda value: not accepts_excluded(value)
        case Equals() | EqualsNumber() | Numeric() | Exists():
            return matcher.accepts
        case _:
            assert_never(matcher)


def value_test(matchers: tuple[Matcher, ...]) -> ScalarTest:
    """Build the test of a leaf for whatever stands at its path, where something does.

    An array counts as its scalars, those of arrays within it included, and one of them is enough. An object is no
    value, nor is an array without a scalar. Unforeseen is raised for what JSON does not know.
    """
    accepts = scalar_test(matchers)
    accepts_nothing = may_be_absent(matchers)

    def test(value: Any) -> bool:
        if is_scalar(value):
            return accepts(value)
        found = False
        waiting = [[value]]
        while waiting:
            for element in waiting.pop():
                if type(element) is list:
                    waiting.append(element)
                elif is_scalar(element):
                    if accepts(element):
                        return True
                    found = True
                elif type(element) is not dict:
                    raise Unforeseen
        return accepts_nothing and not found

    return test
