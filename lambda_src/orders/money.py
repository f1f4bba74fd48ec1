"""Money and counts, exact: nothing here rounds in silence."""

from collections.abc import Iterable
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow

EXACT = Context(prec=38, traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow])
"""Arithmetic that raises instead of rounding; 38 digits is what a DynamoDB number holds (source: "Supported data types
and naming rules in Amazon DynamoDB"). The decimal module's own default of 28 digits would round."""

ZERO = Decimal(0)


def exact_product(amount: Decimal, count: int) -> Decimal:
    """Multiply an amount by a count without rounding; raises `decimal.Inexact` beyond 38 digits."""
    return EXACT.multiply(amount, Decimal(count))


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts without rounding; raises `decimal.Inexact` beyond 38 digits."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def number_text(number: Decimal) -> str:
    """Write a number in its one canonical form: no exponent, no trailing zeros, no negative zero.

    It is the form that DynamoDB gives back for every number, so 2.5 and 2.50 are the same content here and there.
    """
    return f"{EXACT.normalize(number):f}" if number else "0"


def money_text(amount: Decimal) -> str:
    """Write an amount as people expect it: at least two places, more only where they are needed."""
    whole, _, places = number_text(amount).partition(".")
    return f"{whole}.{places:0<2}"
