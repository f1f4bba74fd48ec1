"""Which occurrences are hit: counted and drawn for each fault on its own.

A draw is a hash of the seed, the fault's place in the script, what the occurrence is about, and how often that came
before. So it does not matter for the fate of one item what other faults drew, or which item came first.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from penstock.cloud.faults.kinds import When


class Chance:
    """The chance of one fault of a script."""

    def __init__(self, *, seed: int, place: int, when: When) -> None:
        """``place`` tells the faults of a script apart."""
        self._root = f"{seed}/{place}"
        self._when = when
        self._seen = 0
        self._struck = 0
        self._about: Counter[str] = Counter()

    def strikes(self, about: str) -> bool:
        """Whether the next occurrence that matches, which is about this, is hit."""
        when = self._when
        self._seen += 1
        self._about[about] += 1
        if when.until is not None and self._struck >= when.until:
            return False
        if when.nth is not None:
            hit = self._seen == when.nth
        elif when.every is not None:
            hit = self._seen % when.every == 0
        elif when.first is not None:
            hit = self._seen <= when.first
        elif when.probability is not None:
            hit = self.draw(about) < when.probability
        else:
            hit = True
        self._struck += hit
        return hit

    def draw(self, about: str, of: str = "") -> float:
        """A number from 0 to 1 (not included) for the last occurrence about this; ``of`` tells several draws apart."""
        text = f"{self._root}/{about}/{self._about[about]}/{of}"
        return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48
