"""The one clock of a running application.

It drives mappings, queue visibility and delay, windows, ``Wait`` states and time to live. `WallClock` keeps
wall time. `JumpingClock` is wall time plus all that it skipped: when nothing is in flight it jumps to the
next timer, so that minutes of windows and retries pass in seconds while the template stays what would be
deployed. Functions run in processes of their own, which are told what was skipped (`penstock.runtime.shifted_clock`).

*In flight* is whatever holds an `activity`: an invocation, a call through the front door, a delivery, a
running state machine, a caller that asked the clock to stand by. A *background* timer (time to live,
retention) fires when its time comes but is no reason to jump, and nothing waits for it to settle.

All of it belongs to one event loop and is not safe to touch from another thread.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

Callback = Callable[[], object]


class Timer:
    """A callback that waits for its time; `cancel` makes it stay away."""

    __slots__ = ("_clock", "at_ms", "background", "callback", "cancelled", "name")

    def __init__(self, clock: Clock, at_ms: int, callback: Callback, *, background: bool, name: str) -> None:
        self._clock = clock
        self.at_ms = at_ms
        self.callback = callback
        self.background = background
        self.name = name
        self.cancelled = False

    def cancel(self) -> None:
        """Forget this timer; cancelling twice, or after it fired, does nothing."""
        if not self.cancelled:
            self.cancelled = True
            self._clock._forget(self)


class Clock:
    """Milliseconds since the epoch, and timers on them; the ground of both clocks."""

    jumps = False

    def __init__(self, *, skipped_ms: int = 0) -> None:
        """Start ``skipped_ms`` ahead of wall time."""
        self._timers: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        self._foreground = 0
        self._activities = 0
        self._wakeup: asyncio.TimerHandle | None = None
        self._idle_check: asyncio.Handle | None = None
        self._settled: list[asyncio.Future[None]] = []
        self._held: dict[str, int] = {}
        self._closed = False
        self.skipped_ms = skipped_ms

    def now_ms(self) -> int:
        """The time of this clock."""
        return time.time_ns() // 1_000_000 + self.skipped_ms

    def call_at(self, at_ms: int, callback: Callback, *, background: bool = False, name: str = "timer") -> Timer:
        """Call back at ``at_ms`` or as soon after as may be, on the loop; `name` is for stories."""
        timer = Timer(self, at_ms, callback, background=background, name=name)
        if self._closed:
            return timer
        heapq.heappush(self._timers, (at_ms, next(self._order), timer))
        self._foreground += not background
        self._schedule()
        return timer

    @contextmanager
    def activity(self, name: str) -> Iterator[None]:
        """Say that something is in flight for as long as the context lasts."""
        self.begin(name)
        try:
            yield
        finally:
            self.end(name)

    def begin(self, name: str) -> None:
        """Say that something is now in flight; every `begin` needs its `end`."""
        self._activities += 1
        self._held[name] = self._held.get(name, 0) + 1

    def end(self, name: str) -> None:
        """Say that what began under this name is over; that late, after `close`, it changes nothing."""
        if self._closed:
            return
        self._activities -= 1
        left = self._held[name] - 1
        if left:
            self._held[name] = left
        else:
            del self._held[name]
        self._consider()

    @property
    def busy_with(self) -> dict[str, int]:
        """What is in flight: name → how many."""
        return dict(self._held)

    @property
    def pending(self) -> list[tuple[int, str]]:
        """Foreground timers that wait: (instant in ms, name), soonest first."""
        return sorted((at, t.name) for at, _, t in self._timers if not t.cancelled and not t.background)

    async def wait_until(self, at_ms: int, *, name: str = "wait", activity: str | None = None) -> None:
        """Sleep on this clock. Who waits is not in flight: its ``activity`` is over until the time has come."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def over() -> None:
            if activity is not None:
                self.begin(activity)
            if not future.done():
                future.set_result(None)

        timer = self.call_at(at_ms, over, name=name)
        if activity is not None:
            self.end(activity)
        try:
            await future
        finally:
            timer.cancel()
            if activity is not None and future.cancelled():  # who gave up is in flight until it says that it is not
                self.begin(activity)

    def successor(self) -> Self:
        """A clock of this kind that goes on from this time, without timers and with nothing in flight."""
        return type(self)(skipped_ms=self.skipped_ms)

    async def settled(self) -> None:
        """Wait until nothing is in flight and no foreground timer is left."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settled.append(future)
        self._consider()
        await future

    def close(self) -> None:
        """Drop all timers, and whoever waits for the clock to settle; what is late to this one changes nothing."""
        self._closed = True
        self._timers.clear()
        for future in self._settled:
            future.cancel()
        self._foreground = 0
        for handle in (self._wakeup, self._idle_check):
            if handle is not None:
                handle.cancel()

    def _forget(self, timer: Timer) -> None:
        self._foreground -= not timer.background
        self._consider()

    def _next(self) -> Timer | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][2] if self._timers else None

    def _schedule(self) -> None:
        timer = self._next()
        loop = asyncio.get_running_loop()
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        if timer is not None:
            self._wakeup = loop.call_later(max(0, timer.at_ms - self.now_ms()) / 1000, self._fire)
        self._consider()

    def _fire(self) -> None:
        if self._wakeup is not None:  # it may be a jump that fires, before its time
            self._wakeup.cancel()
            self._wakeup = None
        now_ms = self.now_ms()
        while (timer := self._next()) is not None and timer.at_ms <= now_ms:
            heapq.heappop(self._timers)
            timer.cancelled = True
            self._foreground -= not timer.background
            timer.callback()
        self._schedule()

    def _consider(self) -> None:
        """Look, once what is ready on the loop has run, whether the application is idle."""
        if self._idle_check is None and not self._activities:
            self._idle_check = asyncio.get_running_loop().call_soon(self._when_idle)

    def _when_idle(self) -> None:
        self._idle_check = None
        if self._activities:
            return
        if self._foreground:
            self._skip()
            return
        waiting, self._settled = self._settled, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _skip(self) -> None:
        """Called when only timers are left to wait for."""


class WallClock(Clock):
    """Wall time; waits are real."""


class JumpingClock(Clock):
    """Wall time plus what was skipped: jumps to the next timer when nothing is in flight."""

    jumps = True

    def _skip(self) -> None:
        timer = self._next()
        if timer is None:
            return
        self.skipped_ms += max(0, timer.at_ms - self.now_ms())
        self._fire()
