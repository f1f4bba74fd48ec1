"""What the filters of a mapping say to one record, with the reason: the mapping's own filters, asked once more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.mapping.filters import ExplainedFilter, Explanation, Source, written

SHOWN_CHARACTERS = 120
"""How much of the values seen a line shows; `penstock filter --json` gives all."""


def verdict(filters: Sequence[str], source: Source, record: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a record passes, and how: the number of the filter, or where the first one fails."""
    if not filters:
        return True, "no filter"
    explanations = [ExplainedFilter(text, source=source).explain(record) for text in filters]
    passed = [str(number) for number, each in enumerate(explanations, start=1) if each.passes]
    if passed:
        return True, f"passes filter {', '.join(passed)}"
    told = (f"filter {number} at {told_failure(each)}" for number, each in enumerate(explanations, start=1))
    return False, f"fails {'; '.join(told)}"


def told_failure(explanation: Explanation) -> str:
    """The condition that failed, what it wants, what was seen, and a hint, as text."""
    failure = explanation.failure
    assert failure is not None
    seen = json.dumps(failure.seen if len(failure.seen) != 1 else failure.seen[0]) if failure.seen else "nothing"
    if len(seen) > SHOWN_CHARACTERS:
        seen = f"{seen[:SHOWN_CHARACTERS]}…"
    told = f"{failure.condition.path}: wants {json.dumps(written(failure.condition))}, seen {seen}"
    return f"{told}; {failure.hint}" if failure.hint else told
