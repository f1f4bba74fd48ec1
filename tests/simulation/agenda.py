"""Virtual time: things happen in the order of time, at one instant in an order drawn from the seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from tests.simulation.violation import Violation

STEPS_LIMIT = 60_000
"""More steps than any world needs: beyond it, the core goes round in circles."""


class Agenda:
    """A heap of things to do; ``now_ms`` is the time of the one at hand."""

    def __init__(self, *, now_ms: int, seed: int) -> None:
        self.now_ms = now_ms
        self._planned: list[tuple[int, int, int, Callable[[], None]]] = []
        self._number = 0
        self._seed = seed

    def plan(self, at_ms: int, action: Callable[[], None]) -> None:
        """Plan something, for now at the earliest."""
        self._number = number = self._number + 1
        shuffled = (number * 0x9E3779B1 ^ self._seed * 0x85EBCA6B) >> 8 & 0xFF
        heapq.heappush(self._planned, (max(at_ms, self.now_ms), shuffled, number, action))

    def run(self) -> None:
        """Do everything that is planned, and what it plans."""
        planned = self._planned
        for _ in range(STEPS_LIMIT):
            if not planned:
                return
            self.now_ms, _, _, action = heapq.heappop(planned)
            action()
        raise Violation("the world comes to rest", f"{STEPS_LIMIT} steps")
