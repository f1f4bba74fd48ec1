"""The shell around a model: switches, timers and answers, alike in a world with a stream and one with a queue."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

from penstock.mapping.effects import CancelTimer, InvokeFunction, StartTimer
from penstock.mapping.inputs import (
    FunctionError,
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    NotInvoked,
    Outcome,
    TimerFired,
)
from tests.simulation.agenda import Agenda
from tests.simulation.behaviour import REFUSED, Behaviour, Meaning
from tests.simulation.queue_model import QueueModel
from tests.simulation.queue_plan import QueuePlan
from tests.simulation.stream_model import StreamModel
from tests.simulation.stream_plan import StreamPlan

EPOCH_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


class Shell(ABC):
    """Runs a plan; raises Violation, or whatever the core raises. ``seen`` is what happened."""

    plan: StreamPlan | QueuePlan
    model: StreamModel | QueueModel

    def __init__(self, plan: StreamPlan | QueuePlan, model: StreamModel | QueueModel, *, begin_ms: int) -> None:
        self.plan = plan
        self.model = model
        self.seen = model.seen
        self._begin_ms = begin_ms
        self._agenda = Agenda(now_ms=begin_ms, seed=plan.seed)
        self._calls = 0
        self._timers: set[str] = set()

    def run(self) -> None:
        """Let everything happen."""
        self._agenda.run()
        self.model.close()

    def story(self) -> list[str]:
        """Tell what happened to the shards or the queue."""
        return self.model.mapping.story()

    @abstractmethod
    def _hand_in(self, happened: Any, meaning: Meaning | None = None) -> None:
        """Hand an input to the model and perform the effects."""

    # --- switches and spells ---

    def _plan_switches(self) -> None:
        """Switch the mapping on, and off and on again, and leave it on."""
        self._agenda.plan(self._begin_ms + self.plan.enabled_at_ms, partial(self._hand_in, MappingEnabled()))
        switches = self.plan.switches[: len(self.plan.switches) // 2 * 2]
        for place, at_ms in enumerate(switches):
            self._agenda.plan(self._begin_ms + at_ms, partial(self._switch, on=place % 2 == 1))
        if switches:
            self._agenda.plan(self._begin_ms + switches[-1] + 1, partial(self._switch, on=True))

    def _switch(self, *, on: bool) -> None:
        if not on:
            self.seen.add("switched off")
            if self._is_in_flight():
                self.seen.add("switched off with something in flight")
        self._hand_in(MappingEnabled() if on else MappingDisabled())

    def _is_in_flight(self) -> bool:
        return bool(self.model.calls)

    def _spell(self, what: str) -> bool:
        now_ms = self._agenda.now_ms - self._begin_ms
        return any(spell.what == what and spell.from_ms <= now_ms < spell.to_ms for spell in self.plan.spells)

    # --- timers ---

    def _start_timer(self, effect: StartTimer) -> None:
        self._timers.add(effect.timer_id)
        at_ms = max(effect.at_ms, self._agenda.now_ms)
        if self.plan.timers_late_ms:
            self.seen.add("timer late")
            at_ms += self.plan.timers_late_ms
        self._agenda.plan(at_ms, partial(self._fire, effect.timer_id))

    def _fire(self, timer_id: str) -> None:
        if timer_id in self._timers:
            self._timers.remove(timer_id)
            fired = TimerFired(timer_id=timer_id)
            self._hand_in(fired)
            if self.plan.timers_twice:
                self._agenda.plan(self._agenda.now_ms + 1, partial(self._hand_in, fired))

    def _cancel_timer(self, effect: CancelTimer) -> None:
        self._timers.remove(effect.timer_id)
        if self.plan.timers_twice:
            fired = TimerFired(timer_id=effect.timer_id)
            self._agenda.plan(self._agenda.now_ms, partial(self._hand_in, fired))

    # --- the function ---

    def _turned_away(self, effect: InvokeFunction) -> tuple[Outcome, Meaning, int] | None:
        """What an invocation comes to before the function is asked: its event is too large, or nothing runs now."""
        if effect.event_bytes > self.plan.event_limit_bytes:
            self.seen.add("payload refused")
            return (*REFUSED, 1)
        if self._spell("throttled"):
            self.seen.add("throttled")
            return NotInvoked(reason="429"), Meaning(verdict="not run", ran=False), 1
        return None

    def _answer_invocation(
        self, effect: InvokeFunction, behaviour: Behaviour, outcome: Outcome, meaning: Meaning, takes_ms: int
    ) -> None:
        """Let the answer come in time, late, never or twice."""
        place = self._calls - 1
        now_ms, deadline_ms = self._agenda.now_ms, self.plan.answer_deadline_ms
        answering = behaviour.answering
        if answering == "late" and deadline_ms is not None:
            takes_ms += deadline_ms + 1 + self.plan.timers_late_ms
        elif answering == "never" and deadline_ms is not None:
            self.seen.add("answer of an invocation lost")
            return
        if deadline_ms is not None and takes_ms > deadline_ms + self.plan.timers_late_ms:
            self.seen.add("answer of an invocation late")
        ended = InvocationEnded(invocation_id=effect.invocation_id, outcome=outcome)
        self._agenda.plan(now_ms + takes_ms, partial(self._hand_in, ended, meaning))
        if answering == "twice":
            self.seen.add("answer of an invocation doubled")
            again = dataclasses.replace(ended, outcome=FunctionError() if place % 2 else outcome)
            self._agenda.plan(now_ms + takes_ms + 1 + place % 3, partial(self._hand_in, again, meaning))
