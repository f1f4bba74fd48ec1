"""Metric math on one period: the value of an expression over the statistics of its metrics.

Source: *Using math expressions with CloudWatch metrics*. Known are numbers, names, ``+ - * /``, comparisons (1 or 0),
``IF(condition, then, else)`` and ``FILL(metric, number)``. An operation on no data gives no data, and so does a
division by zero. What is not known is refused by name.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Final

Value = float | None
"""A number, or no data."""

_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def value_of(expression: str, values: Mapping[str, Value]) -> Value:
    """The value of an expression; ``values`` is name → number or no data.

    Raises `ValueError` for what is not known: an operator, a function, a name.
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        raise ValueError(f"not known in metric math: {expression}") from None
    return _value(tree.body, values)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _combined(_ARITHMETIC[type(op)], _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _combined(_COMPARISONS[type(op)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise], keywords=[]):
            # All three, so that what is not known is refused whichever way it goes.
            met, chosen, other = (_value(each, values) for each in (condition, then, otherwise))
            return None if met is None else chosen if met else other
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, ast.Constant(value=int() | float() as number)]):
            filled = _value(metric, values)
            return float(number) if filled is None else filled
    raise ValueError(f"not known in metric math: {ast.unparse(node)}")


def _combined(operate: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        return float(operate(left, right))
    except ZeroDivisionError:
        return None
