"""The recorded, documented and computed behaviour of AWS's filters, case by case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.mapping.filters import InvalidPattern, compile_filters, compile_pattern

CASES = json.loads((Path(__file__).parents[2] / "conformance" / "filters.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_filter_does_what_the_case_says(case: dict[str, Any]) -> None:
    """A record passes, is dropped, or the pattern is refused, as on AWS."""
    text = case["pattern_text"] if "pattern_text" in case else json.dumps(case["pattern"])

    if case["expect"] == "invalid":
        with pytest.raises(InvalidPattern):
            compile_pattern(text, source=case["source"])
    else:
        assert compile_pattern(text, source=case["source"])(case["record"]) is case["expect"], case["about"]


def test_no_filters_let_every_record_through() -> None:
    """A mapping without filters takes every record."""
    passes = compile_filters([], source="dynamodb")

    assert passes({}) is True


def test_one_of_several_filters_is_enough() -> None:
    """Filters are alternatives; their conditions are not mixed."""
    passes = compile_filters(['{"a":["1"],"b":["1"]}', '{"a":["2"],"b":["2"]}'], source="event-bus")

    assert passes({"a": "2", "b": "2"}) is True
    assert passes({"a": "1", "b": "2"}) is False
