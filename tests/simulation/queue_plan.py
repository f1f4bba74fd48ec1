"""The plan of a world with a queue: everything that chance decides, drawn from the seed before anything happens."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import QueueConfiguration
from tests.simulation.behaviour import DOUBLES, GOOD, LOSSES, Answering, Behaviour, Deed
from tests.simulation.stream_plan import FOREVER, Spell, settings

MESSAGES = 60

ReceivingDeed = Literal["answers", "fails", "is empty", "answers twice"]

PATTERNS = (
    ('{"body":{"kind":["wanted"]}}',),
    ('{"body":{"kind":[{"prefix":"wan"}],"number":[{"numeric":[">=",0]}]}}',),
    ('{"messageId":["nobody"]}', '{"body":{"kind":[{"anything-but":["other"]}]}}'),
)
"""Filters that pass the same messages, each in its own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """A message as it will be sent; ``failures`` is how many calls it makes fail, by a report if ``reports``."""

    at_ms: int
    group: int
    relevant: bool
    pad_bytes: int = 0
    failures: int = 0
    reports: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """How one receive is served: after a while, and handed over after another while."""

    deed: ReceivingDeed = "answers"
    after_ms: int = 0
    transit_ms: int = 0


GOOD_RECEIVING = Receiving()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """A world with a queue; instants count from its begin."""

    seed: int
    configuration: QueueConfiguration
    event_limit_bytes: int = 6_291_456
    queue_concurrency: int = 5
    answer_deadline_ms: int | None = None
    empty_entry_fails: bool = True
    maximum_receive_count: int | None = None
    enabled_at_ms: int = 0
    switches: tuple[int, ...] = ()
    """Instants at which the mapping is switched off and on, in turn; an odd last one is left out."""
    timers_late_ms: int = 0
    timers_twice: bool = False
    messages: tuple[PlannedMessage, ...]
    behaviours: tuple[Behaviour, ...] = ()
    receivings: tuple[Receiving, ...] = ()
    spells: tuple[Spell, ...] = ()

    def choices(self) -> Choices:
        """Give the injected values."""
        return Choices(
            event_limit_bytes=self.event_limit_bytes,
            queue_concurrency=self.queue_concurrency,
            answer_deadline_ms=self.answer_deadline_ms,
            empty_queue_entry_fails=self.empty_entry_fails,
        )

    def lines(self) -> list[str]:
        """Tell the plan, without what is as usual."""
        told = [f"{'FIFO' if self.configuration.fifo else 'standard'} queue, {len(self.messages)} messages"]
        told += settings(self.configuration, QueueConfiguration())
        usual = QueuePlan(seed=self.seed, configuration=self.configuration, messages=())
        return told + settings(self, usual)


def draw_queue_plan(seed: int, *, fifo: bool) -> QueuePlan:
    """Draw a world from a seed."""
    dice = Random(seed)
    duration_ms = dice.choice((1_000, 10_000, 60_000))
    tight = dice.random() < 0.5
    mischief = 0.5 if tight else dice.choice((0.05, 0.2, 0.5))
    deadline_ms = dice.choice((None, None, 3_000, 40_000))
    window_seconds = 0 if fifo else dice.choice((0, 0, 1, 5, 20))
    function_timeout_seconds = dice.choice((1, 3) if tight else (1, 3, 30))
    maximum_receive_count = dice.choice((None, 1, 2, 3, 5))
    configuration = QueueConfiguration(
        batch_size=dice.choice((1, 2, 3, 5, 10, 10) if window_seconds == 0 else (2, 5, 10, 40, 10_000)),
        maximum_batching_window_in_seconds=window_seconds,
        function_response_types=("ReportBatchItemFailures",) if dice.random() < 0.6 else (),
        filters=dice.choice(PATTERNS) if dice.random() < 0.3 else (),
        maximum_concurrency=dice.choice((None, None, 2, 3, 10)),
        metrics=("EventCount",) if dice.random() < 0.6 else (),
        fifo=fifo,
        visibility_timeout_seconds=max(function_timeout_seconds, 1 if tight else dice.choice((5, 30, 120))),
        function_timeout_seconds=function_timeout_seconds,
    )
    return QueuePlan(
        seed=seed,
        configuration=configuration,
        event_limit_bytes=dice.choice((6_291_456, 500, 350) if tight else (6_291_456, 6_291_456, 1_500, 500)),
        queue_concurrency=dice.choice((5, 3, 1)),
        answer_deadline_ms=deadline_ms,
        empty_entry_fails=dice.random() < 0.7,
        maximum_receive_count=maximum_receive_count,
        enabled_at_ms=dice.choice((0, 0, duration_ms // 2)),
        switches=_switches(dice, duration_ms),
        timers_late_ms=dice.choice((0, 700) if tight else (0, 0, 1, 150)),
        timers_twice=dice.random() < 0.2,
        messages=_messages(dice, duration_ms, redriven=maximum_receive_count is not None),
        behaviours=_behaviours(dice, mischief, function_timeout_seconds * 1_000, may_be_lost=deadline_ms is not None),
        receivings=_receivings(dice, mischief),
        spells=_spells(dice, duration_ms),
    )


def _messages(dice: Random, duration_ms: int, *, redriven: bool) -> tuple[PlannedMessage, ...]:
    random = dice.random
    groups, beat_ms = dice.choice((1, 3, 12)), dice.choice((1, 1, duration_ms // 4))
    poison, bulk, irrelevant = dice.choice((0.0, 0.03, 0.1)), dice.choice((0.0, 0.05)), dice.choice((0.1, 0.5))
    deadly, pads = (FOREVER, (100, 400, 1_600)) if redriven else (2, (50, 150))
    instants = sorted(int(random() * duration_ms) // beat_ms * beat_ms for _ in range(MESSAGES))
    return tuple(
        PlannedMessage(
            at_ms=at_ms,
            group=int(random() * groups),
            relevant=random() >= irrelevant,
            pad_bytes=dice.choice(pads) if random() < bulk else 0,
            failures=dice.choice((1, 2, deadly)) if random() < poison else 0,
            reports=random() < 0.5,
        )
        for at_ms in instants
    )


_DEEDS: tuple[Deed, ...] = (
    "raises", "raises", "times out", "crashes", "reports", "reports", "reports", "malforms", "is throttled",
    "is throttled", "is unavailable",
)  # fmt: skip


def _behaviours(dice: Random, mischief: float, timeout_ms: int, *, may_be_lost: bool) -> tuple[Behaviour, ...]:
    random = dice.random
    slow_ms = dice.choice((1, 50, 800, timeout_ms, timeout_ms))
    unanswered = dice.choice((0.0, 0.1))
    behaviours = []
    for _ in range(dice.choice((20, 60))):
        chance = random()
        if chance > mischief + unanswered:
            behaviours.append(GOOD if chance > 0.9 else Behaviour(place=random(), takes_ms=int(random() * slow_ms)))
            continue
        deed: Deed = dice.choice(_DEEDS) if chance < mischief else "succeeds"
        takes_ms = timeout_ms if deed == "times out" else int(random() * slow_ms)
        answering: Answering = "once"
        if random() < unanswered:
            answering = dice.choice(LOSSES if may_be_lost else DOUBLES)
        behaviours.append(Behaviour(deed=deed, place=random(), takes_ms=takes_ms, answering=answering))
    return tuple(behaviours)


def _receivings(dice: Random, mischief: float) -> tuple[Receiving, ...]:
    random = dice.random
    receivings = []
    for _ in range(dice.choice((0, 20, 40))):
        if random() < mischief / 2:
            bad: ReceivingDeed = dice.choice(("fails", "is empty", "answers twice"))
            receivings.append(Receiving(deed=bad, after_ms=1 + int(random() * 100), transit_ms=int(random() * 50)))
        else:
            receivings.append(Receiving(after_ms=int(random() * 20), transit_ms=dice.choice((0, 0, 30))))
    return tuple(receivings)


def _spells(dice: Random, duration_ms: int) -> tuple[Spell, ...]:
    spells = []
    for what in ("throttled", "unreadable"):
        if dice.random() < 0.4:
            from_ms = dice.randrange(duration_ms)
            length_ms = dice.choice((duration_ms // 5, 40_000 if what == "throttled" else 4_000))
            spells.append(Spell(what=what, from_ms=from_ms, to_ms=from_ms + length_ms))
    return tuple(spells)


def _switches(dice: Random, duration_ms: int) -> tuple[int, ...]:
    if dice.random() < 0.5:
        return ()
    return tuple(sorted(dice.randrange(int(duration_ms * 1.2)) for _ in range(dice.choice((2, 4, 8)))))
