"""Whatever hypothesis does to a stream mapping, and in whatever order: core and model agree, and all is accounted for.

Beside the simulation, whose worlds are likely ones, this machine answers, repeats, withholds and switches at will, and
shrinks to the shortest history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from penstock.mapping.choices import Choices
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import (
    CancelRead,
    CancelTimer,
    DeliverToDestination,
    InvokeFunction,
    ReadRecords,
    StartTimer,
    StreamEffect,
)
from penstock.mapping.inputs import (
    DestinationAnswered,
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    ReadFailed,
    ReadTrimmed,
    RecordsRead,
    Shard,
    ShardsDiscovered,
    StreamInput,
    TimerFired,
)
from tests.simulation.behaviour import GOOD, REFUSED, Behaviour, Deed, Meaning, answer
from tests.simulation.entry import Entry, write
from tests.simulation.mutants import MUTANTS
from tests.simulation.stream_model import StreamModel
from tests.simulation.stream_plan import DESTINATIONS, PATTERNS, PlannedRecord
from tests.simulation.violation import Violation

BEGIN_MS = 1_767_225_600_000

CONFIGURATIONS: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {
        "batch_size": st.sampled_from((1, 2, 3, 100)),
        "maximum_batching_window_in_seconds": st.sampled_from((0, 0, 5)),
        "starting_position": st.sampled_from(("TRIM_HORIZON", "TRIM_HORIZON", "LATEST")),
        "maximum_retry_attempts": st.sampled_from((None, 0, 1, 2)),
        "maximum_record_age_in_seconds": st.sampled_from((None, 60)),
        "bisect_batch_on_function_error": st.booleans(),
        "function_response_types": st.sampled_from(((), ("ReportBatchItemFailures",))),
        "on_failure_destination": st.sampled_from((None, *DESTINATIONS)),
        "metrics": st.sampled_from(((), ("EventCount",))),
    }
)
LANES_OR_WINDOWS: st.SearchStrategy[Mapping[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {
            "parallelization_factor": st.sampled_from((1, 1, 2, 5)),
            "filters": st.sampled_from(((), PATTERNS["kind"])),
        }
    ),
    st.fixed_dictionaries({"tumbling_window_in_seconds": st.sampled_from((2, 30))}),
)
CHOICES = st.builds(
    Choices,
    read_limit=st.sampled_from((2, 1_000)),
    read_ahead_limit=st.sampled_from((3, 10_000)),
    event_limit_bytes=st.sampled_from((300, 6_291_456)),
    state_limit_bytes=st.sampled_from((50, 1_048_576)),
    retention_ms=st.sampled_from((45_000, 86_400_000)),
    answer_deadline_ms=st.sampled_from((None, 10_000)),
)
DEEDS: st.SearchStrategy[Deed] = st.sampled_from(
    ("succeeds", "raises", "reports", "malforms", "forgets the state", "swells the state", "is throttled")
)
PLACES = st.integers(0, 1_000)
"""Which of what is there; taken modulo how many there are."""
ITEMS = st.lists(st.integers(0, 3), min_size=1, max_size=6)
ON = st.sampled_from((True, True, False))


class StreamMachine(RuleBasedStateMachine):
    """A stream of one shard that may split, a mapping, and all their answers in the hand of hypothesis."""

    model: StreamModel

    @initialize(configuration=CONFIGURATIONS, more=LANES_OR_WINDOWS, choices=CHOICES, items=ITEMS, on=ON)
    def begin(
        self,
        configuration: Mapping[str, Any],
        more: Mapping[str, Any],
        choices: Choices,
        items: Sequence[int],
        on: bool,
    ) -> None:
        self.model = StreamModel(StreamConfiguration(**configuration, **more), choices, seen=set())
        self.now_ms = BEGIN_MS
        self.written: dict[str, list[Entry]] = {"shard-0": []}
        self.children: dict[str, list[str]] = {}
        self.parents: dict[str, str] = {}
        self.last: dict[int, Entry] = {}
        self.reads: dict[str, ReadRecords] = {}
        self.calls: dict[str, InvokeFunction] = {}
        self.deliveries: dict[str, DeliverToDestination] = {}
        self.timers: dict[str, int] = {}
        self.answered: list[tuple[StreamInput, Meaning | None]] = []
        self.write(items, relevant=True, large=0)
        self.announce()
        self.switch(on)

    # --- the stream ---

    @rule(items=ITEMS, relevant=st.booleans(), large=st.integers(0, 9))
    def write(self, items: Sequence[int], relevant: bool, large: int) -> None:
        for item in items:
            self._write(item, relevant, large)

    def _write(self, item: int, relevant: bool, large: int) -> None:
        planned = PlannedRecord(
            at_ms=0, shard=0, item=item, relevant=relevant, pad_bytes=400 if large == 9 else 0, skew_ms=0
        )
        shard_id = "shard-0"
        while shard_id in self.children:
            below = self.children[shard_id]
            shard_id = below[item % len(below)]
        entry = write(
            planned,
            index=len(self.model.ledger.entries),
            shard_id=shard_id,
            at_ms=self.now_ms,
            previous=self.last.get(item),
            filtered=bool(self.model.configuration.filters),
        )
        self.last[item] = entry
        self.written[shard_id].append(entry)
        self.model.ledger.entries[entry.record.sequence_number] = entry

    @precondition(lambda self: len(self.written) < 6)
    @rule(place=PLACES, into=st.integers(1, 2))
    def close_a_shard(self, place: int, into: int) -> None:
        still_open = [shard_id for shard_id in self.written if shard_id not in self.children]
        parent = still_open[place % len(still_open)]
        self.children[parent] = [f"shard-{len(self.written) + number}" for number in range(into)]
        for child in self.children[parent]:
            self.written[child] = []
            self.parents[child] = parent

    @rule()
    def announce(self) -> None:
        shards = [Shard(shard_id=one, parent_shard_id=self.parents.get(one)) for one in self.written]
        self._hand_in(ShardsDiscovered(shards=tuple(shards)))

    @precondition(lambda self: any(read.after_sequence_number for read in self.reads.values()))
    @rule(place=PLACES)
    def lose_a_position(self, place: int) -> None:
        placed = [read for read in self.reads.values() if read.after_sequence_number is not None]
        effect = placed[place % len(placed)]
        for entry in self.written[effect.shard_id]:
            entry.trimmed = True
        del self.reads[effect.read_id]
        self._hand_in(ReadTrimmed(read_id=effect.read_id))

    def _answer_read(self, effect: ReadRecords, *, fails: bool, at_most: int) -> None:
        if fails:
            del self.reads[effect.read_id]
            self._hand_in(ReadFailed(read_id=effect.read_id, reason="PROBLEM: denied"))
        else:
            self._serve(effect, at_most)

    def _serve(self, effect: ReadRecords, at_most: int) -> bool:
        """Answer a read, if there is something to say."""
        written = self.written[effect.shard_id]
        if effect.after_sequence_number is None and effect.position == "LATEST":
            answered = RecordsRead(
                read_id=effect.read_id, records=(), position=written[-1].record.sequence_number if written else "0"
            )
        else:
            after = int(effect.after_sequence_number or 0)
            left = [entry.record for entry in written if not entry.trimmed]
            following = [record for record in left if int(record.sequence_number) > after]
            records = tuple(following[: min(at_most, effect.limit)])
            ended = effect.shard_id in self.children and len(records) == len(following)
            if not records and not ended and effect.wait:
                return False
            answered = RecordsRead(read_id=effect.read_id, records=records, shard_ended=ended)
        del self.reads[effect.read_id]
        self._hand_in(answered)
        return True

    # --- the function, the destination, time ---

    @precondition(lambda self: self.reads or self.calls or self.deliveries or self.timers)
    @rule(
        place=PLACES, deed=DEEDS, which=st.floats(0, 0.999), well=st.integers(0, 4), at_most=st.sampled_from((1_000, 1))
    )
    def answer_something(self, place: int, deed: Deed, which: float, well: int, at_most: int) -> None:
        awaited = [
            *self.reads.values(),
            *self.calls.values(),
            *self.deliveries.values(),
            *([None] if self.timers else []),
        ]
        match awaited[place % len(awaited)]:
            case ReadRecords() as effect:
                self._answer_read(effect, fails=well == 0, at_most=at_most)
            case InvokeFunction() as effect:
                del self.calls[effect.invocation_id]
                self._end(effect, Behaviour(deed=deed, place=which))
            case DeliverToDestination() as effect:
                self._deliver(effect, taken=well > 0)
            case None:
                self._fire()

    def _end(self, effect: InvokeFunction, behaviour: Behaviour) -> None:
        configuration = self.model.configuration
        outcome, meaning = answer(
            behaviour,
            [record.sequence_number for record in effect.records],  # type: ignore[union-attr]
            reports=configuration.reports_batch_item_failures,
            windowed=configuration.tumbling_window_in_seconds > 0,
            final=not effect.records,
            state=effect.extras.get("state"),
            state_limit_bytes=100,
        )
        if effect.event_bytes > self.model.choices.event_limit_bytes:
            outcome, meaning = REFUSED
        self._hand_in(InvocationEnded(invocation_id=effect.invocation_id, outcome=outcome), meaning)

    def _deliver(self, effect: DeliverToDestination, *, taken: bool) -> None:
        del self.deliveries[effect.delivery_id]
        self._hand_in(DestinationAnswered(delivery_id=effect.delivery_id, delivered=taken))

    def _fire(self) -> None:
        timer_id = min(self.timers, key=lambda one: (self.timers[one], one))
        self.now_ms = max(self.now_ms, self.timers.pop(timer_id))
        self._hand_in(TimerFired(timer_id=timer_id))

    @rule(passed_ms=st.sampled_from((1, 200, 3_000, 50_000)))
    def let_time_pass(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @precondition(lambda self: self.answered)
    @rule(place=PLACES)
    def answer_again(self, place: int) -> None:
        happened, meaning = self.answered[place % len(self.answered)]
        self.model.happened(happened, self.now_ms, meaning)

    # --- the mapping ---

    @rule(on=ON)
    def switch(self, on: bool) -> None:
        self._hand_in(MappingEnabled() if on else MappingDisabled())

    def _hand_in(self, happened: StreamInput, meaning: Meaning | None = None) -> None:
        if isinstance(happened, InvocationEnded | RecordsRead | DestinationAnswered | TimerFired):
            self.answered.append((happened, meaning))
        for effect in self.model.happened(happened, self.now_ms, meaning):
            self._perform(effect)

    def _perform(self, effect: StreamEffect) -> None:
        match effect:
            case ReadRecords():
                self.reads[effect.read_id] = effect
            case CancelRead():
                self.reads.pop(effect.read_id, None)
            case InvokeFunction():
                self.calls[effect.invocation_id] = effect
            case DeliverToDestination():
                self.deliveries[effect.delivery_id] = effect
            case StartTimer():
                self.timers[effect.timer_id] = effect.at_ms
            case CancelTimer():
                del self.timers[effect.timer_id]
            case _:
                pass

    def teardown(self) -> None:
        """Let everything end well, and account for it."""
        if not hasattr(self, "model"):
            return
        self.announce()
        self.switch(on=True)
        while self.calls or self.deliveries or self.timers or self._a_read_is_served():
            if self.calls:
                self._end(self.calls.pop(next(iter(self.calls))), GOOD)
            elif self.deliveries:
                self._deliver(next(iter(self.deliveries.values())), taken=True)
            elif self.timers and not self._a_read_is_served():
                self._fire()
        self.model.close()

    def _a_read_is_served(self) -> bool:
        return any(self._serve(effect, 1_000) for effect in list(self.reads.values()))


StreamMachine.TestCase.settings = settings(
    max_examples=250,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


TestStreamRules = StreamMachine.TestCase
"""Core and model agree, whatever happens."""


def test_the_machine_finds_a_planted_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a defect in the core, core and model do not agree."""
    MUTANTS["one retry too many"](monkeypatch)
    found_only = settings(StreamMachine.TestCase.settings, phases=[Phase.generate])

    with pytest.raises(Violation):
        run_state_machine_as_test(StreamMachine, settings=found_only)
