"""A world with a stream: shards that fill, split and lose what is old, a function and a destination that misbehave.

Rules of the world, which are those of AWS: a shard is read in order, a closed one says so with its last records; a
record is readable from its instant until retention takes it; a read is held while there is nothing to say, unless it
asks for an answer; a held read that was cancelled is forgotten, an answer under way is not.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from functools import partial

from penstock.mapping.effects import (
    CancelTimer,
    DeliverToDestination,
    InvokeFunction,
    ReadRecords,
    StartTimer,
)
from penstock.mapping.inputs import (
    DestinationAnswered,
    Outcome,
    ReadFailed,
    ReadTrimmed,
    RecordsRead,
    Shard,
    ShardsDiscovered,
    StreamInput,
)
from tests.simulation.behaviour import FUNCTION_ERRORS, GOOD, Behaviour, Meaning, answer
from tests.simulation.entry import FIRST_SEQUENCE_NUMBER, Entry, write
from tests.simulation.shell import EPOCH_MS, Shell
from tests.simulation.stream_model import StreamModel
from tests.simulation.stream_plan import GOOD_DELIVERY, GOOD_READING, PlannedShard, Reading, StreamPlan


class _ShardOfTheWorld:
    """The records of a shard in order, and the read that is held."""

    def __init__(self, number: int, planned: PlannedShard) -> None:
        self.shard_id = f"shardId-{number:020d}-{number:08x}"
        self.planned = planned
        self.entries: list[Entry] = []
        self.instants: list[int] = []
        self.trimmed = 0

    def written_by(self, now_ms: int) -> int:
        """Count the records that exist."""
        return bisect_right(self.instants, now_ms)

    def place_after(self, sequence_number: str | None) -> int:
        """Count the records up to a sequence number."""
        if sequence_number is None:
            return 0
        number = int(sequence_number) - FIRST_SEQUENCE_NUMBER
        return bisect_right(self.entries, number, key=lambda entry: entry.index)


class StreamWorld(Shell):
    """Runs a plan; raises Violation, or whatever the core raises."""

    plan: StreamPlan
    model: StreamModel

    def __init__(self, plan: StreamPlan, *, check_every: int = 1) -> None:
        model = StreamModel(plan.configuration, plan.choices(), seen=set(), check_every=check_every)
        super().__init__(plan, model, begin_ms=EPOCH_MS + plan.begins_at_ms)
        self._shards = [_ShardOfTheWorld(number, planned) for number, planned in enumerate(plan.shards)]
        self._by_id = {shard.shard_id: shard for shard in self._shards}
        self._reads = self._deliveries = self._final_calls = 0
        self._write()
        for at_ms in plan.announcements:
            self._agenda.plan(self._begin_ms + at_ms, self._announce)
        self._plan_switches()

    # --- the beginning ---

    def _write(self) -> None:
        last: dict[int, Entry] = {}
        for index, planned in enumerate(self.plan.records):
            shard = self._shards[planned.shard]
            at_ms = self._begin_ms + planned.at_ms
            entry = write(
                planned,
                index=index,
                shard_id=shard.shard_id,
                at_ms=at_ms,
                previous=last.get(planned.item),
                filtered=self.plan.filtering is not None,
            )
            last[planned.item] = entry
            shard.entries.append(entry)
            shard.instants.append(at_ms)
            self.model.ledger.entries[entry.record.sequence_number] = entry

    # --- what happens by itself ---

    def _announce(self) -> None:
        found = []
        for number, shard in enumerate(self._shards):
            if self._begin_ms + shard.planned.opens_at_ms <= self._agenda.now_ms:
                parents = [self._shards[parent].shard_id for parent in shard.planned.parents]
                if number == 0 and self.plan.orphan:
                    parents.append("shardId-00000000000000000000-ffffffff")
                first, second = [*parents, None, None][:2]
                found.append(Shard(shard_id=shard.shard_id, parent_shard_id=first, adjacent_parent_shard_id=second))
                if len(shard.planned.parents) == 1:
                    self.seen.add("shard split or succeeded")
                elif shard.planned.parents:
                    self.seen.add("shards merged")
        self._hand_in(ShardsDiscovered(shards=tuple(found[self.plan.seed % 3 :] + found[: self.plan.seed % 3])))

    def _is_in_flight(self) -> bool:
        return bool(self.model.calls or self.model.deliveries)

    # --- inputs and effects ---

    def _hand_in(self, happened: StreamInput, meaning: Meaning | None = None) -> None:
        for effect in self.model.happened(happened, self._agenda.now_ms, meaning):
            match effect:
                case InvokeFunction():
                    self._invoke(effect)
                case ReadRecords():
                    self._begin_read(effect)
                case StartTimer():
                    self._start_timer(effect)
                case CancelTimer():
                    self._cancel_timer(effect)
                case DeliverToDestination():
                    self._deliver(effect)
                case _:
                    pass

    # --- the function ---

    def _invoke(self, effect: InvokeFunction) -> None:
        place = self._calls
        self._calls += 1
        behaviour = self.plan.behaviours[place] if place < len(self.plan.behaviours) else GOOD
        entries = [self.model.ledger.entries[record.sequence_number] for record in effect.records]  # type: ignore[union-attr]
        outcome, meaning, takes_ms = self._outcome(effect, behaviour, entries)
        if meaning.verdict in ("failed", "reported") and len(entries) > 1 and behaviour.place > 0.5:
            self.seen.add("several records fail together")
        self._answer_invocation(effect, behaviour, outcome, meaning, takes_ms)

    def _outcome(
        self, effect: InvokeFunction, behaviour: Behaviour, entries: list[Entry]
    ) -> tuple[Outcome, Meaning, int]:
        takes_ms = behaviour.takes_ms
        turned_away = self._turned_away(effect)
        if turned_away is not None:
            return turned_away
        poison = next((place for place, entry in enumerate(entries) if entry.failures > 0), None)
        if poison is not None and behaviour.deed == "succeeds":
            bad = entries[poison]
            bad.failures -= 1
            self.seen.add("record that fails")
            behaviour = dataclasses.replace(
                behaviour,
                deed="reports" if bad.reports and bad.failures % 2 == 0 else "raises",
                place=(poison + 0.5) / len(entries),
            )
        if not entries:
            self._final_calls += 1
            if self._final_calls <= self.plan.final_calls_fail:
                behaviour = dataclasses.replace(behaviour, deed="raises")
        configuration = self.plan.configuration
        outcome, meaning = answer(
            behaviour,
            [entry.record.sequence_number for entry in entries],
            reports=configuration.reports_batch_item_failures,
            windowed=configuration.tumbling_window_in_seconds > 0,
            final=not entries,
            state=effect.extras.get("state"),
            state_limit_bytes=self.plan.state_limit_bytes if self.plan.state_limit_bytes < 1_000 else 10,
            repeated=takes_ms % 2 == 1,
        )
        self._see_outcome(behaviour, meaning, final=not entries)
        return outcome, meaning, takes_ms

    def _see_outcome(self, behaviour: Behaviour, meaning: Meaning, *, final: bool) -> None:
        deed, verdict = behaviour.deed, meaning.verdict
        if deed in FUNCTION_ERRORS:
            self.seen.add(f"function {deed}")
            if final:
                self.seen.add("final call failed")
        elif verdict == "not run":
            self.seen.add("throttled" if deed == "is throttled" else "unavailable")
        elif verdict == "reported":
            self.seen.add("report from the middle of a batch")
        elif verdict == "failed":
            told = {"reports": "report of the first record", "malforms": "malformed report"}
            self.seen.add(told.get(deed, "answer without state"))

    # --- the destination ---

    def _deliver(self, effect: DeliverToDestination) -> None:
        place = self._deliveries
        self._deliveries += 1
        delivery = self.plan.deliveries[place] if place < len(self.plan.deliveries) else GOOD_DELIVERY
        taken = delivery.taken and not self._spell("refusing")
        self.seen.add("destination takes" if taken else "destination refuses")
        takes_ms, deadline_ms = delivery.takes_ms, self.plan.answer_deadline_ms
        if deadline_ms is not None:
            if delivery.answering == "never":
                self.seen.add("answer of a delivery lost")
                return
            if delivery.answering == "late":
                self.seen.add("answer of a delivery late")
                takes_ms += deadline_ms + self.plan.timers_late_ms
        answered = DestinationAnswered(delivery_id=effect.delivery_id, delivered=taken)
        self._agenda.plan(self._agenda.now_ms + takes_ms, partial(self._hand_in, answered))
        if delivery.answering == "twice":
            self.seen.add("answer of a delivery doubled")
            again = dataclasses.replace(answered, delivered=not taken)
            self._agenda.plan(self._agenda.now_ms + takes_ms + 1, partial(self._hand_in, again))

    # --- the stream ---

    def _begin_read(self, effect: ReadRecords) -> None:
        place = self._reads
        self._reads += 1
        reading = self.plan.readings[place] if place < len(self.plan.readings) else GOOD_READING
        self._agenda.plan(self._agenda.now_ms + reading.after_ms, partial(self._serve, effect, reading))

    def _serve(self, effect: ReadRecords, reading: Reading) -> None:
        shard = self._by_id[effect.shard_id]
        if self.model.shards[effect.shard_id].read_id != effect.read_id:
            return
        answered = self._answer(shard, effect, reading)
        if answered is None:
            self._hold(shard, effect)
            return
        self._agenda.plan(self._agenda.now_ms + reading.transit_ms, partial(self._hand_in, answered))
        if reading.deed == "answers twice":
            self.seen.add("answer of a read doubled")
            self._agenda.plan(self._agenda.now_ms + reading.transit_ms + 1, partial(self._hand_in, answered))

    def _hold(self, shard: _ShardOfTheWorld, effect: ReadRecords) -> None:
        """Hold a read until there is something to say, if there will ever be."""
        now_ms = self._agenda.now_ms
        instants = [self._begin_ms + spell.from_ms for spell in self.plan.spells if spell.what == "unreadable"]
        if shard.planned.closes_at_ms is not None:
            instants.append(self._begin_ms + shard.planned.closes_at_ms)
        written = shard.written_by(now_ms)
        if written < len(shard.instants):
            instants.append(shard.instants[written])
        coming = [instant for instant in instants if instant > now_ms]
        if coming:
            self._agenda.plan(min(coming), partial(self._serve, effect, GOOD_READING))

    def _answer(
        self, shard: _ShardOfTheWorld, effect: ReadRecords, reading: Reading
    ) -> RecordsRead | ReadFailed | ReadTrimmed | None:
        if reading.deed == "fails" or self._spell("unreadable"):
            self.seen.add("read failed")
            return ReadFailed(read_id=effect.read_id, reason="PROBLEM: the stream cannot be read")
        now_ms, after = self._agenda.now_ms, effect.after_sequence_number
        written = shard.written_by(now_ms)
        if after is None and effect.position == "LATEST":
            tip = shard.entries[written - 1].record.sequence_number if written else "0"
            return RecordsRead(read_id=effect.read_id, records=(), position=tip)
        if reading.deed == "is empty" and effect.wait:
            self.seen.add("read empty")
            return RecordsRead(read_id=effect.read_id, records=())
        self._trim(shard)
        place = shard.place_after(after)
        if place < shard.trimmed:
            if after is not None:
                self.seen.add("position lost to retention")
                return ReadTrimmed(read_id=effect.read_id)
            place = shard.trimmed
        limit = 1 if reading.deed == "is short" else effect.limit
        found = shard.entries[place : min(written, place + limit)]
        closes_at_ms = shard.planned.closes_at_ms
        closed = closes_at_ms is not None and self._begin_ms + closes_at_ms <= now_ms
        ended = closed and place + len(found) == len(shard.entries)
        if found or ended or not effect.wait:
            records = tuple([entry.record for entry in found])
            return RecordsRead(read_id=effect.read_id, records=records, shard_ended=ended)
        return None

    def _trim(self, shard: _ShardOfTheWorld) -> None:
        horizon_ms = self._agenda.now_ms - self.plan.retention_ms - self.plan.trim_lag_ms
        while shard.trimmed < len(shard.entries) and shard.instants[shard.trimmed] < horizon_ms:
            entry = shard.entries[shard.trimmed]
            entry.trimmed = True
            if not entry.read:
                self.seen.add("lost to retention unread")
            shard.trimmed += 1
