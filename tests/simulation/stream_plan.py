"""The plan of a world with a stream: everything that chance decides, drawn from the seed before anything happens.

A plan is plain data, so that it can be printed, and made smaller while it still fails.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from random import Random
from typing import Any, Literal

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration
from tests.simulation.behaviour import DOUBLES, GOOD, LOSSES, Answering, Behaviour, Deed

RECORDS = 200
FOREVER = 1_000_000

Filtering = Literal["kind", "name", "either"]
ReadingDeed = Literal["answers", "fails", "is empty", "is short", "answers twice"]
PATTERNS: dict[Filtering, tuple[str, ...]] = {
    "kind": ('{"dynamodb":{"NewImage":{"kind":{"S":["wanted"]}}}}',),
    "name": ('{"eventName":[{"anything-but":["REMOVE"]}]}',),
    "either": ('{"eventName":["nothing"]}', '{"dynamodb":{"NewImage":{"kind":{"S":[{"prefix":"want"}]}}}}'),
}
"""Filters that pass the same records, each in its own way."""

DESTINATIONS = (
    "arn:aws:sqs:eu-west-1:111111111111:failed",
    "arn:aws:sns:eu-west-1:111111111111:failed",
    "arn:aws:s3:::failed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRecord:
    """A record as it will be written.

    ``skew_ms`` is how much older it says it is; ``failures`` how many calls it makes fail, every other by a report if
    ``reports``.
    """

    at_ms: int
    shard: int
    item: int
    relevant: bool
    pad_bytes: int
    skew_ms: int = 0
    failures: int = 0
    reports: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedShard:
    """A shard; ``parents`` are numbers of earlier shards, ``closes_at_ms`` is ``None`` for one that stays open."""

    parents: tuple[int, ...] = ()
    opens_at_ms: int = 0
    closes_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one read is served: after a while, from what is there then, and handed over after another while."""

    deed: ReadingDeed = "answers"
    after_ms: int = 0
    transit_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How one delivery ends."""

    taken: bool = True
    takes_ms: int = 20
    answering: Answering = "once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A while during which something does not work."""

    what: Literal["throttled", "unreadable", "refusing"]
    from_ms: int
    to_ms: int


GOOD_READING = Reading()
GOOD_DELIVERY = Delivery()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """A world with a stream; instants count from its begin, ``begins_at_ms`` after a full quarter of an hour."""

    seed: int
    configuration: StreamConfiguration
    filtering: Filtering | None = None
    read_limit: int = 1_000
    read_ahead_limit: int = 10_000
    read_retry_ms: int = 250
    window_grace_ms: int = 0
    event_limit_bytes: int = 6_291_456
    state_limit_bytes: int = 1_048_576
    retention_ms: int = 86_400_000
    answer_deadline_ms: int | None = None
    drops_counted: bool = True
    begins_at_ms: int = 0
    enabled_at_ms: int = 0
    switches: tuple[int, ...] = ()
    """Instants at which the mapping is switched off and on, in turn; an odd last one is left out."""
    announcements: tuple[int, ...] = (0,)
    """Instants at which the mapping is told of all shards that exist by then."""
    orphan: bool = False
    """Whether the first shard has a parent that nobody knows any more."""
    final_calls_fail: int = 0
    """How many calls without records fail, from the first."""
    trim_lag_ms: int = 0
    timers_late_ms: int = 0
    timers_twice: bool = False
    shards: tuple[PlannedShard, ...]
    records: tuple[PlannedRecord, ...]
    behaviours: tuple[Behaviour, ...] = ()
    readings: tuple[Reading, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    spells: tuple[Spell, ...] = ()

    def choices(self) -> Choices:
        """Give the injected values."""
        return Choices(
            read_limit=self.read_limit,
            read_ahead_limit=self.read_ahead_limit,
            read_retry_ms=self.read_retry_ms,
            window_grace_ms=self.window_grace_ms,
            event_limit_bytes=self.event_limit_bytes,
            state_limit_bytes=self.state_limit_bytes,
            retention_ms=self.retention_ms,
            answer_deadline_ms=self.answer_deadline_ms,
            count_drops_without_destination=self.drops_counted,
        )

    def lines(self) -> list[str]:
        """Tell the plan, without what is as usual."""
        told = [f"stream, {len(self.records)} records, {len(self.shards)} shards"]
        told += settings(self.configuration, StreamConfiguration())
        usual = StreamPlan(seed=self.seed, configuration=self.configuration, shards=(), records=())
        return told + settings(self, usual)


def settings(one: Any, usual: Any) -> list[str]:
    """Tell the fields of a dataclass that are not as usual; of a tuple each element on a line of its own."""
    lines = []
    for name, value in differences(one, usual):
        lines.append(f"  {name} = {value!r}")
        if isinstance(value, tuple) and value and is_dataclass(value[0]):
            lines[-1] = f"  {name}:"
            lines += [f"    {number}: {_element(element)}" for number, element in enumerate(value)]
    return lines


def _element(element: Any) -> str:
    shown = [(field.name, getattr(element, field.name)) for field in fields(element)]
    return ", ".join(f"{name}={value!r}" for name, value in shown if value not in (0, "", (), None, False))


def differences(one: Any, usual: Any) -> list[tuple[str, Any]]:
    """Give the fields of one dataclass that are not as in another."""
    named = [(field.name, getattr(one, field.name)) for field in fields(one)]
    return [(name, value) for name, value in named if value != getattr(usual, name)]


def draw_stream_plan(seed: int) -> StreamPlan:
    """Draw a world from a seed."""
    dice = Random(seed)
    duration_ms = dice.choice((2_000, 20_000, 120_000, 120_000, 900_000))
    configuration, filtering = _configuration(dice)
    endless = configuration.maximum_retry_attempts is None or configuration.maximum_retry_attempts > 20
    age = configuration.maximum_record_age_in_seconds
    retention_ms = dice.choice((86_400_000, 86_400_000, 60_000, 300_000, 600_000))
    limit_ms = retention_ms if age is None else min(age * 1_000, retention_ms)
    deadly = FOREVER if not endless or limit_ms <= 600_000 else 3
    shards = _shards(dice, duration_ms)
    mischief = dice.choice((0.02, 0.1, 0.25, 0.5))
    windowed = configuration.tumbling_window_in_seconds > 0
    deadline_ms = dice.choice((None, 5_000, 30_000, 300_000))
    spells = _spells(dice, duration_ms, limit_ms)
    unreadable_ms = max([spell.to_ms - spell.from_ms for spell in spells if spell.what == "unreadable"], default=0)
    return StreamPlan(
        seed=seed,
        configuration=configuration,
        filtering=filtering,
        read_limit=dice.choice((1_000, 1_000, 50, 7)),
        read_ahead_limit=dice.choice((10_000, 40, 10)),
        read_retry_ms=max(250, unreadable_ms // 8),
        window_grace_ms=dice.choice((0, 0, 700, 60_000)) if windowed else 0,
        event_limit_bytes=dice.choice((6_291_456, 6_291_456, 3_000, 1_200)),
        state_limit_bytes=dice.choice((1_048_576, 100, 100)) if windowed else 1_048_576,
        retention_ms=retention_ms,
        answer_deadline_ms=deadline_ms,
        drops_counted=dice.random() < 0.7,
        begins_at_ms=dice.randrange(900_000),
        enabled_at_ms=dice.choice((0, 0, 0, duration_ms // 4, duration_ms)),
        switches=_switches(dice, duration_ms),
        announcements=_announcements(dice, shards, duration_ms),
        orphan=dice.random() < 0.2,
        final_calls_fail=dice.choice((0, 0, 1, 4, 10)) if windowed else 0,
        trim_lag_ms=dice.choice((0, 0, 20_000)),
        timers_late_ms=dice.choice((0, 0, 0, 1, 150)),
        timers_twice=dice.random() < 0.15,
        shards=shards,
        records=_records(dice, shards, duration_ms, deadly=deadly),
        behaviours=_behaviours(dice, mischief, windowed=windowed, may_be_lost=deadline_ms is not None),
        readings=_readings(dice, mischief),
        deliveries=_deliveries(dice, mischief, may_be_lost=deadline_ms is not None),
        spells=spells,
    )


def _configuration(dice: Random) -> tuple[StreamConfiguration, Filtering | None]:
    windowed = dice.random() < 0.3
    filtering: Filtering | None = None
    if not windowed and dice.random() < 0.4:
        filtering = dice.choice(("kind", "name", "either"))
    configuration = StreamConfiguration(
        batch_size=dice.choice((1, 2, 3, 5, 10, 10, 10, 25, 100, 100, 1_000, 10_000)),
        maximum_batching_window_in_seconds=dice.choice((0, 0, 0, 1, 5, 60, 300)),
        starting_position=dice.choice(("TRIM_HORIZON", "TRIM_HORIZON", "LATEST")),
        parallelization_factor=1 if windowed else dice.choice((1, 1, 2, 3, 5, 10)),
        maximum_retry_attempts=dice.choice((None, 0, 1, 1, 2, 3, 5, 10_000)),
        maximum_record_age_in_seconds=dice.choice((None, None, 60, 60, 120, 600, 604_800)),
        bisect_batch_on_function_error=dice.random() < 0.5,
        tumbling_window_in_seconds=dice.choice((1, 2, 10, 60, 900)) if windowed else 0,
        function_response_types=("ReportBatchItemFailures",) if dice.random() < 0.5 else (),
        filters=PATTERNS[filtering] if filtering is not None else (),
        on_failure_destination=dice.choice((None, None, *DESTINATIONS, *DESTINATIONS)),
        metrics=("EventCount",) if dice.random() < 0.6 else (),
    )
    return configuration, filtering


def _shards(dice: Random, duration_ms: int) -> tuple[PlannedShard, ...]:
    """Draw two or three shards and one to three splits, merges or successions of them."""
    shards = [PlannedShard() for _ in range(dice.choice((2, 3)))]
    at_ms = duration_ms // 10
    for _ in range(dice.choice((1, 1, 2, 3))):
        at_ms = dice.randrange(at_ms, duration_ms)
        still_open = [number for number, shard in enumerate(shards) if shard.closes_at_ms is None]
        kind = dice.random() if len(shards) > 3 else 0.0
        closing = dice.sample(still_open, 2 if kind > 0.8 else 1)
        for number in closing:
            shards[number] = PlannedShard(
                parents=shards[number].parents, opens_at_ms=shards[number].opens_at_ms, closes_at_ms=at_ms
            )
        children = 1 if kind > 0.6 else 2
        shards += [PlannedShard(parents=tuple(closing), opens_at_ms=at_ms) for _ in range(children)]
    return tuple(shards)


def shard_of(item: int, at_ms: int, shards: tuple[PlannedShard, ...]) -> int:
    """Tell in which shard a change of an item is recorded: from parent to child as they close."""
    roots = sum(1 for shard in shards if not shard.parents)
    number = item % roots
    while True:
        closes_at_ms = shards[number].closes_at_ms
        if closes_at_ms is None or at_ms < closes_at_ms:
            return number
        children = [child for child, shard in enumerate(shards) if number in shard.parents]
        number = children[item // roots % len(children)]


def _records(
    dice: Random, shards: tuple[PlannedShard, ...], duration_ms: int, *, deadly: int
) -> tuple[PlannedRecord, ...]:
    """Let one to four writers write to items of their own, steadily or in bursts."""
    random = dice.random
    instants: list[tuple[int, int]] = []
    writers = dice.choice((1, 2, 4))
    for writer in range(writers):
        share = RECORDS // writers
        items = dice.choice((1, 4, 20, 60))
        begin, length = dice.choice(((0.0, 1.0), (0.0, 0.4), (0.3, 0.2), (0.5, 0.5)))
        beat_ms = dice.choice((1, 250, duration_ms // 20, duration_ms // 10, duration_ms // 6))
        for _ in range(share):
            at_ms = int((begin + length * random()) * duration_ms) // beat_ms * beat_ms
            instants.append((at_ms, writer + writers * int(random() * items)))
    instants.sort()
    poison, bulk = dice.choice((0.0, 0.01, 0.03)), dice.choice((0.0, 0.0, 0.05))
    irrelevant, skew = dice.choice((0.1, 0.5, 0.9)), dice.choice((0.0, 0.0, 0.1))
    healing = (1, 3, deadly, deadly)
    routes: dict[tuple[int, int], int] = {}
    closings = sorted(shard.closes_at_ms for shard in shards if shard.closes_at_ms is not None)
    records = []
    for at_ms, item in instants:
        era = sum([1 for closing in closings if closing <= at_ms])
        shard = routes.get((era, item))
        if shard is None:
            shard = routes[era, item] = shard_of(item, at_ms, shards)
        poisoned = poison > 0.0 and random() < poison
        records.append(
            PlannedRecord(
                at_ms=at_ms,
                shard=shard,
                item=item,
                relevant=random() >= irrelevant,
                pad_bytes=dice.choice((900, 2_500, 4_000)) if bulk and random() < bulk else 0,
                skew_ms=int(random() * 3_000) if skew and random() < skew else 0,
                failures=dice.choice(healing) if poisoned else 0,
                reports=poisoned and random() < 0.5,
            )
        )
    return tuple(records)


_DEEDS: tuple[Deed, ...] = (
    "raises", "raises", "raises", "times out", "crashes", "reports", "reports", "reports", "reports", "malforms",
    "malforms", "is throttled", "is throttled", "is unavailable",
)  # fmt: skip
_WINDOW_DEEDS: tuple[Deed, ...] = (
    *_DEEDS,
    "forgets the state",
    "forgets the state",
    "swells the state",
    "swells the state",
)


def _behaviours(dice: Random, mischief: float, *, windowed: bool, may_be_lost: bool) -> tuple[Behaviour, ...]:
    random = dice.random
    slow_ms = dice.choice((1, 50, 400))
    unanswered = dice.choice((0.0, 0.1))
    behaviours = []
    for _ in range(dice.choice((20, 60, 120))):
        chance = random()
        if chance > mischief + unanswered:
            behaviours.append(GOOD if chance > 0.9 else Behaviour(place=random(), takes_ms=int(random() * slow_ms)))
            continue
        deed: Deed = "succeeds"
        if chance < mischief:
            deed = dice.choice(_WINDOW_DEEDS if windowed else _DEEDS)
        takes_ms = int(random() * slow_ms)
        if deed == "times out":
            takes_ms = dice.choice((3_000, 30_000, 60_000))
        answering: Answering = "once"
        if random() < unanswered:
            answering = dice.choice(LOSSES if may_be_lost else DOUBLES)
        behaviours.append(Behaviour(deed=deed, place=random(), takes_ms=takes_ms, answering=answering))
    return tuple(behaviours)


def _readings(dice: Random, mischief: float) -> tuple[Reading, ...]:
    random = dice.random
    readings = []
    for _ in range(dice.choice((0, 20, 60))):
        if random() < mischief / 2:
            bad: ReadingDeed = dice.choice(("fails", "is empty", "is short", "answers twice"))
            readings.append(Reading(deed=bad, after_ms=1 + int(random() * 100), transit_ms=int(random() * 50)))
        else:
            readings.append(Reading(after_ms=int(random() * 20), transit_ms=dice.choice((0, 0, 0, 30))))
    return tuple(readings)


def _deliveries(dice: Random, mischief: float, *, may_be_lost: bool) -> tuple[Delivery, ...]:
    random = dice.random
    deliveries = []
    for _ in range(dice.choice((0, 30, 30))):
        answering: Answering = "once"
        if random() < mischief:
            answering = dice.choice(LOSSES if may_be_lost else DOUBLES)
        taken = random() >= mischief
        deliveries.append(Delivery(taken=taken, takes_ms=int(random() * 300), answering=answering))
    return tuple(deliveries)


def _spells(dice: Random, duration_ms: int, limit_ms: int) -> tuple[Spell, ...]:
    """Draw whiles in which nothing works; some are longer than records may grow old."""
    spells = []
    for what in ("throttled", "unreadable", "refusing"):
        if dice.random() < 0.25:
            from_ms = dice.randrange(duration_ms)
            length_ms = dice.choice((duration_ms // 5, min(limit_ms + 10_000, 700_000)))
            spells.append(Spell(what=what, from_ms=from_ms, to_ms=from_ms + length_ms))
    return tuple(spells)


def _switches(dice: Random, duration_ms: int) -> tuple[int, ...]:
    if dice.random() < 0.6:
        return ()
    count = dice.choice((2, 2, 4, 8))
    return tuple(sorted(dice.randrange(int(duration_ms * 1.2)) for _ in range(count)))


def _announcements(dice: Random, shards: tuple[PlannedShard, ...], duration_ms: int) -> tuple[int, ...]:
    lag_ms = dice.choice((0, 0, 40, duration_ms // 5))
    changes = {shard.opens_at_ms for shard in shards}
    return tuple(sorted({at_ms + (lag_ms if at_ms else 0) for at_ms in changes}))
