"""The world of a stream case: shards that fill by the clock, a destination, and the mapping between them.

Rules: a record is readable from its ``at_ms``; a parent is closed with its last record, and its children exist from
then on; records older than 24 hours are gone; a read is answered at once if there is something to say, else held.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from penstock.conformance.function import FunctionRules
from penstock.conformance.runs import Handed
from penstock.conformance.stream_record import Written
from penstock.conformance.timeline import SOURCE
from penstock.conformance.world import FUNCTION_ARN, Switch, World
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import (
    CancelRead,
    DeliverToDestination,
    InvokeFunction,
    ReadRecords,
    SaveCheckpoint,
    StreamEffect,
)
from penstock.mapping.inputs import (
    DestinationAnswered,
    MappingEnabled,
    ReadFailed,
    RecordsRead,
    Shard,
    ShardsDiscovered,
    StreamInput,
)
from penstock.mapping.stream import StreamMapping

STREAM_ARN = "arn:aws:dynamodb:us-east-1:111111111111:table/conform/stream/2026-01-01T00:00:00.000"
RETENTION_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShard:
    """A shard as the case names it."""

    name: str
    parents: tuple[str, ...] = ()


@dataclass(slots=True)
class _HeldShard:
    """A shard of the world: its records by time, and the read that is held."""

    shard_id: str
    written: list[Written] = field(default_factory=list)
    closes_at_ms: int | None = None
    held: ReadRecords | None = None
    tip: int | None = None


class StreamWorld(World[StreamInput, StreamEffect]):
    """Runs one case; afterwards ``runs``, ``delivered`` and ``metrics`` tell what happened."""

    mapping: StreamMapping

    def __init__(
        self,
        *,
        configuration: StreamConfiguration,
        shards: Sequence[CaseShard],
        writes: Sequence[Written],
        switches: Sequence[Switch],
        rules: FunctionRules,
        destination_denied: bool,
    ) -> None:
        super().__init__(rules)
        self.delivered: list[Mapping[str, Any]] = []
        self.by_sequence_number = {written.record.sequence_number: written for written in writes}
        numbers = itertools.count(1)
        self.mapping = StreamMapping(
            configuration,
            uuid="00000000-0000-4000-8000-000000000000",
            function_arn=FUNCTION_ARN,
            event_source_arn=STREAM_ARN,
            ids=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        )
        self._denied = destination_denied
        self._case_shards = {shard.name: shard for shard in shards}
        self._shards = {
            shard.name: _HeldShard(f"shardId-{number:020d}-{number:08x}") for number, shard in enumerate(shards)
        }
        self._names = {shard.shard_id: name for name, shard in self._shards.items()}
        for written in writes:
            self._shards[written.shard].written.append(written)
        for parent in {parent for shard in shards for parent in shard.parents}:
            records = self._shards[parent].written
            self._shards[parent].closes_at_ms = records[-1].at_ms if records else 0
        self._plan(switches, enabled=configuration.enabled)

    def _plan(self, switches: Sequence[Switch], *, enabled: bool) -> None:
        for switch in switches:
            if switch.at_ms > 0:
                self.timeline.plan(switch.at_ms, SOURCE, partial(self._switch, switch))
        for name, at_ms in sorted(self._born().items(), key=lambda birth: birth[1]):
            if at_ms > 0:
                self.timeline.plan(at_ms, SOURCE, partial(self._discover, [name]))
        instants = {written.at_ms for shard in self._shards.values() for written in shard.written}
        for at_ms in sorted(instants):
            if at_ms > 0:
                self.timeline.plan(at_ms, SOURCE, lambda: None)
        self._discover([name for name, at_ms in self._born().items() if at_ms <= 0])
        if enabled:
            self._inbox.append(MappingEnabled())
        for switch in switches:
            if switch.at_ms <= 0:
                self._switch(switch)

    def _born(self) -> dict[str, int]:
        """Tell since when each shard exists: a child since its parents are closed."""
        return {
            name: max([self._shards[parent].closes_at_ms or 0 for parent in shard.parents], default=0)
            for name, shard in self._case_shards.items()
        }

    def _discover(self, names: Sequence[str]) -> None:
        found = []
        for name in names:
            parents = [self._shards[parent].shard_id for parent in self._case_shards[name].parents]
            first, second = [*parents, None, None][:2]
            found.append(
                Shard(shard_id=self._shards[name].shard_id, parent_shard_id=first, adjacent_parent_shard_id=second)
            )
        self._inbox.append(ShardsDiscovered(shards=tuple(found)))

    def _perform(self, effect: StreamEffect) -> None:
        match effect:
            case ReadRecords():
                shard = self._shards[self._names[effect.shard_id]]
                shard.held = effect
            case CancelRead():
                for shard in self._shards.values():
                    if shard.held is not None and shard.held.read_id == effect.read_id:
                        shard.held = None
            case DeliverToDestination():
                if not self._denied:
                    self.delivered.append(json.loads(effect.body))
                self._inbox.append(DestinationAnswered(delivery_id=effect.delivery_id, delivered=not self._denied))
            case SaveCheckpoint():
                pass
            case _:
                self._perform_shared(effect)

    def _handed(self, effect: InvokeFunction) -> Handed:
        written = [self.by_sequence_number[record.body["dynamodb"]["SequenceNumber"]] for record in effect.records]
        return Handed(
            refs=[one.ref for one in written],
            groups=[one.item for one in written],
            identifiers=[one.record.sequence_number for one in written],
        )

    def _answer_source(self) -> None:
        for shard in self._shards.values():
            read = shard.held
            if read is None:
                continue
            if not self._readable:
                shard.held = None
                self._inbox.append(ReadFailed(read_id=read.read_id, reason="PROBLEM: the stream cannot be read"))
                continue
            answer = self._answer(shard, read)
            if answer is not None:
                shard.held = None
                self._inbox.append(answer)

    def _answer(self, shard: _HeldShard, read: ReadRecords) -> RecordsRead | None:
        """Answer a read, or hold it while there is nothing to say."""
        now_ms = self.timeline.now_ms
        first_read_from_tip = read.after_sequence_number is None and read.position == "LATEST"
        after = -1 if read.after_sequence_number is None else int(read.after_sequence_number)
        if first_read_from_tip:
            old = [written for written in shard.written if written.at_ms < now_ms]
            position = old[-1].record.sequence_number if old else "0"
            return RecordsRead(read_id=read.read_id, records=(), position=position)
        following = [written for written in shard.written if int(written.record.sequence_number) > after]
        readable = [written.record for written in following if now_ms - RETENTION_MS <= written.at_ms <= now_ms]
        records = tuple(readable[: read.limit])
        closed = shard.closes_at_ms is not None and shard.closes_at_ms <= now_ms
        ended = closed and len(records) == len(readable)
        if records or ended or not read.wait:
            return RecordsRead(read_id=read.read_id, records=records, shard_ended=ended)
        return None
