"""The runs of a case's function, and the attempts that were none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.conformance.function import EVENT_LIMIT_BYTES, Call, FunctionRules
from penstock.conformance.timeline import FUNCTION, Timeline
from penstock.mapping.effects import InvokeFunction
from penstock.mapping.inputs import NotInvoked, Outcome, PayloadRefused


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of the function.

    ``began`` and ``ended`` are places in the order of everything that began or ended (runs of no length have both at
    one instant); ``ended`` is ``None`` while it runs.
    """

    refs: Sequence[str]
    groups: Sequence[str]
    bodies: Sequence[Mapping[str, Any]]
    extras: Mapping[str, Any]
    started_at_ms: int
    began: int
    ended: int | None = None
    receive_counts: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What an invocation hands over, in the words of the case; ``groups`` are items or message groups."""

    refs: Sequence[str]
    groups: Sequence[str]
    identifiers: Sequence[str]
    receive_counts: Sequence[int] = field(default_factory=tuple)


class Runs:
    """Runs the function: refuses, throttles, or begins a run and ends it in time."""

    def __init__(self, rules: FunctionRules, timeline: Timeline) -> None:
        self.all: list[Run] = []
        self._rules = rules
        self._timeline = timeline
        self._attempts = 0
        self._running = 0
        self._order = 0

    def attempt(self, effect: InvokeFunction, handed: Handed, answer: Callable[[Outcome], None]) -> None:
        """Try to run the function; ``answer`` is told the outcome when there is one."""
        if effect.event_bytes > EVENT_LIMIT_BYTES:
            answer(PayloadRefused())
            return
        self._attempts += 1
        reserved = self._rules.reserved_concurrency
        if reserved is not None and self._running >= reserved:
            answer(NotInvoked(reason="429"))
            return
        behaviour = self._rules.behave(
            Call(
                number=self._attempts,
                refs=handed.refs,
                identifiers=handed.identifiers,
                extras=effect.extras,
                receive_counts=handed.receive_counts,
            )
        )
        if isinstance(behaviour.outcome, NotInvoked):
            answer(behaviour.outcome)
            return
        run = Run(
            refs=handed.refs,
            groups=handed.groups,
            bodies=[record.body for record in effect.records],
            extras=effect.extras,
            started_at_ms=self._timeline.now_ms,
            began=self._next(),
            receive_counts=handed.receive_counts,
        )
        self.all.append(run)
        self._running += 1

        def end() -> None:
            self._running -= 1
            run.ended = self._next()
            answer(behaviour.outcome)

        self._timeline.plan(self._timeline.now_ms + behaviour.takes_ms, FUNCTION, end)

    def _next(self) -> int:
        self._order += 1
        return self._order
