"""A limit of time for a process, which a busy machine takes nothing off.

In Lambda a function has its processor. Here it shares this machine's with whatever else runs; while it is ready to run
and has none, its time stands. Linux tells how long that was; elsewhere a limit is wall time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

UNWATCHED_SECONDS: Final = 0.1
"""How long nothing is asked of the kernel: most invocations are over by then."""

LEAST_SECONDS: Final = 0.001
"""A wait for a processor that is not worth another look."""


class TimeLimit:
    """Calls back, once, when a process has had its time; `cancel` makes it stay away."""

    def __init__(self, seconds: float, *, process: int, on_over: Callable[[], object]) -> None:
        """``seconds`` from now on, for the process of this id."""
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._on_over = on_over
        self._over_at = self._loop.time() + seconds
        self._waited_seconds = 0.0
        self._timer = self._loop.call_later(min(seconds, UNWATCHED_SECONDS), self._watch)

    def cancel(self) -> None:
        """Forget this limit."""
        self._timer.cancel()

    def _watch(self) -> None:
        self._waited_seconds = waited_seconds(self._process)
        self._timer = self._loop.call_at(self._over_at, self._look)

    def _look(self) -> None:
        before, self._waited_seconds = self._waited_seconds, waited_seconds(self._process)
        more_seconds = self._waited_seconds - before
        if more_seconds < LEAST_SECONDS:
            self._on_over()
        else:
            self._timer = self._loop.call_later(more_seconds, self._look)


def waited_seconds(process: int) -> float:
    """How long the main thread of a process has been ready to run without a processor; 0 where nobody tells.

    Source: *sched-stats.rst* of the Linux kernel, ``/proc/<pid>/schedstat``.
    """
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
