"""The event source mapping of a DynamoDB stream, as a state machine without IO.

Rules: one entry, ``handle``; time, ids and sizes come in as arguments. Each shard is independent of the others but
for its parents (``penstock.mapping.shard``), each lane of the others of its shard (``penstock.mapping.lane``). An
answer that nobody awaits is ignored. A mapping that is switched off keeps its place; what was read and not finished is
taken afresh when it is switched on, with retries of its own.

States: *disabled* (at first), *enabled*. A mapping that is enabled and has nothing to do holds one read per open shard
and no timer.

Source: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from penstock.mapping.choices import DEFAULT_CHOICES, Choices
from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import StreamEffect
from penstock.mapping.filters import compile_filters
from penstock.mapping.inputs import (
    DestinationAnswered,
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    NotInvoked,
    Outcome,
    ReadFailed,
    ReadTrimmed,
    RecordsRead,
    ShardsDiscovered,
    StreamInput,
    TimerFired,
)
from penstock.mapping.outbox import AnswerOverdue, AwaitedLaneTimer, AwaitedReadTimer, Outbox
from penstock.mapping.shard import ShardReader
from penstock.mapping.terms import StreamTerms


class StreamMapping:
    """Reads the shards of a stream and hands their records to a function."""

    def __init__(
        self,
        configuration: StreamConfiguration,
        *,
        uuid: str,
        function_arn: str,
        event_source_arn: str,
        ids: Callable[[], str],
        choices: Choices = DEFAULT_CHOICES,
    ) -> None:
        """Make a mapping; ``ids`` gives a fresh UUID each time it is called. Raises InvalidPattern for a bad filter."""
        passes = compile_filters(configuration.filters, source="dynamodb") if configuration.filters else None
        self._terms = StreamTerms(
            configuration=configuration,
            choices=choices,
            uuid=uuid,
            function_arn=function_arn,
            event_source_arn=event_source_arn,
            ids=ids,
            passes=passes,
        )
        self._outbox = Outbox(self._terms)
        self._shards: dict[str, ShardReader] = {}
        self._unready: dict[str, ShardReader] = {}
        self._enabled = False
        self._started = False

    def handle(self, happened: StreamInput, *, now_ms: int) -> list[StreamEffect]:
        """Take in what happened and tell what to do, in order."""
        self._outbox.open(now_ms)
        match happened:
            case RecordsRead() | ReadFailed() | ReadTrimmed():
                self._read_answered(happened)
            case InvocationEnded():
                self._invocation_ended(happened.invocation_id, happened.outcome)
            case TimerFired():
                self._timer_fired(happened.timer_id)
            case DestinationAnswered():
                self._destination_answered(happened)
            case ShardsDiscovered():
                self._discover(happened)
            case MappingEnabled():
                self._enable()
            case MappingDisabled():
                self._disable()
            case _:
                assert_never(happened)
        return self._outbox.effects

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight but held reads, and no batch or window is open."""
        return all(shard.idle for shard in self._shards.values())

    @property
    def last_processing_result(self) -> str:
        """The mapping's LastProcessingResult, in AWS's words."""
        problems = [shard.source_problem for shard in self._shards.values() if shard.source_problem is not None]
        return problems[-1] if problems else self._outbox.processing_result

    def story(self, shard_id: str | None = None) -> list[str]:
        """Tell what happened to one shard, or to all, in the order of time."""
        lines = [
            line
            for shard in self._shards.values()
            if shard_id is None or shard.shard_id == shard_id
            for line in shard.story.lines(shard.shard_id)
        ]
        return [line for _, line in sorted(lines, key=lambda told: told[0])]

    def check(self) -> None:
        """Assert the invariants; raise BrokenInvariant with the story."""
        for shard in self._shards.values():
            shard.check()

    def _read_answered(self, answer: RecordsRead | ReadFailed | ReadTrimmed) -> None:
        read = self._outbox.reads.pop(answer.read_id, None)
        if read is None:
            return
        match answer:
            case RecordsRead():
                read.owner.records_read(answer, waited=read.waits)
            case ReadFailed():
                read.owner.read_failed(answer)
            case ReadTrimmed():
                read.owner.read_trimmed()
            case _:
                assert_never(answer)
        self._advance(read.owner.shard_id)

    def _invocation_ended(self, invocation_id: str, outcome: Outcome) -> None:
        invocation = self._outbox.invocations.pop(invocation_id, None)
        if invocation is not None:
            self._outbox.answered(invocation_id)
            invocation.owner.invocation_ended(invocation.item, outcome)
            self._advance(invocation.owner.shard_id)

    def _destination_answered(self, answer: DestinationAnswered) -> None:
        delivery = self._outbox.deliveries.pop(answer.delivery_id, None)
        if delivery is not None:
            self._outbox.answered(answer.delivery_id)
            delivery.owner.delivery_answered(delivery.delivering, delivery.effect, delivered=answer.delivered)
            self._advance(delivery.owner.shard_id)

    def _timer_fired(self, timer_id: str) -> None:
        timer = self._outbox.timers.pop(timer_id, None)
        match timer:
            case None:
                pass
            case AwaitedLaneTimer():
                timer.owner.timer_fired(timer.reason)
                self._advance(timer.owner.shard_id)
            case AwaitedReadTimer():
                timer.owner.read_due()
                self._advance(timer.owner.shard_id)
            case AnswerOverdue():
                self._answer_overdue(timer.answer_id)
            case _:
                assert_never(timer)

    def _answer_overdue(self, answer_id: str) -> None:
        self._outbox.stop_watching(answer_id)
        if answer_id in self._outbox.deliveries:
            self._outbox.repeat_delivery(answer_id)
        else:
            self._invocation_ended(answer_id, NotInvoked(reason="no answer"))

    def _discover(self, happened: ShardsDiscovered) -> None:
        position = "TRIM_HORIZON" if self._started else self._terms.configuration.starting_position
        for shard in happened.shards:
            if shard.shard_id not in self._shards:
                reader = ShardReader(shard, position=position, terms=self._terms, outbox=self._outbox)
                self._shards[shard.shard_id] = reader
                self._unready[shard.shard_id] = reader
                if self._enabled:
                    reader.enable()
        if self._enabled:
            self._started = self._started or bool(self._shards)
            self._make_ready()

    def _enable(self) -> None:
        if self._enabled:
            return
        self._enabled = True
        self._started = bool(self._shards)
        for shard in self._shards.values():
            shard.enable()
        for shard_id in list(self._shards):
            self._advance(shard_id)
        self._make_ready()

    def _disable(self) -> None:
        if not self._enabled:
            return
        self._enabled = False
        for shard in self._shards.values():
            shard.disable()

    def _advance(self, shard_id: str) -> None:
        shard = self._shards[shard_id]
        shard.advance()
        if shard.finished:
            self._make_ready()

    def _make_ready(self) -> None:
        """Begin to read every shard whose known parents are finished."""
        for shard in list(self._unready.values()):
            parents = [self._shards[parent] for parent in shard.parents if parent in self._shards]
            if all(parent.finished for parent in parents):
                del self._unready[shard.shard_id]
                shard.make_ready()
                shard.advance()
