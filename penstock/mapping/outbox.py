"""The effects of one input of a stream mapping, in order, and who awaits an answer to which of them.

Rules:

* every effect that is answered has an id of its own; the answer finds its owner by it, once: a second answer, and one
  to a cancelled effect, finds nobody and is ignored;
* a timer carries its reason, so that whoever started it is told why it fired;
* with ``Choices.answer_deadline_ms``, an invocation that stays unanswered counts as not invoked, and a delivery that
  stays unanswered is repeated under the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from penstock.mapping import metrics
from penstock.mapping.destination import Discard, destination_kind, object_key, on_failure_record
from penstock.mapping.effects import (
    CancelRead,
    CancelTimer,
    DeliverToDestination,
    InvokeFunction,
    ReadRecords,
    RecordMetric,
    SaveCheckpoint,
    StartTimer,
    StreamEffect,
)
from penstock.mapping.inputs import Outcome, ReadFailed, RecordsRead
from penstock.mapping.terms import StreamTerms
from penstock.mapping.work import WorkItem

NO_RECORDS_PROCESSED: Final = "No records processed"
PROCESSED: Final = "OK"
CALL_FAILED: Final = "PROBLEM: Function call failed"


@dataclass(frozen=True, slots=True)
class BatchingWindowEnds:
    """A lane's open batch closes."""


@dataclass(frozen=True, slots=True)
class TumblingWindowEnds:
    """A lane's tumbling window is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOffEnds:
    """A lane's item may be tried again, or is too old."""

    item: WorkItem


LaneTimer = BatchingWindowEnds | TumblingWindowEnds | BackOffEnds


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOverdue:
    """An invocation or a delivery was not answered in time."""

    answer_id: str


class Delivering:
    """An item on its way to the destination, perhaps in several discards, and what follows: the rest of it."""

    __slots__ = ("awaited", "item", "then")

    def __init__(self, item: WorkItem, *, then: WorkItem | None) -> None:
        self.item = item
        self.then = then
        self.awaited: set[str] = set()


class LaneOwner(Protocol):
    """Who invokes and delivers: a lane of a shard."""

    @property
    def shard_id(self) -> str:
        """The shard that it belongs to."""

    def invocation_ended(self, item: WorkItem, outcome: Outcome) -> None:
        """Take the outcome of an invocation."""

    def delivery_answered(self, delivering: Delivering, effect: DeliverToDestination, *, delivered: bool) -> None:
        """Take a destination's answer."""

    def timer_fired(self, reason: LaneTimer) -> None:
        """Take a timer."""


class ReadOwner(Protocol):
    """Who reads: a shard."""

    @property
    def shard_id(self) -> str:
        """The shard."""

    def records_read(self, answer: RecordsRead, *, waited: bool) -> None:
        """Take records."""

    def read_failed(self, answer: ReadFailed) -> None:
        """Take a failure of the source."""

    def read_trimmed(self) -> None:
        """Take the loss of the position."""

    def read_due(self) -> None:
        """Take the timer after a failure of the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedInvocation:
    """An invocation without an outcome."""

    owner: LaneOwner
    item: WorkItem


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedDelivery:
    """A delivery without an answer."""

    owner: LaneOwner
    delivering: Delivering
    effect: DeliverToDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedRead:
    """A read without an answer."""

    owner: ReadOwner
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedLaneTimer:
    """A lane's timer."""

    owner: LaneOwner
    reason: LaneTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedReadTimer:
    """A shard's timer."""

    owner: ReadOwner


AwaitedTimer = AwaitedLaneTimer | AwaitedReadTimer | AnswerOverdue


class Outbox:
    """Collects the effects of the input at hand; ``now_ms`` is its time."""

    def __init__(self, terms: StreamTerms) -> None:
        self.now_ms = 0
        self.processing_result = NO_RECORDS_PROCESSED
        """What the last invocation says about the mapping: its LastProcessingResult, in AWS's words."""
        self.effects: list[StreamEffect] = []
        self.invocations: dict[str, AwaitedInvocation] = {}
        self.deliveries: dict[str, AwaitedDelivery] = {}
        self.reads: dict[str, AwaitedRead] = {}
        self.timers: dict[str, AwaitedTimer] = {}
        self._terms = terms
        self._counts_events = terms.configuration.counts_events
        self._deadlines: dict[str, str] = {}
        self._last_number = 0

    def open(self, now_ms: int) -> None:
        """Begin with the next input."""
        self.now_ms = now_ms
        self.effects = []

    def count_events(self, name: str, records: int) -> None:
        """Add to an EventCount metric, if the mapping asks for them."""
        if self._counts_events:
            self.effects.append(RecordMetric(name=name, value=records))

    def measure(self, name: str, value: int) -> None:
        """Add to a metric that is always there."""
        self.effects.append(RecordMetric(name=name, value=value))

    def invoke(self, owner: LaneOwner, item: WorkItem, *, extras: Mapping[str, Any], event_bytes: int) -> None:
        """Invoke the function with an item."""
        invocation_id = self._new_id("invocation")
        records = item.records
        age_ms = None
        if records:
            age_ms = self.now_ms - records[-1].created_at_ms
            self.measure(metrics.ITERATOR_AGE, age_ms)
            self.count_events(metrics.INVOKED, len(records))
        self.invocations[invocation_id] = AwaitedInvocation(owner=owner, item=item)
        self.effects.append(
            InvokeFunction(
                invocation_id=invocation_id,
                request_id=item.request_id,
                records=records,
                extras=extras,
                event_bytes=event_bytes,
                shard_id=owner.shard_id,
                attempt=item.waits + 1,
                iterator_age_ms=age_ms,
            )
        )
        self._watch_answer(invocation_id)

    def deliver(self, owner: LaneOwner, discard: Discard, delivering: Delivering, *, destination_arn: str) -> None:
        """Send the on-failure record of a discard to the destination."""
        delivery_id = self._new_id("delivery")
        kind = destination_kind(destination_arn)
        terms = self._terms
        key = None
        if kind == "s3":
            key = object_key(mapping_uuid=terms.uuid, shard_id=owner.shard_id, at_ms=self.now_ms, random_id=terms.ids())
        body = on_failure_record(
            discard,
            function_arn=terms.function_arn,
            shard_id=owner.shard_id,
            stream_arn=terms.event_source_arn,
            at_ms=self.now_ms,
            with_payload=kind == "s3",
        )
        effect = DeliverToDestination(
            delivery_id=delivery_id,
            destination_arn=destination_arn,
            kind=kind,
            body=body,
            object_key=key,
            records=len(discard.records),
        )
        delivering.awaited.add(delivery_id)
        self.deliveries[delivery_id] = AwaitedDelivery(owner=owner, delivering=delivering, effect=effect)
        self.effects.append(effect)
        self._watch_answer(delivery_id)

    def repeat_delivery(self, delivery_id: str) -> None:
        """Send an unanswered on-failure record once more."""
        self.effects.append(self.deliveries[delivery_id].effect)
        self._watch_answer(delivery_id)

    def read(
        self,
        owner: ReadOwner,
        *,
        after_sequence_number: str | None,
        position: Literal["TRIM_HORIZON", "LATEST"],
        wait: bool,
    ) -> str:
        """Read a shard; give the id of the read."""
        read_id = self._new_id("read")
        self.reads[read_id] = AwaitedRead(owner=owner, waits=wait)
        self.effects.append(
            ReadRecords(
                read_id=read_id,
                shard_id=owner.shard_id,
                after_sequence_number=after_sequence_number,
                position=position,
                limit=self._terms.choices.read_limit,
                wait=wait,
            )
        )
        return read_id

    def cancel_read(self, read_id: str) -> None:
        """Forget a read."""
        del self.reads[read_id]
        self.effects.append(CancelRead(read_id=read_id))

    def save_checkpoint(self, shard_id: str, sequence_number: str) -> None:
        """Save how far a shard is finished."""
        self.effects.append(SaveCheckpoint(shard_id=shard_id, sequence_number=sequence_number))

    def start_timer(self, awaited: AwaitedTimer, at_ms: int) -> str:
        """Start a timer; give its id."""
        timer_id = self._new_id("timer")
        self.timers[timer_id] = awaited
        self.effects.append(StartTimer(timer_id=timer_id, at_ms=at_ms))
        return timer_id

    def cancel_timer(self, timer_id: str) -> None:
        """Forget a timer."""
        del self.timers[timer_id]
        self.effects.append(CancelTimer(timer_id=timer_id))

    def answered(self, answer_id: str) -> None:
        """Stop watching for an answer that has come."""
        timer_id = self._deadlines.pop(answer_id, None)
        if timer_id is not None:
            self.cancel_timer(timer_id)

    def stop_watching(self, answer_id: str) -> None:
        """Forget the deadline of an answer: it is over."""
        del self._deadlines[answer_id]

    def _watch_answer(self, answer_id: str) -> None:
        deadline_ms = self._terms.choices.answer_deadline_ms
        if deadline_ms is not None:
            self._deadlines[answer_id] = self.start_timer(AnswerOverdue(answer_id=answer_id), self.now_ms + deadline_ms)

    def _new_id(self, kind: str) -> str:
        self._last_number += 1
        return f"{kind}-{self._last_number}"
