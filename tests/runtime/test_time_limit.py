"""Limits of time on a busy machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from penstock.runtime import time_limit
from penstock.runtime.functions import Answer, Functions
from penstock.runtime.time_limit import TimeLimit, waited_seconds
from tests.runtime.workshop import Workshop, first_line_and_then


def waits(*seconds: float, then: Callable[[], object] = lambda: None) -> Callable[[int], float]:
    """What the kernel tells of a process at each look; ``then`` is called at the last one, which holds from then on."""
    told = list(seconds)

    def waited(_: int) -> float:
        if len(told) > 1:
            return told.pop(0)
        then()
        return told[0]

    return waited


def test_time_without_a_processor_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit is over when the process has had its time, however long it waited meanwhile, and only once."""
    monkeypatch.setattr(time_limit, "waited_seconds", waits(5, 5.02, 5.05, 5.05))
    looks: list[float] = []

    async def go() -> list[float]:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        begun = loop.time()

        def end() -> None:
            looks.append(loop.time() - begun)
            over.set()

        TimeLimit(0.01, process=1, on_over=end)
        await over.wait()
        return looks

    (took,) = asyncio.run(go())

    assert took >= 0.06


def test_cancelled_limit_stays_away() -> None:
    """Whether it was looked at or not."""
    over: list[bool] = []

    async def go() -> None:
        limits = [TimeLimit(seconds, process=os.getpid(), on_over=lambda: over.append(True)) for seconds in (0, 60)]
        for limit in limits:
            limit.cancel()
        await asyncio.sleep(0)

    asyncio.run(go())

    assert over == []


def test_timeout_stands_without_a_processor(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is kept waiting for longer than its timeout comes to its end all the same."""
    gate = workshop.folder / "gate"
    monkeypatch.setattr(time_limit, "UNWATCHED_SECONDS", 500)  # the Init is over by then
    monkeypatch.setattr(time_limit, "waited_seconds", waits(0, 600, then=gate.touch))
    workshop.function(
        f"""
        import os
        def lambda_handler(event, context):
            print("at work", flush=True)
            while not os.path.exists({str(gate)!r}): pass
        """,
        timeout_seconds=600,
    )

    async def scenario(functions: Functions) -> object:
        passing = asyncio.create_task(first_line_and_then(workshop, seconds=600))
        answer = await functions.invoke("worker", b"0", request_id="r")
        await passing
        return answer

    assert workshop.run(scenario) == Answer(payload=b"null", executed_version="$LATEST")


def test_kernel_is_asked() -> None:
    """Whoever runs has waited for a while, or none of it is known; of a process that is gone nothing is."""
    assert waited_seconds(os.getpid()) >= 0
    assert waited_seconds(2**22 + 1) == 0
