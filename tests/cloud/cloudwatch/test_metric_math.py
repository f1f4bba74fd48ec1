"""Metric math on one period: what is known, what no data does, and what is refused."""

import pytest

from penstock.cloud.cloudwatch.metric_math import value_of

VALUES = {"a": 6.0, "b": 4.0, "zero": 0.0, "silent": None}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a", 6),
        ("a + b * 2 - 1", 13),
        ("(a + b) / 4", 2.5),
        ("a > b", 1),
        ("a <= b", 0),
        ("IF(a >= 6, 100 * b / a, 0)", pytest.approx(66.67, abs=0.01)),
        ("IF(a != 6, 1, b)", 4),
        ("FILL(silent, 0) + a", 6),
        ("FILL(a, 0)", 6),
    ],
)
def test_expression_has_a_value(expression: str, value: float) -> None:
    """Arithmetic, comparisons, a choice, and a stand-in for no data."""
    assert value_of(expression, VALUES) == value


@pytest.mark.parametrize("expression", ["silent", "a + silent", "a / zero", "IF(silent, 1, 2)", "IF(a, silent, 1)"])
def test_no_data_gives_no_data(expression: str) -> None:
    """Nothing is made of nothing, nor of a division by zero."""
    assert value_of(expression, VALUES) is None


@pytest.mark.parametrize(
    "expression",
    ["RATE(a)", "METRICS()", "a ^ 2", "unknown + 1", "IF(a, 1)", "IF(zero, RATE(a), 1)", "FILL(a, REPEAT)", "a &&"],
)
def test_fails_when_an_expression_is_not_known(expression: str) -> None:
    """What is not known is refused, also where this period would not have needed it."""
    with pytest.raises(ValueError, match="not known in metric math"):
        value_of(expression, VALUES)
