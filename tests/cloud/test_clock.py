"""The one clock: timers, activities, jumps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from penstock.cloud.clock import Clock, JumpingClock, WallClock

HOUR_MS = 3_600_000


def run(scenario: Callable[[Clock], Awaitable[object]], clock: Clock | None = None) -> None:
    """Run a scenario on a loop of its own."""

    async def go() -> None:
        await asyncio.wait_for(scenario(clock or JumpingClock()), 60)

    asyncio.run(go())


def test_timers_fire_in_order_of_their_time() -> None:
    """A jumping clock passes hours at once, timer by timer."""
    fired: list[str] = []

    async def scenario(clock: Clock) -> None:
        start = clock.now_ms()
        clock.call_at(start + 2 * HOUR_MS, lambda: fired.append("second"))
        clock.call_at(start + HOUR_MS, lambda: fired.append("first"))
        await clock.settled()
        assert clock.now_ms() - start >= 2 * HOUR_MS

    run(scenario)

    assert fired == ["first", "second"]


def test_clock_stands_by_while_something_is_in_flight() -> None:
    """No jump happens before the activity ends."""
    fired: list[bool] = []

    async def scenario(clock: Clock) -> None:
        with clock.activity("call"):
            clock.call_at(clock.now_ms() + HOUR_MS, lambda: fired.append(True))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not fired
            assert clock.busy_with == {"call": 1}
        await clock.settled()

    run(scenario)

    assert fired == [True]


def test_wall_clock_never_jumps() -> None:
    """Wall time waits for its timers."""

    async def scenario(clock: Clock) -> None:
        clock.call_at(clock.now_ms() + HOUR_MS, lambda: None, name="far away")
        settled = asyncio.ensure_future(clock.settled())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not settled.done()
        assert [name for _, name in clock.pending] == ["far away"]
        assert clock.skipped_ms == 0
        clock.close()
        settled.cancel()

    run(scenario, WallClock())


def test_background_timers_are_no_reason_to_jump() -> None:
    """Settling does not wait for time to live, but a jump across it fires it."""
    fired: list[str] = []

    async def scenario(clock: Clock) -> None:
        clock.call_at(clock.now_ms() + HOUR_MS, lambda: fired.append("sweep"), background=True)
        await clock.settled()
        assert not fired
        clock.call_at(clock.now_ms() + 2 * HOUR_MS, lambda: fired.append("retry"))
        await clock.settled()

    run(scenario)

    assert fired == ["sweep", "retry"]


def test_cancelled_timer_stays_away() -> None:
    """A cancelled timer neither fires nor keeps the application from settling."""
    fired: list[bool] = []

    async def scenario(clock: Clock) -> None:
        timer = clock.call_at(clock.now_ms() + HOUR_MS, lambda: fired.append(True))
        timer.cancel()
        timer.cancel()
        await clock.settled()
        assert clock.skipped_ms == 0

    run(scenario)

    assert not fired


def test_waiting_is_not_being_in_flight() -> None:
    """Who waits on the clock lets it jump."""

    async def scenario(clock: Clock) -> None:
        start = clock.now_ms()
        await clock.wait_until(start + HOUR_MS)
        assert clock.now_ms() >= start + HOUR_MS

    run(scenario)


def test_cancelled_wait_leaves_no_timer_and_nothing_in_flight() -> None:
    """Who is cut off in a wait is in flight again until it ends, and its time is nothing to wait for any more."""

    async def scenario(clock: Clock) -> None:
        async def work() -> None:
            with clock.activity("work"):
                await clock.wait_until(clock.now_ms() + HOUR_MS, activity="work")

        at_work = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        assert (clock.busy_with, len(clock.pending)) == ({}, 1)
        at_work.cancel()
        (ended,) = await asyncio.gather(at_work, return_exceptions=True)

        assert isinstance(ended, asyncio.CancelledError)
        assert (clock.busy_with, clock.pending) == ({}, [])

    run(scenario, WallClock())


def test_jump_leaves_no_wakeup_behind() -> None:
    """What would have woken the clock at the time that it jumped to is not kept until that time comes."""

    async def go() -> list[asyncio.TimerHandle]:
        loop, clock = asyncio.get_running_loop(), JumpingClock()
        woken_by: list[asyncio.TimerHandle] = []
        call_later = loop.call_later

        def call_later_and_note(*args: Any, **named: Any) -> asyncio.TimerHandle:
            woken_by.append(call_later(*args, **named))
            return woken_by[-1]

        loop.call_later = call_later_and_note  # type: ignore[assignment, method-assign]
        for minutes in range(1, 4):
            clock.call_at(clock.now_ms() + minutes * 60_000, lambda: None)
            await clock.settled()
        assert clock.skipped_ms > 300_000
        return woken_by

    handles = asyncio.run(go())
    assert handles
    assert [handle for handle in handles if not handle.cancelled()] == []
