"""Writes the test of a leaf: what a text must be and what a number, in place; the rest by a call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from math import isinf

from penstock.mapping.filters.leaf import may_be_absent, scalar_test, value_test
from penstock.mapping.filters.matchers import (
    AnythingBut,
    Equals,
    EqualsNumber,
    Exists,
    Matcher,
    Numeric,
    PatternNumber,
    Prefix,
    Suffix,
    text_test,
)
from penstock.mapping.filters.syntax import (
    Namespace,
    Statements,
    answer,
    any_of,
    assign,
    call,
    function,
    negated,
    same,
    variable,
    when,
)

_TESTS_IN_PLACE = 8
"""Matchers beyond equality that are written out; of more, all are called. Our choice."""

_LITERALS = frozenset((bool, type(None)))

_Tests = list[ast.expr] | bool
"""Tests of a variable of which one must hold, or what is known without looking."""


class LeafWriter:
    """The test of one leaf."""

    def __init__(self, matchers: tuple[Matcher, ...], namespace: Namespace) -> None:
        self._matchers = matchers
        self._namespace = namespace
        self._scalar_test = scalar_test(matchers)
        self.may_be_absent = may_be_absent(matchers)
        self.tells_null_from_nothing = self.may_be_absent or self._scalar_test(None)
        self._array_function = namespace.new_variable()

    def statements(self, value: str, failed: Statements) -> Statements:
        """Run `failed` unless the leaf is content with the value of a variable."""
        array: Statements = [when(negated(self.array_accepted(value)), failed)]
        if len(self._matchers) == 1 and isinstance(self._matchers[0], Equals):
            wanted = ast.Constant(self._matchers[0].value)
            sign = ast.NotEq() if self._matchers[0].is_text else ast.IsNot()
            unlike = ast.Compare(variable(value), [sign], [wanted])
            return [when(unlike, [when(self._namespace.is_scalar(value), failed, array)])]
        return self._by_type(value, lambda tests: _unless(tests, failed), array)

    def array_accepted(self, value: str) -> ast.expr:
        """Write whether the leaf is content with a variable that holds an array."""
        return call(variable(self._array_function), variable(value))

    def array_function(self) -> ast.stmt:
        """Write the function that is called for what is neither text nor number, which is mostly an array."""
        wholly = ast.Return(call(self._namespace.held(value_test(self._matchers)), variable("a")))
        accepted = call(self._namespace.held(self._scalar_test), variable("e"))
        seen = [assign("g", ast.Constant(False))] if self.may_be_absent else []
        other = when(negated(self._namespace.is_of("e", dict)), [wholly])
        element = self._by_type(
            "e",
            lambda tests: [*_if_any(tests, [answer(True)]), *seen],
            [when(self._namespace.is_scalar("e"), [when(accepted, [answer(True)]), *seen], [other])],
        )
        search = [
            assign("g", ast.Constant(self.may_be_absent)),
            ast.For(ast.Name("e", ast.Store()), variable("a"), element, []),
            ast.Return(variable("g")),
        ]
        is_object = self._namespace.is_of("a", dict)
        body = [when(self._namespace.is_of("a", list), search), when(is_object, [answer(self.may_be_absent)]), wholly]
        return function(self._array_function, ("a",), body)

    def _by_type(self, value: str, body_for: Callable[[_Tests], Statements], rest: Statements) -> Statements:
        """Branch to what a text must be, a number, or true, false and null; the rest is for decimals and arrays."""
        texts = _text_tests(self._matchers, value, self._namespace)
        numbers = _number_tests(self._matchers, value, self._namespace)
        kind = self._namespace.new_variable()
        is_text = same(variable(kind), self._namespace.held(str))
        is_number = any_of([same(variable(kind), self._namespace.held(number)) for number in (int, float)])
        branches: list[tuple[ast.expr, _Tests]] = [(is_text, texts), (is_number, numbers)]
        if texts is False:
            branches.reverse()
        accepted = [self._scalar_test(literal) for literal in (None, True, False)]
        if len(set(accepted)) == 1:
            is_literal = ast.Compare(variable(kind), [ast.In()], [self._namespace.held(_LITERALS)])
            branches.append((is_literal, accepted[0]))
        for test, tests in reversed(branches):
            rest = [when(test, body_for(tests), rest)]
        return [assign(kind, self._namespace.type_of(value)), *rest]


def _if_any(tests: _Tests, body: Statements) -> Statements:
    """Run a body if one of some tests holds."""
    if isinstance(tests, bool):
        return body if tests else []
    return [when(any_of(tests), body)]


def _unless(tests: _Tests, failed: Statements) -> Statements:
    """Run `failed` if no test holds."""
    if isinstance(tests, bool):
        return [ast.Pass()] if tests else failed
    return [when(negated(any_of(tests)), failed)]


def _text_tests(matchers: Sequence[Matcher], value: str, namespace: Namespace) -> _Tests:
    """Write what the matchers ask of a variable that holds a text."""
    texts = [matcher.value for matcher in matchers if isinstance(matcher, Equals) and isinstance(matcher.value, str)]
    tests = [_is_one_of(value, texts, namespace)] if texts else []
    others = [matcher for matcher in matchers if not isinstance(matcher, Equals)]
    if len(others) > _TESTS_IN_PLACE:
        return [*tests, call(namespace.held(scalar_test(tuple(others))), variable(value))]
    for matcher in others:
        test = _text_test(matcher, value, namespace)
        if test is True:
            return True
        if test is not False:
            tests.append(test)
    return tests or False


def _text_test(matcher: Matcher, value: str, namespace: Namespace) -> ast.expr | bool:
    """Write what one matcher asks of a text."""
    match matcher:
        case Equals() | EqualsNumber() | Numeric():
            return False
        case Exists(present=present):
            return present
        case Prefix(text="") | Suffix(text=""):
            return True
        case Prefix(text=text, ignore_case=False):
            return _has_part(value, slice(None, len(text)), text, namespace)
        case Suffix(text=text, ignore_case=False):
            return _has_part(value, slice(-len(text), None), text, namespace)
        case AnythingBut(excluded=excluded):
            tests = _text_tests(excluded, value, namespace)
            return not tests if isinstance(tests, bool) else negated(any_of(tests))
        case _:
            return call(namespace.held(text_test(matcher)), variable(value))


def _has_part(value: str, part: slice, text: str, namespace: Namespace) -> ast.expr:
    """Write that a part of a text is another."""
    cut = ast.Subscript(variable(value), namespace.held(part), ast.Load())
    return ast.Compare(cut, [ast.Eq()], [ast.Constant(text)])


def _number_tests(matchers: Sequence[Matcher], value: str, namespace: Namespace) -> _Tests:
    """Write what the matchers ask of a variable that holds an integer or a float."""
    tests: list[ast.expr] = []
    numbers: list[int | float] = []
    for matcher in matchers:
        match matcher:
            case EqualsNumber(number=number) if _is_handy(number):
                numbers.append(_handy(number))
            case EqualsNumber():
                tests.append(call(namespace.held(matcher.accepts), variable(value)))
            case Numeric():
                tests.append(_range_test(matcher, value, namespace))
            case Exists(present=True):
                return True
            case AnythingBut(excluded=excluded):
                inner = _number_tests(excluded, value, namespace)
                if isinstance(inner, bool):  # texts are excluded: every number passes
                    return True
                tests.append(negated(any_of(inner)))
            case _:
                pass
    if numbers:
        tests.insert(0, _is_one_of(value, numbers, namespace))
    return tests or False


def _range_test(numeric: Numeric, value: str, namespace: Namespace) -> ast.expr:
    """Write that a number lies within bounds."""
    bounds = [bound for bound in (numeric.lower, numeric.upper) if bound is not None]
    if not all(map(_is_handy, bounds)):
        return call(namespace.held(numeric.accepts), variable(value))
    terms: list[ast.expr] = [variable(value)]
    signs: list[ast.cmpop] = []
    if numeric.lower is not None:
        terms.insert(0, ast.Constant(_handy(numeric.lower)))
        signs.append(ast.LtE() if numeric.lower_inclusive else ast.Lt())
    if numeric.upper is not None:
        terms.append(ast.Constant(_handy(numeric.upper)))
        signs.append(ast.LtE() if numeric.upper_inclusive else ast.Lt())
    return ast.Compare(terms[0], signs, terms[1:])


def _is_handy(number: PatternNumber) -> bool:
    """Tell whether one Python number does for the integers and the floats of records alike."""
    return number.exact == number.nearest or not (isinf(number.nearest) or number.nearest.is_integer())


def _handy(number: PatternNumber) -> int | float:
    """That Python number."""
    return int(number.nearest) if number.nearest.is_integer() else number.nearest


def _is_one_of(value: str, wanted: Sequence[str | int | float], namespace: Namespace) -> ast.expr:
    """Write that a variable, known to be hashable, equals one of some values."""
    if len(wanted) == 1:
        return ast.Compare(variable(value), [ast.Eq()], [ast.Constant(wanted[0])])
    return ast.Compare(variable(value), [ast.In()], [namespace.held(frozenset(wanted))])
