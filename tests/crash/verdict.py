"""What a run came to, held against the exact final state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Effects = Mapping[str, Sequence[Any]]
"""What is there in the end: the name of an effect → each time that it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts of effects that are not as they should be.

    `wrong` ones are there and should be otherwise or not at all, `lost` ones are not there, `doubled` counts each time
    too often, `blocked` ones were given up by the source.
    """

    wrong: int = 0
    lost: int = 0
    doubled: int = 0
    blocked: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            wrong=self.wrong + other.wrong,
            lost=self.lost + other.lost,
            doubled=self.doubled + other.doubled,
            blocked=self.blocked + other.blocked,
        )


def judge(seen: Effects, exact: Mapping[str, Any], *, given_up: Collection[str], disordered: int = 0) -> Verdict:
    """Compare the final state with the exact one; `given_up` names the effects whose records were given up."""
    wrong = {name for name, contents in seen.items() if any(content != exact.get(name) for content in contents)}
    return Verdict(
        wrong=len(wrong) + disordered,
        lost=len(exact.keys() - seen.keys() - set(given_up)),
        doubled=sum(len(contents) - 1 for contents in seen.values()),
        blocked=len(set(given_up)),
    )
