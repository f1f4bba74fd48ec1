"""Matches a record in full generality: flattened, dotted names in every spelling, arrays taken element by element.

How the engine sees a record: every scalar is a value at a dotted path; a scalar in an array is one value of several.
Values below the objects of an array belong to one element each, and a rule holds only if its values can be picked so
that no array is asked for two different elements. `exists: false` holds when no value stands at the path among the
elements picked by the conditions before it, in the order of their paths. Source: `aws/event-ruler` (Event, ACFinder,
NameState).

This is the slow road: `compiler` makes the fast one, and comes here with records that it has not foreseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from penstock.mapping.filters.leaf import ScalarTest, may_be_absent, scalar_test
from penstock.mapping.filters.matchers import is_scalar
from penstock.mapping.filters.pattern import Rule

Membership = tuple[tuple[int, int], ...]
"""The elements that a value lies in: pairs of array (numbered as met) and index, outermost first."""

Occurrences = dict[str, list[tuple[Any, Membership]]]
"""Path → the values found there, with the elements they lie in; a path without a value is not in it."""

STEPS_LIMIT = 250_000
"""Picks looked at for one rule and record. Only a record that spells one name with dots in many ways, each time with
arrays, asks for more; the rest is left out, which can only make such a record not match. Our choice."""

_Condition = tuple[str, ScalarTest, bool]
"""A path, the test of a value there, and whether none will do."""


class Selection:
    """The rules of one or several patterns, ready to be asked."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [
            [
                (condition.path, scalar_test(condition.matchers), may_be_absent(condition.matchers))
                for condition in sorted(rule.conditions, key=lambda condition: _engine_order(condition.path))
            ]
            for rule in rules
        ]
        self._leaves = frozenset(path for rule in self._rules for path, _, _ in rule)
        self._inner = frozenset(path[:dot] for path in self._leaves for dot, letter in enumerate(path) if letter == ".")

    def passes(self, record: object) -> bool:
        """Tell whether one of the rules holds; never raises, whatever the record."""
        if not isinstance(record, Mapping):
            return False
        occurrences = self.occurrences(record)
        return any(_holds(rule, occurrences) for rule in self._rules)

    def occurrences(self, record: Mapping[str, Any]) -> Occurrences:
        """Find all values at the paths of the rules."""
        found: Occurrences = {}
        arrays = 0
        waiting: list[tuple[str, Any, Membership]] = []
        self._add_members(waiting, "", record, ())
        while waiting:
            name, value, membership = waiting.pop()
            if isinstance(value, dict):
                if name in self._inner:
                    self._add_members(waiting, f"{name}.", value, membership)
            elif isinstance(value, list):
                arrays += 1
                for index, element in enumerate(value):
                    inside = isinstance(element, dict | list)
                    waiting.append((name, element, (*membership, (arrays, index)) if inside else membership))
            elif name in self._leaves and is_scalar(value):
                found.setdefault(name, []).append((value, membership))
        return found

    def _add_members(
        self, waiting: list[tuple[str, Any, Membership]], prefix: str, node: Mapping[str, Any], membership: Membership
    ) -> None:
        """Add the members of an object that are on the way to a path of the rules."""
        for key, value in node.items():
            if isinstance(key, str) and ((name := prefix + key) in self._leaves or name in self._inner):
                waiting.append((name, value, membership))


def _engine_order(path: str) -> bytes:
    """Order paths as Java orders strings, by UTF-16 units."""
    return path.encode("utf-16-be", "surrogatepass")


def _holds(rule: list[_Condition], occurrences: Occurrences) -> bool:
    """Tell whether values for all conditions of a rule can be picked together."""
    in_elements = False
    for path, accepts, or_nothing in rule:
        here = occurrences.get(path)
        if here is None:
            if not or_nothing:
                return False
        elif any(membership for _, membership in here):
            in_elements = True
        elif not any(accepts(value) for value, _ in here):
            return False
    return not in_elements or _can_be_picked(rule, occurrences)


def _can_be_picked(rule: list[_Condition], occurrences: Occurrences) -> bool:
    """Follow all picks of elements, condition by condition; forget an array when no later condition can touch it."""
    last_asked: dict[int, int] = {}
    for position, (path, _, _) in enumerate(rule):
        last_asked.update((array, position) for _, where in occurrences.get(path, ()) for array, _ in where)
    steps = 0
    picks: dict[Membership, None] = {(): None}
    for position, (path, accepts, or_nothing) in enumerate(rule):
        here = occurrences.get(path, [])
        accepted = _Places(where for value, where in here if accepts(value))
        occupied = _Places(where for _, where in here) if or_nothing else None
        after: dict[Membership, None] = {}
        for pick in map(dict, picks):
            for where in accepted.open_to(pick):
                joined = sorted({**pick, **dict(where)}.items())
                after[tuple(pair for pair in joined if last_asked[pair[0]] > position)] = None
                steps += 1
            if occupied is not None and next(occupied.open_to(pick), None) is None:
                after[tuple(pair for pair in pick.items() if last_asked[pair[0]] > position)] = None
            if steps > STEPS_LIMIT:
                break
        picks = after
    return bool(picks)


class _Places:
    """The elements that some values lie in, as a tree: those open to a pick are found without looking at all."""

    def __init__(self, memberships: Iterable[Membership]) -> None:
        self._whole: Membership | None = None
        self._arrays: dict[int, dict[int, _Places]] = {}
        for membership in memberships:
            place = self
            for array, index in membership:
                place = place._arrays.setdefault(array, {}).setdefault(index, _Places(()))
            place._whole = membership

    def open_to(self, pick: Mapping[int, int]) -> Iterator[Membership]:
        """Give the places that ask no array for another element than the pick has."""
        waiting = [self]
        while waiting:
            place = waiting.pop()
            if place._whole is not None:
                yield place._whole
            for array, elements in place._arrays.items():
                if array not in pick:
                    waiting.extend(elements.values())
                elif pick[array] in elements:
                    waiting.append(elements[pick[array]])
