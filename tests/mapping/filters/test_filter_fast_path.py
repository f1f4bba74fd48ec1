"""The function written for a pattern answers by itself; only what it cannot have foreseen goes to `Selection`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Never

import pytest

from penstock.mapping.filters import compiler
from penstock.mapping.filters.body import compile_pattern

CASES = json.loads((Path(__file__).parents[2] / "conformance" / "filters.json").read_text())["cases"]
LEFT_TO_SELECTION = ("filter-125", "filter-126", "filter-127", "filter-128")
"""Cases with names spelled with dots."""


class Refusing:
    """Stands in the place of `Selection`."""

    def __init__(self, rules: object) -> None:
        pass

    def passes(self, record: object) -> Never:
        """Tell that it was asked."""
        raise AssertionError(f"left to Selection: {record}")


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["expect"] != "invalid" and case["id"] not in LEFT_TO_SELECTION],
    ids=lambda case: case["id"],
)
def test_case_is_answered_by_the_function_alone(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """No carried case but those with dotted names needs more."""
    monkeypatch.setattr(compiler, "Selection", Refusing)
    # a pattern compiled before would come from the cache, with what stands behind it: a space makes it another
    text = " " + (case["pattern_text"] if "pattern_text" in case else json.dumps(case["pattern"]))

    assert compile_pattern(text, source=case["source"])(case["record"]) is case["expect"]
