"""Filter patterns: text in, a fast test of records out.

`compile_filters` is what an event source mapping or a rule of an event bus needs; `parse` gives a pattern to walk,
`ExplainedFilter` says why a record does not pass.
Patterns come from strangers' templates: whatever the text, none of it becomes code, and a record of whatever shape
passes or does not, without an error.
"""

from __future__ import annotations

from penstock.mapping.filters.body import compile_filters, compile_pattern
from penstock.mapping.filters.explanation import ExplainedFilter, Explanation, Failure
from penstock.mapping.filters.matchers import Matcher
from penstock.mapping.filters.parse import parse
from penstock.mapping.filters.pattern import Condition, Pattern, Rule, Source
from penstock.mapping.filters.pattern_text import InvalidPattern
from penstock.mapping.filters.written import written

__all__ = [
    "Condition",
    "ExplainedFilter",
    "Explanation",
    "Failure",
    "InvalidPattern",
    "Matcher",
    "Pattern",
    "Rule",
    "Source",
    "compile_filters",
    "compile_pattern",
    "parse",
    "written",
]
