"""Where the processor's time of this process goes: seams of the program are wrapped, each with a component's name.

Time within a wrapped call belongs to its component, but for what wrapped calls inside it take. A coroutine is
metered step by step, so that what runs while it waits is not its own. Threads are apart from one another; what a
metered thread does outside every wrapped call is not told.
"""

from __future__ import annotations

import functools
import gc
import inspect
import threading
import time
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Name = str | Callable[..., str]
"""The component of a call: fixed, or told from the call's arguments."""


class Meter:
    """Collects processor time: component → seconds (`seconds`), of all threads together."""

    def __init__(self) -> None:
        self._local = _Thread()
        self._spent: list[Counter[str]] = []

    def seconds(self) -> dict[str, float]:
        """What was spent so far."""
        total: Counter[str] = Counter()
        for spent in list(self._spent):
            total.update(dict(spent))
        return {name: nanoseconds / 1e9 for name, nanoseconds in total.items()}

    def enter(self, component: str) -> None:
        """Say that this thread now works for a component, until `leave`."""
        local = self._local
        if not local.known:
            local.known = True
            self._spent.append(local.spent)
        now = time.thread_time_ns()
        if local.stack:
            local.spent[local.stack[-1]] += now - local.since
        local.stack.append(component)
        local.since = now

    def leave(self) -> None:
        """Say that this thread goes back to what it did before."""
        local = self._local
        now = time.thread_time_ns()
        local.spent[local.stack.pop()] += now - local.since
        local.since = now

    def wrap(self, owner: Any, attribute: str, component: Name) -> None:
        """Meter a function or a coroutine function that ``owner`` (a class or a module) holds."""
        function = inspect.getattr_static(owner, attribute)
        if isinstance(function, staticmethod):
            setattr(owner, attribute, staticmethod(self.metered(function.__func__, component)))
        else:
            setattr(owner, attribute, self.metered(function, component))

    def metered(self, function: Callable[..., Any], component: Name) -> Callable[..., Any]:
        """Give a function that does the same, metered."""

        def name_of(arguments: tuple[Any, ...]) -> str:
            return component if isinstance(component, str) else component(*arguments)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def metered_coroutine(*arguments: Any, **named: Any) -> Any:
                return await self._steps(function(*arguments, **named), name_of(arguments))

            return metered_coroutine

        @functools.wraps(function)
        def metered_call(*arguments: Any, **named: Any) -> Any:
            self.enter(name_of(arguments))
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return metered_call

    @types.coroutine
    def _steps(self, work: Coroutine[Any, Any, Any], component: str) -> Generator[Any, Any, Any]:
        step, given = work.send, None
        while True:
            self.enter(component)
            try:
                waited_for = step(given)
            except StopIteration as over:
                return over.value
            finally:
                self.leave()
            try:
                step, given = work.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001 - thrown into the task, so thrown on into the coroutine
                step, given = work.throw, error

    def watch_collector(self) -> None:
        """Meter the garbage collector as a component of its own."""

        def collecting(phase: str, _: object) -> None:
            if phase == "start":
                self.enter("garbage collector")
            else:
                self.leave()

        gc.callbacks.append(collecting)


class _Thread(threading.local):
    def __init__(self) -> None:
        self.known = False
        self.stack: list[str] = []
        self.spent: Counter[str] = Counter()
        self.since = 0
