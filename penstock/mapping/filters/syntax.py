"""Small pieces of syntax tree for `compiler` and `leaf_writer`, and the namespace that the finished tree may name.

Nothing here takes a name from outside: variables are `r`, `a`, `b`, `e` and counted `v1`, `v2` …, objects `k0`, `k1` …
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Statements = list[ast.stmt]

_SCALARS = frozenset((str, int, float, bool, type(None), Decimal))


class Namespace:
    """The objects that a function may name, and counters for its variables; no builtins."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {"__builtins__": {}}
        self._names: dict[int, str] = {}
        self._variables = 0
        self._type = self.held(type)

    def held(self, thing: object) -> ast.Name:
        """Name an object, always the same way."""
        name = self._names.setdefault(id(thing), f"k{len(self._names)}")
        self.objects[name] = thing
        return variable(name)

    def new_variable(self) -> str:
        """Make up a name that nothing else has."""
        self._variables += 1
        return f"v{self._variables}"

    def type_of(self, value: str) -> ast.expr:
        """Write the type of a variable's value."""
        return call(self._type, variable(value))

    def is_of(self, value: str, kind: type) -> ast.expr:
        """Write whether a variable's value is of exactly that type."""
        return same(self.type_of(value), self.held(kind))

    def is_scalar(self, value: str) -> ast.expr:
        """Write whether a variable's value is a text, a number, true, false or null, of exactly JSON's types."""
        return ast.Compare(self.type_of(value), [ast.In()], [self.held(_SCALARS)])


def variable(name: str) -> ast.Name:
    """Read a variable."""
    return ast.Name(name, ast.Load())


def assign(name: str, value: ast.expr) -> ast.stmt:
    """Set a variable."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    """Call a function."""
    return ast.Call(function, list(arguments), [])


def same(left: ast.expr, right: ast.expr) -> ast.expr:
    """Write an identity."""
    return ast.Compare(left, [ast.Is()], [right])


def is_none(name: str) -> ast.expr:
    """Write whether a variable is None."""
    return same(variable(name), ast.Constant(None))


def negated(test: ast.expr) -> ast.expr:
    """Write the opposite."""
    return ast.UnaryOp(ast.Not(), test)


def any_of(tests: Sequence[ast.expr]) -> ast.expr:
    """Write that one of some tests, at least one, holds."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), list(tests))


def when(test: ast.expr, body: Statements, otherwise: Statements | None = None) -> ast.stmt:
    """Branch."""
    return ast.If(test, body or [ast.Pass()], otherwise or [])


def answer(value: bool) -> ast.stmt:
    """Return true or false."""
    return ast.Return(ast.Constant(value))


def function(name: str, arguments: Sequence[str], body: Statements) -> ast.stmt:
    """Define a function of positional arguments."""
    return ast.FunctionDef(
        name=name,
        args=ast.arguments([], [ast.arg(argument) for argument in arguments], None, [], [], None, []),
        body=body,
        decorator_list=[],
        returns=None,
    )
