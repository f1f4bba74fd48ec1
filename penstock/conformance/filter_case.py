"""Cases of kind ``filter``: one pattern against one record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from penstock.conformance.parts import DESCRIPTION_KEYS, CaseNotUnderstood, mapping_of, only_keys, text_of
from penstock.mapping.filters import InvalidPattern, compile_filters

_KEYS = DESCRIPTION_KEYS | {"source", "pattern", "pattern_text", "record", "expect"}
_SOURCES: Mapping[str, Literal["dynamodb", "sqs", "event-bus"]] = {
    "dynamodb": "dynamodb",
    "sqs": "sqs",
    "event-bus": "event-bus",
}


def run_filter_case(case: Mapping[str, Any]) -> list[str]:
    """Run a case; give its problems."""
    only_keys(case, _KEYS, "the case")
    expect = case["expect"]
    if expect != "invalid" and not isinstance(expect, bool):
        raise CaseNotUnderstood(f"expect is unknown: {expect!r}")
    source = text_of(case["source"], "source")
    if source not in _SOURCES:
        raise CaseNotUnderstood(f"source is unknown: {source!r}")
    if ("pattern" in case) == ("pattern_text" in case):
        raise CaseNotUnderstood("the case has not one pattern")
    pattern = text_of(case["pattern_text"], "pattern_text") if "pattern_text" in case else json.dumps(case["pattern"])
    try:
        matches = compile_filters((pattern,), source=_SOURCES[source])
    except InvalidPattern as problem:
        return [] if expect == "invalid" else [f"expected {expect!r}, happened: refused, {problem}"]
    if expect == "invalid":
        return ["expected that the pattern is refused, happened: accepted"]
    happened = matches(mapping_of(case["record"], "record"))
    return [] if happened is expect else [f"expected {expect!r}, happened {happened!r}"]
