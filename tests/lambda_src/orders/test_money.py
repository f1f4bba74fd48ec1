from decimal import Decimal, Inexact

import pytest

from orders.money import exact_product, exact_sum, money_text, number_text


@pytest.mark.parametrize(
    ("number", "text"),
    [("2.50", "2.5"), ("2.5", "2.5"), ("100", "100"), ("1E+2", "100"), ("-0.0", "0"), ("0.001", "0.001")],
)
def test_number_has_one_spelling(number: str, text: str) -> None:
    """Every spelling of a number gives the one that DynamoDB gives back."""
    assert number_text(Decimal(number)) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("2.5", "2.50"), ("2", "2.00"), ("0", "0.00"), ("-1866.33", "-1866.33"), ("0.001", "0.001"), ("1E+3", "1000.00")],
)
def test_money_has_at_least_two_places(amount: str, text: str) -> None:
    """Amounts read like amounts and lose nothing."""
    assert money_text(Decimal(amount)) == text


def test_sum_of_many_digits_is_exact() -> None:
    """Sums go beyond the 28 digits at which the decimal module rounds by default."""
    large = Decimal("9" * 30)

    assert exact_sum([large, Decimal("0.000001")]) == Decimal("9" * 30 + ".000001")


def test_fails_when_a_number_cannot_be_exact() -> None:
    """What needs more than the 38 digits of DynamoDB raises, it is never rounded."""
    with pytest.raises(Inexact):
        exact_product(Decimal("9" * 38), 99)
