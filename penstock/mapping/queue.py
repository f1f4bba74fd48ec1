"""The event source mapping of an SQS queue, as a state machine without IO.

Rules:

* Messages are received while a batch more may be in flight: at most ``Choices.queue_concurrency`` and
  MaximumConcurrency, whichever is less. One receive at a time; its answer may be held until a message is visible.
* Filtered messages are deleted at once, the others gather (``penstock.mapping.message_batch``).
* Success deletes the whole batch, a partial answer all but the messages it names. After anything else nothing is
  deleted: the messages come back when their visibility timeout ends, received once more, and the queue's redrive policy
  ends it.
* A batch whose function was not invoked is tried again under the same lease, after a back-off, as long as the lease
  lasts; then it is left to come back.
* A FIFO queue keeps back the groups that are in flight; messages that were received and did not fit into a batch wait
  until those of their group before them are done, and are left to come back if those fail.
* A mapping that is switched off finishes what runs and makes all else that it holds visible again.

States: *disabled* (at first), *enabled*; each batch is *gathering* (one), *in flight* or *backing off*. An enabled
mapping with nothing to do holds one receive and no timer.

Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"; redrive, partial answers and filters as recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from penstock.errors import BrokenInvariant
from penstock.mapping import metrics
from penstock.mapping.choices import DEFAULT_CHOICES, Choices
from penstock.mapping.configuration import QueueConfiguration
from penstock.mapping.effects import (
    CancelReceive,
    CancelTimer,
    ChangeVisibility,
    DeleteMessages,
    InvokeFunction,
    QueueEffect,
    ReceiveMessages,
    RecordMetric,
    StartTimer,
)
from penstock.mapping.event import event_bytes
from penstock.mapping.filters import compile_filters
from penstock.mapping.inputs import (
    FunctionError,
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    MessagesReceived,
    NotInvoked,
    Outcome,
    PayloadRefused,
    QueueInput,
    QueueMessage,
    ReceiveFailed,
    Returned,
    TimerFired,
)
from penstock.mapping.message_batch import MessageBatch, OpenMessages
from penstock.mapping.responses import ALL_DONE, AllDone, AllFailed, Report, SomeFailed, read_report
from penstock.mapping.story import Story


@dataclass(frozen=True, slots=True)
class BatchingWindowEnds:
    """The open batch closes."""


@dataclass(frozen=True, slots=True)
class ReceiveDue:
    """A queue that could not be read is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOffEnds:
    """A batch may be tried again."""

    batch: MessageBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOverdue:
    """An invocation was not answered in time."""

    invocation_id: str


QueueTimer = BatchingWindowEnds | ReceiveDue | BackOffEnds | AnswerOverdue


class QueueMapping:
    """Receives the messages of a queue and hands them to a function."""

    def __init__(
        self,
        configuration: QueueConfiguration,
        *,
        uuid: str,
        function_arn: str,
        event_source_arn: str,
        ids: Callable[[], str],
        choices: Choices = DEFAULT_CHOICES,
    ) -> None:
        """Make a mapping; ``ids`` gives a fresh UUID each time it is called. Raises InvalidPattern for a bad filter."""
        self.uuid = uuid
        self.function_arn = function_arn
        self.event_source_arn = event_source_arn
        self._configuration = configuration
        self._choices = choices
        self._ids = ids
        self._passes = compile_filters(configuration.filters, source="sqs") if configuration.filters else None
        self._concurrency = min(
            choices.queue_concurrency, configuration.maximum_concurrency or choices.queue_concurrency
        )
        self._now_ms = 0
        self._effects: list[QueueEffect] = []
        self._story = Story(choices.story_length)
        self._last_number = 0
        self._enabled = False
        self._receive_id: str | None = None
        self._open = OpenMessages(configuration=configuration, choices=choices)
        self._in_flight: dict[str, MessageBatch] = {}
        self._timers: dict[str, QueueTimer] = {}
        self._deadlines: dict[str, str] = {}

    def handle(self, happened: QueueInput, *, now_ms: int) -> list[QueueEffect]:
        """Take in what happened and tell what to do, in order."""
        self._now_ms = now_ms
        self._effects = []
        match happened:
            case MessagesReceived():
                if happened.receive_id == self._receive_id:
                    self._received(happened.messages)
            case InvocationEnded():
                self._invocation_ended(happened.invocation_id, happened.outcome)
            case TimerFired():
                self._timer_fired(happened.timer_id)
            case ReceiveFailed():
                if happened.receive_id == self._receive_id:
                    self._receive_failed(happened.reason)
            case MappingEnabled():
                self._enabled = True
            case MappingDisabled():
                self._disable()
            case _:
                assert_never(happened)
        self._advance()
        return self._effects

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight but a held receive, and no batch is open."""
        return not (self._in_flight or self._timers or len(self._open))

    def story(self, shard_id: str | None = None) -> list[str]:
        """Tell what happened; a queue has no shards, the argument is there for streams."""
        return [line for _, line in self._story.lines(shard_id or "queue")]

    def check(self) -> None:
        """Assert the invariants; raise BrokenInvariant with the story."""
        batches = [*self._in_flight.values(), *self._backing_off()]
        self._assert(len(batches) <= self._concurrency, "no more batches are in flight than the concurrency allows")
        held = [message for batch in batches for message in batch.messages] + self._open.messages
        handles = [message.receipt_handle for message in held]
        self._assert(len(handles) == len(set(handles)), "a received message is in one batch alone")
        groups = [group for batch in batches if batch.lease_ends_at_ms > self._now_ms for group in batch.groups]
        self._assert(len(groups) == len(set(groups)), "a message group is in one batch alone")
        self._assert(
            self._enabled or not (self._receive_id or len(self._open) or self._backing_off()),
            "a mapping that is switched off holds only what runs",
        )

    def _received(self, messages: tuple[QueueMessage, ...]) -> None:
        self._receive_id = None
        self._count(metrics.POLLED, len(messages))
        if not messages:
            return
        passing = messages
        if self._passes is not None:
            judged = [(message, self._passes(message.body)) for message in messages]
            passing = tuple(message for message, passes in judged if passes)
            dropped = tuple(message for message, passes in judged if not passes)
            if dropped:
                self._count(metrics.FILTERED_OUT, len(dropped))
                self._delete(dropped)
        self._tell("receives {} messages, {} pass the filters", len(messages), len(passing))
        lease_ends_at_ms = self._now_ms + self._configuration.effective_visibility_timeout_seconds * 1_000
        self._open.add(passing, lease_ends_at_ms)

    def _receive_failed(self, reason: str) -> None:
        self._receive_id = None
        self._tell("cannot be read: {}", reason)
        self._start_timer(ReceiveDue(), self._now_ms + self._choices.read_retry_ms)

    def _invocation_ended(self, invocation_id: str, outcome: Outcome) -> None:
        batch = self._in_flight.pop(invocation_id, None)
        if batch is None:
            return
        deadline = self._deadlines.pop(invocation_id, None)
        if deadline is not None:
            self._cancel_timer(deadline)
        match outcome:
            case Returned():
                self._returned(batch, outcome)
            case FunctionError():
                self._tell("the function failed: {}", outcome.kind)
                self._leave(batch)
            case PayloadRefused():
                self._tell("the payload was refused")
                self._leave(batch)
            case NotInvoked():
                self._tell("the function was not invoked: {}", outcome.reason)
                self._count(metrics.FAILED_INVOKE, len(batch.messages))
                self._try_again(replace(batch, waits=batch.waits + 1))
            case _:
                assert_never(outcome)

    def _returned(self, batch: MessageBatch, answer: Returned) -> None:
        report = self._judge(batch, answer)
        match report:
            case AllDone():
                self._tell("the function returned")
                self._delete(batch.messages)
            case SomeFailed():
                self._tell("the function reported {} messages", len(report.item_identifiers))
                kept = tuple(message for message in batch.messages if message.message_id in report.item_identifiers)
                done = tuple(message for message in batch.messages if message.message_id not in report.item_identifiers)
                if done:
                    self._delete(done)
                self._count(metrics.FAILED_INVOKE, len(batch.messages))
                self._let_follow(replace(batch, messages=kept))
            case AllFailed():
                self._tell("the function's answer fails the whole batch")
                self._leave(batch)
            case _:
                assert_never(report)

    def _judge(self, batch: MessageBatch, answer: Returned) -> Report:
        if not self._configuration.reports_batch_item_failures:
            return ALL_DONE
        return read_report(
            answer.payload,
            {message.message_id for message in batch.messages},
            empty_entry_fails=self._choices.empty_queue_entry_fails,
        )

    def _leave(self, batch: MessageBatch) -> None:
        """Leave a failed batch to come back when its lease ends."""
        self._count(metrics.FAILED_INVOKE, len(batch.messages))
        self._let_follow(batch)

    def _let_follow(self, batch: MessageBatch) -> None:
        """Leave the messages that wait behind a failed one of their group to come back after it."""
        self._open.forget_groups(batch.groups)

    def _try_again(self, batch: MessageBatch) -> None:
        """Keep the lease of a batch that was not handed over, or leave it if the lease ends before the next attempt."""
        again_at_ms = self._now_ms + self._choices.backoff_ms(batch.waits)
        if not self._enabled:
            self._release(batch.messages)
        elif again_at_ms >= batch.lease_ends_at_ms:
            self._tell("leaves {} messages to come back", len(batch.messages))
            self._let_follow(batch)
        else:
            self._start_timer(BackOffEnds(batch=batch), again_at_ms)

    def _timer_fired(self, timer_id: str) -> None:
        timer = self._timers.pop(timer_id, None)
        match timer:
            case None | BatchingWindowEnds() | ReceiveDue():
                pass
            case BackOffEnds():
                self._back_off_ended(timer.batch)
            case AnswerOverdue():
                del self._deadlines[timer.invocation_id]
                self._invocation_ended(timer.invocation_id, NotInvoked(reason="no answer"))
            case _:
                assert_never(timer)

    def _back_off_ended(self, batch: MessageBatch) -> None:
        if self._now_ms < batch.lease_ends_at_ms:
            self._invoke(batch)
        else:
            self._let_follow(batch)

    def _disable(self) -> None:
        self._enabled = False
        if self._receive_id is not None:
            self._effects.append(CancelReceive(receive_id=self._receive_id))
            self._receive_id = None
        held = self._open.messages
        for timer_id, timer in list(self._timers.items()):
            if isinstance(timer, BackOffEnds):
                held += timer.batch.messages
            if not isinstance(timer, AnswerOverdue):
                self._cancel_timer(timer_id)
        self._open.clear()
        if held:
            self._release(held)

    def _advance(self) -> None:
        """Do everything that can be done now."""
        if not self._enabled:
            return
        while len(self._open) and self._busy() < self._concurrency:
            batch = self._close_batch()
            if batch is None:
                break
            self._invoke(batch)
        room = self._open.room if self._busy() < self._concurrency else 0
        if not room:
            self._cancel_receive()
        elif self._receive_id is None and not self._timers_of(ReceiveDue):
            self._receive_id = self._new_id("receive")
            self._effects.append(
                ReceiveMessages(
                    receive_id=self._receive_id,
                    limit=room,
                    visibility_timeout_seconds=self._configuration.effective_visibility_timeout_seconds,
                )
            )

    def _close_batch(self) -> MessageBatch | None:
        """Make a batch of the open messages; ``None`` while they gather or wait for their group."""
        batches = (*self._in_flight.values(), *self._backing_off())
        leased = self._open.close(self._now_ms, busy_groups={group for batch in batches for group in batch.groups})
        timers = self._timers_of(BatchingWindowEnds)
        if self._open.closes_at_ms is None:
            for timer_id in timers:
                self._cancel_timer(timer_id)
        elif not timers:
            self._start_timer(BatchingWindowEnds(), self._open.closes_at_ms)
        if not leased:
            return None
        return MessageBatch(
            request_id=self._ids(),
            messages=tuple(one.message for one in leased),
            lease_ends_at_ms=min(one.lease_ends_at_ms for one in leased),
        )

    def _invoke(self, batch: MessageBatch) -> None:
        invocation_id = self._new_id("invocation")
        self._in_flight[invocation_id] = batch
        self._count(metrics.INVOKED, len(batch.messages))
        self._tell("calls with {} messages, attempt {}", len(batch.messages), batch.waits + 1)
        self._effects.append(
            InvokeFunction(
                invocation_id=invocation_id,
                request_id=batch.request_id,
                records=batch.messages,
                extras={},
                event_bytes=event_bytes(batch.messages),
                attempt=batch.waits + 1,
            )
        )
        if self._choices.answer_deadline_ms is not None:
            self._deadlines[invocation_id] = self._start_timer(
                AnswerOverdue(invocation_id=invocation_id), self._now_ms + self._choices.answer_deadline_ms
            )

    def _delete(self, messages: tuple[QueueMessage, ...]) -> None:
        self._effects.append(DeleteMessages(messages=messages))
        self._count(metrics.DELETED, len(messages))

    def _release(self, messages: Iterable[QueueMessage]) -> None:
        self._effects.append(ChangeVisibility(messages=tuple(messages), visibility_timeout_seconds=0))

    def _count(self, name: str, messages: int) -> None:
        if self._configuration.counts_events:
            self._effects.append(RecordMetric(name=name, value=messages))

    def _cancel_receive(self) -> None:
        if self._receive_id is not None:
            self._effects.append(CancelReceive(receive_id=self._receive_id))
            self._receive_id = None

    def _start_timer(self, timer: QueueTimer, at_ms: int) -> str:
        timer_id = self._new_id("timer")
        self._timers[timer_id] = timer
        self._effects.append(StartTimer(timer_id=timer_id, at_ms=at_ms))
        return timer_id

    def _cancel_timer(self, timer_id: str) -> None:
        del self._timers[timer_id]
        self._effects.append(CancelTimer(timer_id=timer_id))

    def _timers_of(self, kind: type[BatchingWindowEnds | ReceiveDue]) -> list[str]:
        return [timer_id for timer_id, timer in self._timers.items() if isinstance(timer, kind)]

    def _backing_off(self) -> list[MessageBatch]:
        return [timer.batch for timer in self._timers.values() if isinstance(timer, BackOffEnds)]

    def _busy(self) -> int:
        return len(self._in_flight) + len(self._backing_off())

    def _new_id(self, kind: str) -> str:
        self._last_number += 1
        return f"{kind}-{self._last_number}"

    def _tell(self, sentence: str, *details: object) -> None:
        self._story.tell(self._now_ms, sentence, *details)

    def _assert(self, holds: bool, statement: str) -> None:
        if not holds:
            raise BrokenInvariant(f"queue: {statement}", self.story())
