"""How large DynamoDB takes an item to be, computed before it is asked.

Source: "DynamoDB item sizes and formats" and "Constraints in Amazon DynamoDB" (400 KB with attribute names).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LIMIT_BYTES = 400 * 1024
"""Largest item that DynamoDB takes."""

GROWTH_BYTES = 1024
"""Our choice: room that an order needs after it was placed, for totals, reason, payment and execution (under 700
bytes). Without it an order could be placed that nobody can accept."""

_NESTING_BYTES = 3
_ELEMENT_BYTES = 1


def item_size_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Add up names and values of an item in DynamoDB's typed form; types but S, N, M and L raise ValueError."""
    return sum(len(name.encode()) + _value_size_bytes(value) for name, value in item.items())


def _value_size_bytes(attribute: Mapping[str, Any]) -> int:
    match attribute:
        case {"S": text}:
            return len(text.encode())
        case {"N": number}:
            return _number_size_bytes(Decimal(number))
        case {"M": members}:
            return _NESTING_BYTES + _ELEMENT_BYTES * len(members) + item_size_bytes(members)
        case {"L": elements}:
            return _NESTING_BYTES + sum(_ELEMENT_BYTES + _value_size_bytes(element) for element in elements)
        case _:
            raise ValueError(f"no size known for an attribute of type {', '.join(attribute)}")


def _number_size_bytes(number: Decimal) -> int:
    """One byte, one more for every two significant digits, and one for a sign (DynamoDB says «approximately»)."""
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return 1 + (len(digits) + 1) // 2 + (1 if number < 0 else 0)
