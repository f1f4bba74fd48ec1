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
                raise ValueError(f"wildcard has two stars in a row at position {token.start()}")
            found.append([])
        elif token["escaped"] is None:
            found[-1].append(token[0])
        elif token["escaped"] in ("*", "\\"):
            found[-1].append(token["escaped"])
        else:
            raise ValueError(f"wildcard has a backslash before neither * nor \\ at position {token.start()}")
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


def too_complex(texts: Iterable[str]) -> bool:
    """Tell whether the wildcards of one leaf go beyond `COMPLEXITY_LIMIT`.

    A value is read letter by letter, following every wildcard at once; what counts is the largest number of places that
    it can reach at a time. After ten thousand different sets of places the answer is yes without looking further.
    """
    tokens = [_tokens(text) for text in texts]
    start = frozenset((machine, 0, False) for machine in range(len(tokens)))
    seen = {start}
    waiting = [start]
    while waiting:
        places = waiting.pop()
        for reached in _steps(tokens, places):
            if len(reached) > COMPLEXITY_LIMIT or len(seen) > _SETS_LOOKED_AT:
                return True
            if reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return False


_Place = tuple[int, int, bool]
"""A wildcard, how many of its tokens are matched, and whether the star that follows has begun to eat letters."""


def _tokens(text: str) -> list[str]:
    """List the letters and stars (as empty texts) of a wildcard between the quotes of a JSON string."""
    first, *rest = pieces(text)
    return ['"', *first, *(token for piece in rest for token in ("", *piece)), '"']


def _steps(tokens: list[list[str]], places: frozenset[_Place]) -> list[frozenset[_Place]]:
    """List the sets of places that one more letter leads to: a set for each letter that matters, one for all others."""
    stars = {(machine, at, True) for machine, at, _ in places if tokens[machine][at : at + 1] == [""]}
    by_letter: dict[str, set[_Place]] = {}
    for machine, at, _ in places:
        literal = at + (tokens[machine][at : at + 1] == [""])
        if literal < len(tokens[machine]):
            reached = by_letter.setdefault(tokens[machine][literal], set(stars))
            reached.add((machine, literal + 1, False))
            if tokens[machine][literal + 1 : literal + 2] == [""]:
                reached.add((machine, literal + 1, True))
    return [frozenset(reached) for reached in (*by_letter.values(), stars) if reached]
