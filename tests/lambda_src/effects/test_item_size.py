from typing import Any

import pytest

from effects.item_size import item_size_bytes


@pytest.mark.parametrize(
    ("item", "size_bytes"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"id": {"S": "é"}}, 4),
        ({"é": {"S": ""}}, 2),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "27"}}, 3),
        ({"n": {"N": "271"}}, 4),
        ({"n": {"N": "-271"}}, 5),
        ({"n": {"N": "2700"}}, 3),
        ({"n": {"N": "0.0027"}}, 3),
        ({"l": {"L": []}}, 4),
        ({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 2 + 3),
        ({"m": {"M": {"a": {"S": "b"}}}}, 1 + 3 + 1 + 2),
    ],
)
def test_item_is_measured_by_the_rules_of_dynamodb(item: dict[str, Any], size_bytes: int) -> None:
    """Names count, numbers take half a byte a digit, and nesting has its price."""
    assert item_size_bytes(item) == size_bytes


def test_fails_when_a_type_has_no_rule() -> None:
    """A type that no item here uses is refused instead of measured wrongly."""
    with pytest.raises(ValueError, match="NULL"):
        item_size_bytes({"x": {"NULL": True}})
