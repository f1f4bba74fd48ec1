"""What the worlds of stream and queue cases have in common: time, the mapping's inbox, its timers and its runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar, assert_never

from penstock.conformance.function import FunctionRules
from penstock.conformance.runs import Handed, Runs
from penstock.conformance.timeline import EPOCH_MS, TIMER, Timeline
from penstock.mapping.effects import CancelTimer, InvokeFunction, RecordMetric, StartTimer
from penstock.mapping.inputs import InvocationEnded, MappingDisabled, MappingEnabled, Outcome, TimerFired

FUNCTION_ARN = "arn:aws:lambda:us-east-1:111111111111:function:conform"

SharedInput = MappingEnabled | MappingDisabled | InvocationEnded | TimerFired
SharedEffect = InvokeFunction | StartTimer | CancelTimer | RecordMetric

Input = TypeVar("Input")
Effect = TypeVar("Effect")
_Input_contra = TypeVar("_Input_contra", contravariant=True)
_Effect_co = TypeVar("_Effect_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A change of the mapping or of its source at an instant."""

    at_ms: int
    enabled: bool | None = None
    source_readable: bool | None = None


class _Mapping(Protocol[_Input_contra, _Effect_co]):
    """The core under test, of a stream or of a queue."""

    def handle(self, happened: _Input_contra | SharedInput, *, now_ms: int) -> Sequence[_Effect_co]: ...

    def check(self) -> None: ...


class World(ABC, Generic[Input, Effect]):
    """Runs one case; afterwards ``runs`` and ``metrics`` tell what happened."""

    mapping: _Mapping[Input, Effect]

    def __init__(self, rules: FunctionRules) -> None:
        self.timeline = Timeline()
        self.runs = Runs(rules, self.timeline)
        self.metrics: Counter[str] = Counter()
        self._readable = True
        self._timers: dict[str, int] = {}
        self._inbox: deque[Input | SharedInput] = deque()

    def run(self, until_ms: int) -> None:
        """Let time pass."""
        self.timeline.run(until_ms, between=self._settle)

    @abstractmethod
    def _answer_source(self) -> None:
        """Answer for the source what it was asked, as far as there is something to say now."""

    @abstractmethod
    def _perform(self, effect: Effect) -> None:
        """Perform an effect."""

    @abstractmethod
    def _handed(self, effect: InvokeFunction) -> Handed:
        """Say in the words of the case what an invocation hands over."""

    def _switch(self, switch: Switch) -> None:
        if switch.enabled is not None:
            self._inbox.append(MappingEnabled() if switch.enabled else MappingDisabled())
        if switch.source_readable is not None:
            self._readable = switch.source_readable

    def _settle(self) -> None:
        """Answer what can be answered now, until nothing moves any more."""
        while True:
            self._answer_source()
            if not self._inbox:
                return
            happened = self._inbox.popleft()
            for effect in self.mapping.handle(happened, now_ms=EPOCH_MS + self.timeline.now_ms):
                self._perform(effect)
            self.mapping.check()

    def _perform_shared(self, effect: SharedEffect) -> None:
        match effect:
            case InvokeFunction():
                self.runs.attempt(effect, self._handed(effect), partial(self._ended, effect.invocation_id))
            case StartTimer():
                fired = partial(self._inbox.append, TimerFired(timer_id=effect.timer_id))
                self._timers[effect.timer_id] = self.timeline.plan(effect.at_ms - EPOCH_MS, TIMER, fired)
            case CancelTimer():
                self.timeline.cancel(self._timers.pop(effect.timer_id))
            case RecordMetric():
                self.metrics[effect.name] += effect.value
            case _:
                assert_never(effect)

    def _ended(self, invocation_id: str, outcome: Outcome) -> None:
        self._inbox.append(InvocationEnded(invocation_id=invocation_id, outcome=outcome))
