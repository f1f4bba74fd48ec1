"""The shell around the mapping core: next input → ``handle`` → perform each effect → put the answer back.

Nothing of a mapping's policy lives here. Reads and receives are held until there is something to answer, so a
quiet mapping costs nothing and keeps no timer.
"""

from __future__ import annotations

import asyncio
import functools
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, assert_never

from penstock.cloud.clock import Clock, Timer
from penstock.cloud.doings import Doing, doing
from penstock.cloud.engine import EngineError
from penstock.cloud.faults.deliveries import FaultyInvocations
from penstock.cloud.queues import Queues, Receive
from penstock.cloud.streams import ReadableStream
from penstock.mapping import effects, inputs
from penstock.mapping.event import encode_event
from penstock.mapping.queue import QueueMapping
from penstock.mapping.stream import StreamMapping
from penstock.runtime.functions import Functions
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled, TooLarge
from penstock.story.facts import BatchInvoked, CheckpointSaved, Fact, FailureDelivered, MessagesDeleted, ignore
from penstock.template.models import EventSourceMapping

RecordMetric = Callable[[EventSourceMapping, effects.RecordMetric], None]
"""Add to a metric of a mapping."""

Deliver = Callable[[effects.DeliverToDestination], Awaitable[None]]
"""Write an on-failure record to its destination; raises `EngineError` when it is not taken."""


class Rights(Protocol):
    """What the mapping may do as the function's role; each answer is why not, or ``None``."""

    def read_denial(self) -> str | None:
        """Why the source cannot be read."""

    def delete_denial(self) -> str | None:
        """Why messages cannot be deleted."""


class _Shell:
    """What both kinds of mapping share: inbox, timers, invocations, metrics."""

    def __init__(
        self,
        definition: EventSourceMapping,
        mapping: StreamMapping | QueueMapping,
        *,
        rights: Rights,
        functions: Functions,
        clock: Clock,
        faults: FaultyInvocations,
        record_metric: RecordMetric = lambda *_: None,
        tell: Callable[[Fact], None] = ignore,
    ) -> None:
        self.definition = definition
        self.mapping = mapping
        self._rights = rights
        self._readable = True
        self._record_metric = record_metric
        self._functions = functions
        self._label = functions.label(definition.function_arn)
        self._clock = clock
        self._faults = faults
        self._tell = tell
        self._inbox: deque[inputs.StreamInput | inputs.QueueInput] = deque()
        self._draining = False
        self._closed = False
        self._timers: dict[str, Timer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def happened(self, happened: inputs.StreamInput | inputs.QueueInput) -> None:
        """Take in what happened and perform what follows from it; once closed, nothing does."""
        if self._closed:
            return
        self._inbox.append(happened)
        if self._draining:
            return
        self._draining = True
        try:
            while self._inbox:
                todo = self.mapping.handle(self._inbox.popleft(), now_ms=self._clock.now_ms())  # type: ignore[arg-type]
                for effect in todo:
                    self._perform(effect)
        finally:
            self._draining = False

    async def close(self) -> None:
        """Forget timers and what is on its way."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _perform(self, effect: effects.StreamEffect | effects.QueueEffect) -> None:
        raise NotImplementedError

    def _start_timer(self, effect: effects.StartTimer) -> None:
        def fire() -> None:
            del self._timers[effect.timer_id]
            self.happened(inputs.TimerFired(timer_id=effect.timer_id))

        name = f"{effect.timer_id} of {self.definition.logical_id}"
        # A source that cannot be read is tried again, but nothing is known to come of it: no reason to jump.
        self._timers[effect.timer_id] = self._clock.call_at(
            effect.at_ms, fire, background=not self._readable, name=name
        )

    def _cancel_timer(self, effect: effects.CancelTimer) -> None:
        timer = self._timers.pop(effect.timer_id, None)
        if timer is not None:
            timer.cancel()

    def _go(self, work: Coroutine[Any, Any, inputs.StreamInput | inputs.QueueInput], name: str) -> None:
        """Start what takes time; its result is the next input. Until that is handled it counts as in flight."""

        async def run() -> None:
            self.happened(await work)

        self._clock.begin(name)
        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._done, name))
        task.add_done_callback(lambda _: work.close())  # one that was cancelled before it began never ran it

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._clock.end(name)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler({"message": "event source mapping", "exception": error})

    async def _invoke(self, effect: effects.InvokeFunction) -> inputs.InvocationEnded:
        payload = encode_event(effect.records, effect.extras).encode()
        result = await self._hand_over(effect, payload, request_id=effect.request_id)
        if isinstance(result, Answer | Failure):
            result = await self._delivered_again(effect, payload, result)
        outcome: inputs.Outcome
        match result:
            case Answer():
                outcome = inputs.Returned(
                    payload=json.loads(result.payload or b"null"), executed_version=result.executed_version
                )
            case Failure():
                outcome = inputs.FunctionError(kind=result.kind, executed_version=result.executed_version)
            case Throttled():
                outcome = inputs.NotInvoked(reason=result.reason)
            case TooLarge():
                outcome = inputs.PayloadRefused()
            case _:
                assert_never(result)
        return inputs.InvocationEnded(invocation_id=effect.invocation_id, outcome=outcome)

    async def _delivered_again(
        self, effect: effects.InvokeFunction, payload: bytes, first: InvocationResult
    ) -> InvocationResult:
        """Deliver the batch a second time where the fault script says so, and give the answer that counts."""
        redelivery = self._faults.redelivery(self._label, effect.request_id, payload)
        if redelivery is None:
            return first
        second = await self._hand_over(
            effect, payload, request_id=self._request_id_again(effect.request_id), again=True
        )
        return first if redelivery == "counted" else second

    async def _hand_over(
        self, effect: effects.InvokeFunction, payload: bytes, *, request_id: str, again: bool = False
    ) -> InvocationResult:
        self._tell(
            BatchInvoked(
                at_ms=self._clock.now_ms(),
                mapping=self.definition.logical_id,
                function=self._label,
                request_id=request_id,
                shard_id=effect.shard_id or "",
                items=tuple([_item_identifier(record) for record in effect.records]),
                again=again,
                window=effect.extras.get("window", {}).get("start", ""),
                purpose=_purpose(effect.extras),
            )
        )
        return await self._functions.invoke(
            self.definition.function_arn, payload, request_id=request_id, records=len(effect.records)
        )

    def _request_id_again(self, request_id: str) -> str:
        """The request id of a batch that is delivered again: the same, as for any retry."""
        return request_id


def _item_identifier(record: inputs.StreamRecord | inputs.QueueMessage) -> str:
    return record.sequence_number if isinstance(record, inputs.StreamRecord) else record.message_id


def _purpose(extras: Mapping[str, Any]) -> str:
    """Why a function is called: with records, at the end of a window, or since its state grew too large."""
    if extras.get("isFinalInvokeForWindow"):
        return "final"
    return "early" if extras.get("isWindowTerminatedEarly") else "records"


class StreamShell(_Shell):
    """A running mapping of a table stream."""

    def __init__(
        self,
        definition: EventSourceMapping,
        mapping: StreamMapping,
        *,
        stream: ReadableStream,
        rights: Rights,
        functions: Functions,
        clock: Clock,
        faults: FaultyInvocations,
        deliver: Deliver,
        record_metric: RecordMetric = lambda *_: None,
        tell: Callable[[Fact], None] = ignore,
    ) -> None:
        super().__init__(
            definition,
            mapping,
            rights=rights,
            functions=functions,
            clock=clock,
            faults=faults,
            record_metric=record_metric,
            tell=tell,
        )
        self._stream = stream
        self._deliver = deliver
        self._held: dict[str, effects.ReadRecords] = {}
        self._woken = False
        self._shards: tuple[inputs.Shard, ...] = ()
        self.checkpoints: dict[str, str] = {}

    def start(self) -> None:
        """Begin to read, if the mapping is enabled."""
        self._stream.on_write(self._wake)
        self._discover()
        if self.definition.configuration.enabled:
            self.happened(inputs.MappingEnabled())

    def _discover(self) -> None:
        self._shards = self._stream.shards
        self.happened(inputs.ShardsDiscovered(shards=self._shards))

    def _wake(self) -> None:
        if not self._woken and (self._held or self._shards != self._stream.shards):
            self._woken = True
            asyncio.get_running_loop().call_soon(self._read_held)

    def _read_held(self) -> None:
        self._woken = False
        if self._shards != self._stream.shards:
            self._discover()
        held, self._held = self._held, {}
        for effect in held.values():
            self._read(effect)

    def _read(self, effect: effects.ReadRecords) -> None:
        denial = self._rights.read_denial()
        self._readable = denial is None
        if denial is not None:
            self.happened(inputs.ReadFailed(read_id=effect.read_id, reason=denial))
            return
        stream, shard_id, after = self._stream, effect.shard_id, effect.after_sequence_number
        if after is None and effect.position == "LATEST":
            self.happened(inputs.RecordsRead(read_id=effect.read_id, records=(), position=stream.tip(shard_id)))
            return
        records = stream.read(shard_id, after, effect.limit)
        ended = stream.ends_at(shard_id, records[-1].sequence_number if records else after)
        if records or ended or not (effect.wait or stream.behind):
            self.happened(inputs.RecordsRead(read_id=effect.read_id, records=records, shard_ended=ended))
        else:
            self._held[effect.read_id] = effect

    def _perform(self, effect: effects.StreamEffect | effects.QueueEffect) -> None:
        match effect:
            case effects.ReadRecords():
                self._read(effect)
            case effects.CancelRead():
                self._held.pop(effect.read_id, None)
            case effects.InvokeFunction():
                self._go(self._invoke(effect), "invocation")
            case effects.DeliverToDestination():
                self._go(self._deliver_on_failure(effect), "on-failure delivery")
            case effects.SaveCheckpoint():
                self.checkpoints[effect.shard_id] = effect.sequence_number
                self._tell(
                    CheckpointSaved(
                        at_ms=self._clock.now_ms(),
                        mapping=self.definition.logical_id,
                        shard_id=effect.shard_id,
                        sequence_number=effect.sequence_number,
                    )
                )
            case effects.StartTimer():
                self._start_timer(effect)
            case effects.CancelTimer():
                self._cancel_timer(effect)
            case effects.RecordMetric():
                self._record_metric(self.definition, effect)
            case _:
                raise AssertionError(f"no effect of a stream mapping: {effect}")

    async def _deliver_on_failure(self, effect: effects.DeliverToDestination) -> inputs.DestinationAnswered:
        reason = ""
        with doing(caller=self._label) as what:
            if self._faults.refusal(self._label, effect.body):
                reason = "refused by the fault script"
            else:
                try:
                    await self._deliver(effect)
                except EngineError as refusal:
                    reason = str(refusal)
        self._tell_failure(effect, what, error=reason)
        return inputs.DestinationAnswered(delivery_id=effect.delivery_id, delivered=not reason, reason=reason)

    def _tell_failure(self, effect: effects.DeliverToDestination, what: Doing, *, error: str) -> None:
        record = json.loads(effect.body)
        context, batch = record["requestContext"], record["DDBStreamBatchInfo"]
        self._tell(
            FailureDelivered(
                at_ms=self._clock.now_ms(),
                mapping=self.definition.logical_id,
                shard_id=batch["shardId"],
                destination=effect.destination_arn,
                condition=context["condition"],
                batch_request_id=context["requestId"],
                first=batch.get("startSequenceNumber", ""),
                last=batch.get("endSequenceNumber", ""),
                records=effect.records,
                error=error,
                faults=tuple(what.faults),
                made=tuple(what.made),
            )
        )


class QueueShell(_Shell):
    """A running mapping of a queue."""

    def __init__(
        self,
        definition: EventSourceMapping,
        mapping: QueueMapping,
        *,
        queues: Queues,
        rights: Rights,
        functions: Functions,
        clock: Clock,
        faults: FaultyInvocations,
        record_metric: RecordMetric = lambda *_: None,
        tell: Callable[[Fact], None] = ignore,
    ) -> None:
        super().__init__(
            definition,
            mapping,
            rights=rights,
            functions=functions,
            clock=clock,
            faults=faults,
            record_metric=record_metric,
            tell=tell,
        )
        self._queues = queues
        self._receives: dict[str, Receive] = {}

    def start(self) -> None:
        """Begin to receive, if the mapping is enabled."""
        if self.definition.configuration.enabled:
            self.happened(inputs.MappingEnabled())

    def _request_id_again(self, request_id: str) -> str:
        """A queue's messages that come again are received again: a batch of its own."""
        return str(uuid.uuid5(uuid.UUID(request_id), "again"))

    def _perform(self, effect: effects.StreamEffect | effects.QueueEffect) -> None:
        source = self.definition.event_source_arn
        match effect:
            case effects.ReceiveMessages():
                self._receive(effect)
            case effects.CancelReceive():
                receive = self._receives.pop(effect.receive_id, None)
                if receive is not None:
                    receive.cancel()
            case effects.InvokeFunction():
                self._go(self._invoke(effect), "invocation")
            case effects.DeleteMessages():
                if self._rights.delete_denial() is None:
                    self._queues.delete(source, effect.messages)
                    self._tell(
                        MessagesDeleted(
                            at_ms=self._clock.now_ms(),
                            mapping=self.definition.logical_id,
                            items=tuple([message.message_id for message in effect.messages]),
                        )
                    )
            case effects.ChangeVisibility():
                self._queues.change_visibility(source, effect.messages, effect.visibility_timeout_seconds)
            case effects.StartTimer():
                self._start_timer(effect)
            case effects.CancelTimer():
                self._cancel_timer(effect)
            case effects.RecordMetric():
                self._record_metric(self.definition, effect)
            case _:
                raise AssertionError(f"no effect of a queue mapping: {effect}")

    def _receive(self, effect: effects.ReceiveMessages) -> None:
        denial = self._rights.read_denial()
        self._readable = denial is None
        if denial is not None:
            self.happened(inputs.ReceiveFailed(receive_id=effect.receive_id, reason=denial))
            return

        def answer(messages: tuple[inputs.QueueMessage, ...]) -> None:
            self._receives.pop(effect.receive_id, None)
            self.happened(inputs.MessagesReceived(receive_id=effect.receive_id, messages=messages))

        receive = self._queues.receive(
            self.definition.event_source_arn,
            limit=effect.limit,
            visibility_timeout_seconds=effect.visibility_timeout_seconds,
            answer=answer,
        )
        if not receive.answered:
            self._receives[effect.receive_id] = receive
