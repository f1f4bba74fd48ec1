"""Facts in relation: which attempts had a record in their batch, what a call made, where an event went.

A mapping's *place* of a record or a message is (mapping, shard, item identifier), the shard empty for a queue.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.story.facts import (
    BatchInvoked,
    CallAnswered,
    CheckpointSaved,
    EventDelivered,
    EventHandedOn,
    EventPublished,
    Fact,
    FailureDelivered,
    FaultStruck,
    InvocationEnded,
    MappingDefined,
    MessagesDeleted,
    MessageSent,
    RecordsWritten,
    RunBegan,
)
from penstock.story.reasons import Attempt

Place = tuple[str, str, str]
Maker = CallAnswered | EventDelivered | FailureDelivered | EventHandedOn
_ENVELOPE_ID = re.compile(r'"id": ?"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A stream record and the call that wrote it."""

    written: RecordsWritten
    body: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        """Its ``eventID``."""
        return str(self.body["eventID"])

    @property
    def sequence_number(self) -> str:
        """Its place in its shard."""
        return str(self.body["dynamodb"]["SequenceNumber"])

    @property
    def key_values(self) -> tuple[str, ...]:
        """The values of its item's key, partition key first, as texts."""
        return tuple(str(next(iter(typed.values()))) for typed in self.body["dynamodb"]["Keys"].values())

    @property
    def key_text(self) -> str:
        """Its item's key, as ``name=value`` or ``name=value/name=value``."""
        names = self.body["dynamodb"]["Keys"]
        return "/".join(f"{name}={value}" for name, value in zip(names, self.key_values, strict=True))


class Findings:
    """What the facts of one run say about one another; every mapping here is in the order of the facts."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.run: RunBegan | None = None
        self.mappings: dict[str, MappingDefined] = {}
        self.records: dict[str, Record] = {}
        self.events: dict[str, EventPublished] = {}
        self.messages: defaultdict[str, list[MessageSent]] = defaultdict(list)
        self.deliveries: defaultdict[str, list[EventDelivered]] = defaultdict(list)
        self.faults_of_events: defaultdict[str, list[FaultStruck]] = defaultdict(list)
        self.attempts: list[Attempt] = []
        self.attempts_at: defaultdict[Place, list[Attempt]] = defaultdict(list)
        self.calls_of_windows: defaultdict[Place, list[Attempt]] = defaultdict(list)
        """(mapping, shard, beginning of a tumbling window) → the calls without records."""
        self.failures: defaultdict[str, list[FailureDelivered]] = defaultdict(list)
        self.deleted: dict[Place, int] = {}
        self.invocations: defaultdict[str, list[Attempt]] = defaultdict(list)
        """Request id → the attempts of an invocation that no mapping made."""
        self.handed_on: defaultdict[str, list[EventHandedOn]] = defaultdict(list)
        """Request id of an asynchronous invocation → where its event was handed on."""
        self.calls: list[CallAnswered] = []
        """Those outside of invocations."""
        self.makers: dict[str, Maker] = {}
        """Id of a record, a message, an event, an execution, an invocation → what made it."""
        self.attempts_of_calls: dict[int, Attempt] = {}
        self._checkpoints: defaultdict[tuple[str, str], list[CheckpointSaved]] = defaultdict(list)
        self._latest: dict[str, Attempt] = {}
        self.ends_at_ms = 0
        """The instant of the last fact."""
        for fact in facts:
            self._take(fact)
            self.ends_at_ms = fact.at_ms

    def _take(self, fact: Fact) -> None:
        match fact:
            case RunBegan():
                self.run = fact
            case MappingDefined():
                self.mappings[fact.mapping] = fact
            case RecordsWritten():
                for text in fact.records:
                    record = Record(written=fact, body=json.loads(text))
                    self.records[record.event_id] = record
            case EventPublished():
                self.events[fact.event_id] = fact
            case MessageSent():
                self.messages[fact.message_id].append(fact)
            case BatchInvoked():
                self._invoked(fact)
            case InvocationEnded():
                self._attempt(fact.request_id).ended = fact
            case CallAnswered():
                self._answered(fact)
            case EventDelivered():
                self.deliveries[fact.event_id].append(fact)
                self.makers |= dict.fromkeys(fact.made, fact)
            case FailureDelivered():
                self.failures[fact.mapping].append(fact)
                self.makers |= dict.fromkeys(fact.made, fact)
            case EventHandedOn():
                self.handed_on[fact.request_id].append(fact)
                self.makers |= dict.fromkeys(fact.made, fact)
            case FaultStruck():
                self._struck(fact)
            case CheckpointSaved():
                self._checkpoints[fact.mapping, fact.shard_id].append(fact)
            case MessagesDeleted():
                self.deleted |= {(fact.mapping, "", item): fact.at_ms for item in fact.items}

    def _invoked(self, batch: BatchInvoked) -> None:
        mapping = self.mappings.get(batch.mapping)
        reports = mapping is not None and mapping.reports_batch_item_failures
        attempt = Attempt(request_id=batch.request_id, batch=batch, reports=reports)
        self._latest[batch.request_id] = attempt
        self.attempts.append(attempt)
        if batch.purpose != "records":
            self.calls_of_windows[batch.mapping, batch.shard_id, batch.window].append(attempt)
        for item in batch.items:
            self.attempts_at[batch.mapping, batch.shard_id, item].append(attempt)

    def _attempt(self, request_id: str) -> Attempt:
        """The attempt under this request id that began last; one that no mapping made begins with what it did first."""
        attempt = self._latest.get(request_id)
        if attempt is None or (attempt.batch is None and attempt.ended is not None):
            attempt = self._latest[request_id] = Attempt(request_id=request_id)
            self.attempts.append(attempt)
            self.invocations[request_id].append(attempt)
        return attempt

    def _answered(self, call: CallAnswered) -> None:
        self.makers |= dict.fromkeys(call.made, call)
        if call.request_id:
            attempt = self._attempt(call.request_id)
            attempt.calls.append(call)
            self.attempts_of_calls[id(call)] = attempt
        else:
            self.calls.append(call)

    def _struck(self, fault: FaultStruck) -> None:
        if fault.request_id:
            self._attempt(fault.request_id).faults.append(fault)
        elif (envelope := _ENVELOPE_ID.search(fault.text)) is not None:
            self.faults_of_events[envelope[1]].append(fault)

    def readers_of(self, source_arn: str) -> Iterator[MappingDefined]:
        """The mappings that read a stream or a queue."""
        return (mapping for mapping in self.mappings.values() if mapping.source_arn == source_arn)

    def readers_of_queue(self, name: str) -> Iterator[MappingDefined]:
        """The mappings that read the queue of this name."""
        of_queues = (mapping for mapping in self.mappings.values() if mapping.source_arn.split(":")[2] == "sqs")
        return (mapping for mapping in of_queues if mapping.source_arn.rpartition(":")[2] == name)

    def finished_at_ms(self, place: Place) -> int | None:
        """When a mapping's checkpoint passed a record; ``None`` while it has not."""
        mapping, shard_id, item = place
        saved = self._checkpoints.get((mapping, shard_id), [])
        index = bisect_left(saved, int(item), key=lambda checkpoint: int(checkpoint.sequence_number))
        return saved[index].at_ms if index < len(saved) else None
