"""Reads the text of a filter pattern, or refuses it with the place and the reason.

The rules, from esm-spec section 14.1 and `aws/event-ruler`:

- A pattern is a JSON object, not empty. Each value is an object, which goes deeper, or an array, which is a leaf.
- An entry of a leaf is a text, a number, `true`, `false`, `null`, or an object with one operator.
- Paths are flattened: `{"a": {"b": …}}` and `{"a.b": …}` are the same leaf. Of a repeated leaf the last one counts; a
  repeated object adds to the first.
- `$or` holds two or more objects; each makes a rule of its own together with all that stands beside it. Where one
  `$or` of a pattern is anything else, or has a field named like an operator, every `$or` of that pattern is a plain
  field name.
"""

from __future__ import annotations

from typing import Any

from penstock.mapping.filters.operators import COMPARISONS, OPERATORS, matchers_of
from penstock.mapping.filters.pattern import Condition, Pattern, Rule
from penstock.mapping.filters.pattern_text import LEVELS_LIMIT, TOO_DEEP, InvalidPattern, Members, kind_of, read_json

RULES_LIMIT = 1_000
"""Rules that the `$or` of one pattern may multiply to. Source: EventBridge guide, "Comparison operators for use in
event patterns": a pattern of more than 1000 rule combinations is refused."""

CONDITIONS_LIMIT = 100_000
"""Conditions of all these rules together. Our choice; the 4,096 letters that a mapping's filter may have make fewer."""

_FUTURE_OPERATORS = (
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
    *("ip-address-in-range", "ip-address-not-in-range"),
)
_RESERVED_IN_OR = frozenset((*OPERATORS, *COMPARISONS, *_FUTURE_OPERATORS))
"""Field names that turn a `$or` above them into a plain field. Source: `aws/event-ruler`, Constants."""


_Leaves = dict[str, Condition]
"""One rule in the making: path → condition."""


def parse(text: str) -> Pattern:
    """Read a pattern; InvalidPattern where AWS would refuse it, and where it goes beyond the limits above."""
    members = read_json(text)
    try:
        rules = _rules_of(members, or_is_relation=True)
    except InvalidPattern as refusal:
        try:
            rules = _rules_of(members, or_is_relation=False)
        except InvalidPattern:
            raise refusal from None
    return Pattern(text=text, rules=tuple(Rule(conditions=tuple(rule.values())) for rule in rules))


def _rules_of(members: Members, *, or_is_relation: bool) -> list[_Leaves]:
    """Flatten a pattern into its rules."""
    rules: list[_Leaves] = [{}]
    _Flattening(or_is_relation=or_is_relation).add_object(members, (), rules)
    return rules


class _Flattening:
    """One reading of a pattern, with `$or` as a relation or as a name like others."""

    def __init__(self, *, or_is_relation: bool) -> None:
        self._or_is_relation = or_is_relation
        self._ors_around = 0

    def add_object(self, members: Members, keys: tuple[str, ...], rules: list[_Leaves]) -> None:
        """Add the leaves of one object to all rules so far; `$or` multiplies the rules."""
        if not members.pairs:
            raise InvalidPattern("is an empty object", _place(keys))
        for key, value in members.pairs:
            if key == "$or" and self._or_is_relation:
                self._add_or(value, (*keys, key), rules)
            elif self._ors_around and key in _RESERVED_IN_OR:
                raise InvalidPattern("is the name of an operator where $or needs a field", _place((*keys, key)))
            else:
                self._add_member(value, (*keys, key), rules)

    def _add_member(self, value: Any, keys: tuple[str, ...], rules: list[_Leaves]) -> None:
        """Add what stands under a key: more keys, or a leaf."""
        self._refuse_depth(keys)
        if isinstance(value, Members):
            self.add_object(value, keys, rules)
        elif isinstance(value, list):
            condition = Condition(keys=keys, matchers=matchers_of(value, _place(keys)))
            for rule in rules:
                rule[condition.path] = condition
            _refuse_size(len(rules), rules, keys)
        else:
            raise InvalidPattern(f"is {kind_of(value)} where an array or an object must stand", _place(keys))

    def _add_or(self, value: Any, keys: tuple[str, ...], rules: list[_Leaves]) -> None:
        """Multiply the rules so far by the alternatives of one `$or`, whose own key is the last."""
        if not isinstance(value, list) or len(value) < 2 or not all(isinstance(entry, Members) for entry in value):
            raise InvalidPattern("needs an array of two or more objects", _place(keys))
        self._ors_around += 1
        self._refuse_depth(keys)
        before = list(rules)
        rules.clear()
        for entry in value:
            _refuse_size(len(rules) + len(before), before, keys)
            branch = [dict(rule) for rule in before]
            self.add_object(entry, keys[:-1], branch)
            rules.extend(branch)
        _refuse_size(len(rules), rules, keys)
        self._ors_around -= 1

    def _refuse_depth(self, keys: tuple[str, ...]) -> None:
        """Refuse what nests too deep, be it by objects, dots or `$or`."""
        if len(keys) + sum(key.count(".") for key in keys) + self._ors_around > LEVELS_LIMIT:
            raise InvalidPattern(TOO_DEEP, _place(keys[:3]) + "…")


def _refuse_size(count: int, rules: list[_Leaves], keys: tuple[str, ...]) -> None:
    """Refuse more rules, or more conditions in all of them, than there may be."""
    if count > RULES_LIMIT:
        raise InvalidPattern(f"makes more than {RULES_LIMIT} combinations", _place(keys))
    if count * len(rules[0]) > CONDITIONS_LIMIT:
        raise InvalidPattern(f"makes more than {CONDITIONS_LIMIT} conditions in all combinations", _place(keys))


def _place(keys: tuple[str, ...]) -> str:
    """Where something stands, for a message."""
    return ".".join(keys)
