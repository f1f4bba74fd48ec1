"""Virtual time: what happens when, in an order that never depends on anything but the case.

Rules: time 0 is 2026-01-01T00:00:00Z; whatever is due at one instant happens by rank, then in the order it was planned;
what is planned for the instant at hand happens before time goes on.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Final

EPOCH_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the time 0 of every case."""

SOURCE: Final = 0
"""Rank of what happens in the source: switches, writes, messages, leases that end."""

FUNCTION: Final = 1
"""Rank of the end of a run."""

TIMER: Final = 2
"""Rank of a mapping's own timers."""


class Timeline:
    """A heap of things to do; ``now_ms`` counts from the time 0 of the case."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._planned: list[tuple[int, int, int]] = []
        self._actions: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()

    def plan(self, at_ms: int, rank: int, action: Callable[[], None]) -> int:
        """Plan something; give its number, by which it can be cancelled."""
        number = next(self._numbers)
        heapq.heappush(self._planned, (max(at_ms, self.now_ms), rank, number))
        self._actions[number] = action
        return number

    def cancel(self, number: int) -> None:
        """Forget what was planned."""
        self._actions.pop(number, None)

    def run(self, until_ms: int, *, between: Callable[[], None]) -> None:
        """Do everything up to an instant; ``between`` is called after each step and may plan more.

        All that happens in the source at one instant is one step: nobody sees half of it.
        """
        between()
        while self._planned and self._planned[0][0] <= until_ms:
            at_ms, rank, number = heapq.heappop(self._planned)
            action = self._actions.pop(number, None)
            if action is not None:
                self.now_ms = at_ms
                action()
            if rank != SOURCE or not self._planned or self._planned[0][:2] != (at_ms, SOURCE):
                between()
