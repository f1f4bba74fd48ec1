r"""Wildcard texts: reading them, matching in linear time, and judging whether EventBridge would take them.

`*` stands for any run of characters, the empty one included; `\*` and `\\` are the plain characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

COMPLEXITY_LIMIT = 10
"""How many beginnings of wildcards one value may match at once. EventBridge refuses more: recorded for a wildcard of
six stars, reported for four of two stars each. event-ruler computes the number and leaves the limit to its caller;
ours is one that agrees with what is known."""

_SETS_LOOKED_AT = 10_000
_TOKEN = re.compile(r"\\(?P<escaped>.?)|(?P<star>\*+)|[^\\*]+", re.DOTALL)


def pieces(text: str) -> tuple[str, ...]:
    """Split a wildcard at its stars; one piece means that there is no star. ValueError says what is wrong with it."""
    found: list[list[str]] = [[]]
    for token in _TOKEN.finditer(text):
        if token["star"] is not None:
            if token["star"] != "*":
                raise ValueError(f"has two stars in a row at position {token.start()}")
            found.append([])
        elif token["escaped"] is None:
            found[-1].append(token[0])
        elif token["escaped"] in ("*", "\\"):
            found[-1].append(token["escaped"])
        else:
            raise ValueError(f"has a backslash before neither * nor \\ at position {token.start()}")
    return tuple("".join(piece) for piece in found)


def wildcard_test(text: str) -> Callable[[str], bool]:
    """Build the test for one wildcard; its time grows with the length of the value, whatever the stars."""
    first, *rest = pieces(text)
    if not rest:
        return first.__eq__
    *middle, last = rest
    shortest = len(first) + len(last)

    def matches(value: str) -> bool:
        if len(value) < shortest or not value.startswith(first) or not value.endswith(last):
            return False
        position = len(first)
        end = len(value) - len(last)
        for piece in middle:
            position = value.find(piece, position, end)
            if position < 0:
                return False
            position += len(piece)
        return True

    return matches


def too_complex(leaf: Iterable[Iterable[str]]) -> bool:
    """Tell whether the wildcards of one leaf, given matcher by matcher, go beyond `COMPLEXITY_LIMIT`.

    A value is read letter by letter, following every wildcard at once; what counts is the largest number of places that
    it can reach at a time. After ten thousand different sets of places the answer is yes without looking further.
    """
    machine = _Machine()
    start = frozenset(machine.entrance_of(texts) for texts in leaf)
    seen = {start}
    waiting = [start]
    while waiting:
        for reached in machine.steps(waiting.pop()):
            if machine.weight(reached) > COMPLEXITY_LIMIT or len(seen) > _SETS_LOOKED_AT:
                return True
            if reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return False


class _Machine:
    """Places and the letters that lead from one to others, as the engine builds them.

    Wildcards of one matcher share the places up to and including their first star, and the last one.
    """

    def __init__(self) -> None:
        self._by_letter: list[dict[str, set[int]]] = []
        self._by_any: list[int | None] = []

    def entrance_of(self, texts: Iterable[str]) -> int:
        """Add the wildcards of one matcher."""
        entrance, end = self._new_place(), self._new_place()
        for text in texts:
            self._add(entrance, end, pieces(f'"{text}"'))
        return entrance

    def steps(self, places: frozenset[int]) -> list[frozenset[int]]:
        """List the sets of places that one more letter leads to: a set for each letter that matters, one for others."""
        anyway = frozenset(after for place in places if (after := self._by_any[place]) is not None)
        letters = {letter for place in places for letter in self._by_letter[place]}
        sets = [anyway.union(*(self._by_letter[place].get(letter, ()) for place in places)) for letter in letters]
        return [reached for reached in (*sets, anyway) if reached]

    def weight(self, places: frozenset[int]) -> int:
        """Count places, and the stars that begin at them."""
        return len(places.union(after for place in places if (after := self._by_any[place]) is not None))

    def _new_place(self) -> int:
        self._by_letter.append({})
        self._by_any.append(None)
        return len(self._by_any) - 1

    def _add(self, entrance: int, end: int, parts: tuple[str, ...]) -> None:
        """Lay the way of one wildcard from the entrance to the end; a star's place leads to itself by any letter."""
        here, star = entrance, None
        for number, part in enumerate(parts):
            if number:
                star = self._by_any[here] if number == 1 else None
                if star is None:
                    star = self._by_any[here] = self._new_place()
                    self._by_any[star] = star
            for position, letter in enumerate(part):
                shared = self._by_letter[here].get(letter) if number == 0 else None
                is_last = number == len(parts) - 1 and position == len(part) - 1
                after = end if is_last else next(iter(shared)) if shared else self._new_place()
                for place in (here, star) if star is not None else (here,):
                    self._by_letter[place].setdefault(letter, set()).add(after)
                here, star = after, None
