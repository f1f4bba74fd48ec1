"""Explains a filter: for each record the first condition that failed, with the values seen there and a hint.

A condition fails where the longest beginning of its rule that holds comes to an end, in the order written. Of the rules
that `$or` makes, the one that comes furthest is told. All is decided by `Selection`, which the fast test must agree
with and falls back on, so an explanation never contradicts what the mapping does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.mapping.filters.body import NOT_JSON, decoded
from penstock.mapping.filters.hints import Sight, hint
from penstock.mapping.filters.parse import parse
from penstock.mapping.filters.pattern import Condition, Rule, Source
from penstock.mapping.filters.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The condition that failed; `seen` is what stands at its path (may be empty), `hint` may be empty too."""

    condition: Condition
    seen: tuple[Any, ...]
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one filter says to one record; `holds` tells of each of its conditions whether it holds alone."""

    holds: tuple[bool, ...]
    failure: Failure | None

    @property
    def passes(self) -> bool:
        """Whether the record passes."""
        return self.failure is None


class ExplainedFilter:
    """One filter, ready to explain itself. `conditions` are those of all its rules, each once."""

    def __init__(self, text: str, *, source: Source) -> None:
        """Read the pattern; InvalidPattern says what is wrong with it."""
        self._rules = parse(text).rules
        self._looks_into_bodies = source == "sqs"
        self.conditions = tuple(dict.fromkeys(condition for rule in self._rules for condition in rule.conditions))

    def explain(self, record: Mapping[str, Any]) -> Explanation:
        """Judge one record."""
        view = self._view(record)
        holds = {condition: view.holds(condition) for condition in self.conditions}
        reached = [(view.longest_beginning(rule), rule) for rule in self._rules]
        failure = None
        if all(length < len(rule.conditions) for length, rule in reached):
            length, rule = max(reached, key=lambda pair: pair[0])
            failed = rule.conditions[length]
            seen = view.values_at(failed)
            sight = Sight(condition=failed, record=view.record, seen=seen, alone=holds[failed], body=view.body)
            failure = Failure(condition=failed, seen=seen, hint=hint(sight))
        return Explanation(holds=tuple(holds.values()), failure=failure)

    def _view(self, record: Mapping[str, Any]) -> _View:
        """Look at a record as a mapping does: into the body of a message, where that is JSON."""
        if not self._looks_into_bodies:
            return _View(record=record, body=None)
        body = decoded(record.get("body"))
        if body is NOT_JSON:
            return _View(record=record, body="text")
        return _View(record={**record, "body": body}, body="JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A record, its body decoded; `body` says whether that is text or JSON, `None` where bodies are not looked into."""

    record: Mapping[str, Any]
    body: str | None

    def holds(self, *conditions: Condition) -> bool:
        """Whether conditions hold together; one about text holds for no body of JSON, nor the other way round."""
        if any(self._is_of_another_body(condition.path) for condition in conditions):
            return False
        return Selection([Rule(conditions=conditions)]).passes(self.record)

    def longest_beginning(self, rule: Rule) -> int:
        """How many conditions of a rule hold together, counted from its first."""
        length = len(rule.conditions)
        while length and not self.holds(*rule.conditions[:length]):
            length -= 1
        return length

    def values_at(self, condition: Condition) -> tuple[Any, ...]:
        """Find what stands at the path of a condition, in the order of the record."""
        found = Selection([Rule(conditions=(condition,))]).occurrences(self.record)  # comes from the end
        return tuple(value for value, _ in reversed(found.get(condition.path, [])))

    def _is_of_another_body(self, path: str) -> bool:
        return (self.body == "JSON" and path == "body") or (self.body == "text" and path.startswith("body."))
