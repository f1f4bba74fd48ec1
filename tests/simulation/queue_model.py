"""A queue mapping under watch: each input goes to the core and to a model, and each effect must be the one expected.

Rules checked at every step: at most as many batches as the concurrency allows; a receipt in one batch at a time, run
once, under a lease that lasts; a message deleted if and only if it is done or filtered; a message group in one batch at
a time and in order; a repeat under the same lease with the same request id, after its back-off; a batch as large as it
can be, and as early as it may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from penstock.mapping.choices import Choices
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
from penstock.mapping.inputs import (
    InvocationEnded,
    MappingDisabled,
    MappingEnabled,
    MessagesReceived,
    QueueInput,
    ReceiveFailed,
    TimerFired,
)
from penstock.mapping.queue import QueueMapping
from tests.simulation.behaviour import Meaning
from tests.simulation.ledger import event_size
from tests.simulation.sent import Receipt, Sent
from tests.simulation.violation import Violation

UUID = "00000000-0000-4000-8000-000000000000"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111111111111:function:enrich:live"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:111111111111:enrich"


@dataclass(slots=True, kw_only=True, eq=False)
class _Batch:
    """Receipts that are handed over together."""

    receipts: Sequence[Receipt]
    lease_ends_at_ms: int
    request_id: str | None = None
    waits: int = 0

    @property
    def groups(self) -> set[str]:
        return {receipt.sent.group for receipt in self.receipts if receipt.sent.group is not None}


@dataclass(slots=True, kw_only=True, eq=False)
class _Timer:
    at_ms: int
    kind: Literal["gathering", "pause", "back-off", "deadline"]
    batch: _Batch | None = None
    invocation_id: str | None = None


class QueueModel:
    """A mapping and the model of it; ``seen`` collects what happened, for the table."""

    def __init__(
        self, configuration: QueueConfiguration, choices: Choices, *, seen: set[str], check_every: int = 1
    ) -> None:
        self.configuration = configuration
        self.choices = choices
        self.seen = seen
        self.sent: dict[str, Sent] = {}
        self.now_ms = 0
        self.enabled = False
        self.receive_id: str | None = None
        self.calls: dict[str, _Batch] = {}
        self.receipts: dict[str, Receipt] = {}
        self.steps = 0
        self._check_every = check_every
        self._ids = 0
        self._used_ids: set[str] = set()
        self._concurrency = min(choices.queue_concurrency, configuration.maximum_concurrency or 1_000)
        self._window_ms = configuration.maximum_batching_window_in_seconds * 1_000
        self._open: list[Receipt] = []
        self._closes_at_ms: int | None = None
        self._backing_off: list[_Batch] = []
        self._timers: dict[str, _Timer] = {}
        self._due: list[_Batch] = []
        self._receives: int | None = None
        self._cancels_receive: str | None = None
        self._deletes: set[str] = set()
        self._releases: dict[str, Receipt] = {}
        self._starts: list[_Timer] = []
        self._cancels: set[str] = set()
        self._expected_metrics: Counter[str] = Counter()
        self._metrics: Counter[str] = Counter()
        self.mapping = QueueMapping(
            configuration,
            uuid=UUID,
            function_arn=FUNCTION_ARN,
            event_source_arn=QUEUE_ARN,
            ids=self._new_id,
            choices=choices,
        )

    def happened(self, happened: QueueInput, now_ms: int, meaning: Meaning | None = None) -> list[QueueEffect]:
        """Give an input to both and compare; ``meaning`` is what the answer of an invocation means."""
        self.now_ms = now_ms
        self.steps += 1
        self._apply(happened, meaning)
        if self.enabled:
            self._advance()
        effects = self.mapping.handle(happened, now_ms=now_ms)
        self._compare(effects)
        if self.steps % self._check_every == 0:
            self.mapping.check()
        return effects

    def close(self) -> None:
        """Say that the world has come to rest: everything must be accounted for."""
        if self._timers:
            raise Violation("no timer is left at the end", str(self._timers))
        if self.calls or self._open or self._backing_off:
            raise Violation("nothing is held at the end")
        if not self.mapping.idle:
            raise Violation("the mapping is idle at the end")
        if self._metrics != self._expected_metrics:
            raise Violation("the metrics add up", f"{self._metrics} instead of {self._expected_metrics}")
        for sent in self.sent.values():
            if sent.end is None:
                raise Violation("every message is accounted for", sent.message_id)
            if sent.end == "deleted" and not sent.done:
                raise Violation("a message is deleted when it is done", sent.message_id)
        self.mapping.check()

    # --- inputs ---

    def _apply(self, happened: QueueInput, meaning: Meaning | None) -> None:
        match happened:
            case MessagesReceived() | ReceiveFailed():
                self._receive_answered(happened)
            case InvocationEnded():
                if meaning is None:
                    raise TypeError("an outcome without a meaning")
                self._invocation_ended(happened.invocation_id, meaning)
            case TimerFired():
                self._timer_fired(happened.timer_id)
            case MappingEnabled():
                self.enabled = True
            case MappingDisabled():
                self._switch_off()

    def _receive_answered(self, answer: MessagesReceived | ReceiveFailed) -> None:
        if answer.receive_id != self.receive_id:
            self.seen.add("answer to a receive that nobody awaits")
            return
        self.receive_id = None
        if isinstance(answer, ReceiveFailed):
            self._starts.append(_Timer(at_ms=self.now_ms + self.choices.read_retry_ms, kind="pause"))
            return
        self._counts("PolledEventCount", len(answer.messages))
        lease_ends_at_ms = self.now_ms + self.configuration.effective_visibility_timeout_seconds * 1_000
        filtered = []
        for message in answer.messages:
            receipt = Receipt(sent=self.sent[message.message_id], message=message, lease_ends_at_ms=lease_ends_at_ms)
            self.receipts[message.receipt_handle] = receipt
            if receipt.sent.relevant:
                self._open.append(receipt)
            else:
                filtered.append(receipt)
        if filtered:
            self.seen.add("filtered message deleted")
            self._counts("FilteredOutEventCount", len(filtered))
            self._delete(filtered)

    def _invocation_ended(self, invocation_id: str, meaning: Meaning) -> None:
        batch = self.calls.pop(invocation_id, None)
        if batch is None:
            self.seen.add("answer to an invocation that nobody awaits")
            return
        for timer_id, timer in self._timers.items():
            if timer.invocation_id == invocation_id:
                self._cancels.add(timer_id)
        if meaning.verdict == "not run":
            self._counts("FailedInvokeEventCount", len(batch.receipts))
            self._try_again(batch)
            return
        for receipt in batch.receipts:
            receipt.runs += 1
            if receipt.runs > 1:
                raise Violation("a message is handed over once under one receipt", receipt.message.receipt_handle)
        failed: Iterable[int] = meaning.failed
        if meaning.verdict != "done" and not meaning.failed:
            failed = range(len(batch.receipts))
        places = set(failed)
        kept = [receipt for place, receipt in enumerate(batch.receipts) if place in places]
        done = [receipt for place, receipt in enumerate(batch.receipts) if place not in places]
        if done:
            self._delete(done)
        if kept:
            self.seen.add("some messages of a batch fail" if done else "all messages of a batch fail")
            self._counts("FailedInvokeEventCount", len(batch.receipts))
            self._leave(kept)

    def _try_again(self, batch: _Batch) -> None:
        batch.waits += 1
        again_at_ms = self.now_ms + self.choices.backoff_ms(batch.waits)
        if not self.enabled:
            self._release(batch.receipts)
        elif again_at_ms >= batch.lease_ends_at_ms:
            self.seen.add("lease ends before the next attempt")
            self._leave(batch.receipts)
        else:
            self.seen.add("repeat under the same lease")
            for receipt in batch.receipts:
                receipt.where = "backing off"
            self._backing_off.append(batch)
            self._starts.append(_Timer(at_ms=again_at_ms, kind="back-off", batch=batch))

    def _timer_fired(self, timer_id: str) -> None:
        timer = self._timers.pop(timer_id, None)
        if timer is None:
            self.seen.add("timer that nobody awaits")
        elif timer.batch is not None:
            self._backing_off.remove(timer.batch)
            if self.now_ms < timer.batch.lease_ends_at_ms:
                self._due.append(timer.batch)
            else:
                self.seen.add("lease ends during the back-off")
                self._leave(timer.batch.receipts)
        elif timer.invocation_id is not None:
            self.seen.add("invocation given up for want of an answer")
            self._invocation_ended(timer.invocation_id, Meaning(verdict="not run", ran=False))

    def _switch_off(self) -> None:
        self.enabled = False
        if self.receive_id is not None:
            self._cancels_receive, self.receive_id = self.receive_id, None
        held = [*self._open, *(receipt for batch in self._backing_off for receipt in batch.receipts)]
        self._cancels |= {timer_id for timer_id, timer in self._timers.items() if timer.kind != "deadline"}
        if held:
            self.seen.add("held messages released when switched off")
        self._release(held)
        self._open, self._backing_off, self._closes_at_ms = [], [], None

    # --- what becomes of messages ---

    def _delete(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            receipt.where = "deleted"
            receipt.sent.done = True
            self._deletes.add(receipt.message.receipt_handle)
            self._counts("DeletedEventCount", 1)

    def _release(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            receipt.where = "released"
            self._releases[receipt.message.receipt_handle] = receipt

    def _leave(self, receipts: Iterable[Receipt]) -> None:
        """Leave messages to come back, and those of their groups that wait behind them."""
        groups = set()
        for receipt in receipts:
            receipt.where = "left"
            groups.add(receipt.sent.group)
        behind = [receipt for receipt in self._open if receipt.sent.group in groups and receipt.sent.group is not None]
        for receipt in behind:
            self.seen.add("messages behind a failed one of their group left")
            receipt.where = "left"
            self._open.remove(receipt)

    # --- what must follow ---

    def _busy(self) -> int:
        return len(self.calls) + len(self._backing_off) + len(self._due)

    def _advance(self) -> None:
        while self._open and self._busy() < self._concurrency:
            receipts = self._close()
            if not receipts:
                break
            lease_ends_at_ms = min(receipt.lease_ends_at_ms for receipt in receipts)
            self._stop_gathering()
            self._due.append(_Batch(receipts=receipts, lease_ends_at_ms=lease_ends_at_ms))
        if not self._open:
            self._closes_at_ms = None
            self._stop_gathering()
        elif self._closes_at_ms is not None and self._busy() < self._concurrency:
            timers = [timer.kind for timer_id, timer in self._timers.items() if timer_id not in self._cancels]
            if "gathering" not in timers:
                self._starts.append(_Timer(at_ms=self._closes_at_ms, kind="gathering"))
        self._expect_receive()

    def _stop_gathering(self) -> None:
        self._cancels |= {timer_id for timer_id, timer in self._timers.items() if timer.kind == "gathering"}

    def _close(self) -> list[Receipt]:
        lasting = [receipt for receipt in self._open if receipt.lease_ends_at_ms > self.now_ms]
        if len(lasting) < len(self._open):
            self.seen.add("lease ends before a batch is made")
        self._open = lasting
        batches = [*self.calls.values(), *self._backing_off, *self._due]
        busy = {group for batch in batches for group in batch.groups}
        ready = [receipt for receipt in lasting if receipt.sent.group not in busy]
        if len(ready) < len(lasting):
            self.seen.add("message waits for its group")
        size = len('{"Records":[]}') - 1
        batch: list[Receipt] = []
        for receipt in ready[: self.configuration.batch_size]:
            size += receipt.message.encoded_bytes + 1
            if size > self.choices.event_limit_bytes and batch:
                self.seen.add("batch closed by its size in bytes")
                break
            batch.append(receipt)
        if len(batch) < self.configuration.batch_size and len(batch) == len(ready):
            if not batch:
                return []
            if self._window_ms and self._closes_at_ms is None:
                self._closes_at_ms = self.now_ms + self._window_ms
            if self._closes_at_ms is not None and self.now_ms < self._closes_at_ms:
                return []
            if self._window_ms:
                self.seen.add("batch closed by its window")
        self._closes_at_ms = None
        self._open = [receipt for receipt in lasting if receipt not in batch]
        return batch

    def _expect_receive(self) -> None:
        room = self.configuration.batch_size - len(self._open) if self._window_ms or not self._open else 0
        wanted = room > 0 and self._busy() < self._concurrency
        if not wanted:
            if self.receive_id is not None:
                self._cancels_receive, self.receive_id = self.receive_id, None
        elif self.receive_id is None:
            paused = any(timer.kind == "pause" for timer in [*self._timers.values(), *self._starts])
            self._receives = None if paused else room

    # --- effects ---

    def _compare(self, effects: list[QueueEffect]) -> None:
        deadline_of: str | None = None
        for effect in effects:
            match effect:
                case RecordMetric():
                    self._metrics[effect.name] += effect.value
                case InvokeFunction():
                    self._invoked(effect)
                    deadline_of = effect.invocation_id
                case StartTimer():
                    self._timer_started(effect, deadline_of)
                    deadline_of = None
                case CancelTimer():
                    if effect.timer_id not in self._cancels:
                        raise Violation("a timer is cancelled when it is not needed", effect.timer_id)
                    self._cancels.remove(effect.timer_id)
                    del self._timers[effect.timer_id]
                case ReceiveMessages():
                    visibility = self.configuration.effective_visibility_timeout_seconds
                    if (effect.limit, effect.visibility_timeout_seconds) != (self._receives, visibility):
                        raise Violation("messages are received when there is room", f"{effect} {self._receives}")
                    self._receives, self.receive_id = None, effect.receive_id
                case CancelReceive():
                    if effect.receive_id != self._cancels_receive:
                        raise Violation("a receive is cancelled when there is no room", effect.receive_id)
                    self._cancels_receive = None
                case DeleteMessages():
                    for message in effect.messages:
                        if message.receipt_handle not in self._deletes:
                            raise Violation("a message is deleted when it is done", message.receipt_handle)
                        self._deletes.remove(message.receipt_handle)
                case ChangeVisibility():
                    for message in effect.messages:
                        if effect.visibility_timeout_seconds or message.receipt_handle not in self._releases:
                            raise Violation("a message is released when it is not wanted", message.receipt_handle)
                        del self._releases[message.receipt_handle]
        self._compare_rest()

    def _compare_rest(self) -> None:
        ended = [handle for handle, one in self._releases.items() if one.lease_ends_at_ms <= self.now_ms]
        for handle in ended:
            del self._releases[handle]
        if self._due:
            raise Violation("a batch that can be handed over is", str(self._due[0].receipts))
        if self._deletes:
            raise Violation("what is done or filtered is deleted", str(self._deletes))
        if self._releases:
            raise Violation("what is held is released when the mapping is switched off", str(list(self._releases)))
        if self._receives is not None:
            raise Violation("messages are received when there is room", str(self._receives))
        if self._cancels_receive is not None:
            raise Violation("a receive is cancelled when there is no room", self._cancels_receive)
        if self._starts:
            raise Violation("a timer is started where one is needed", str(self._starts))
        if self._cancels:
            raise Violation("a timer that is not needed any more is cancelled", str(self._cancels))

    def _invoked(self, effect: InvokeFunction) -> None:
        handles = [record.receipt_handle for record in effect.records]  # type: ignore[union-attr]
        batch = next((one for one in self._due if _handles(one) == handles), None)
        if batch is None:
            expected = [_handles(one) for one in self._due]
            raise Violation("a batch is made of the right messages", f"{handles} instead of {expected}")
        self._due.remove(batch)
        if batch.request_id is None:
            if effect.request_id in self._used_ids:
                raise Violation("a fresh batch has a request id of its own", effect.request_id)
            batch.request_id = effect.request_id
            self._used_ids.add(effect.request_id)
        elif effect.request_id != batch.request_id:
            raise Violation("a repeat has the request id of its batch", effect.request_id)
        if effect.attempt != batch.waits + 1:
            raise Violation("attempts are counted", str(effect.attempt))
        size = event_size(effect)
        if effect.event_bytes != size or effect.extras or (size > self.choices.event_limit_bytes and len(handles) > 1):
            raise Violation("an event of several messages is within the limit", f"{effect.event_bytes} {size}")
        self._counts("InvokedEventCount", len(handles))
        if len(handles) > self.configuration.batch_size:
            raise Violation("a batch holds at most BatchSize messages", str(len(handles)))
        self._hold(effect.invocation_id, batch)

    def _hold(self, invocation_id: str, batch: _Batch) -> None:
        busy = {group for other in self.calls.values() for group in other.groups}
        before: set[str] = set()
        for receipt in batch.receipts:
            sent = receipt.sent
            if receipt.lease_ends_at_ms <= self.now_ms:
                raise Violation("a message is handed over under a lease that lasts", receipt.message.receipt_handle)
            if receipt.where not in ("open", "backing off"):
                raise Violation("a receipt is in one batch", receipt.message.receipt_handle)
            receipt.where = "in flight"
            if sent.group in busy:
                raise Violation("a message group is in one batch at a time", str(sent.group))
            previous = sent.previous
            while previous is not None and (previous.done or previous.end is not None):
                previous = previous.previous
            if previous is not None and previous.message_id not in before:
                raise Violation("a message is handed over after those of its group before it", sent.message_id)
            before.add(sent.message_id)
        self.calls[invocation_id] = batch
        if len(self.calls) + len(self._backing_off) > self._concurrency:
            raise Violation("no more batches are in flight than the concurrency allows", str(len(self.calls)))
        if len(self.calls) > 1:
            self.seen.add("two batches of a queue in flight")

    def _timer_started(self, effect: StartTimer, deadline_of: str | None) -> None:
        if deadline_of is not None and self.choices.answer_deadline_ms is not None:
            if effect.at_ms != self.now_ms + self.choices.answer_deadline_ms:
                raise Violation("an answer has its deadline", str(effect))
            timer = _Timer(at_ms=effect.at_ms, kind="deadline", invocation_id=deadline_of)
        else:
            expected = next((timer for timer in self._starts if timer.at_ms == effect.at_ms), None)
            if expected is None:
                raise Violation("a timer is started for what the rules say", f"{effect}, {self._starts}")
            timer = expected
            self._starts.remove(timer)
        self._timers[effect.timer_id] = timer

    def _counts(self, name: str, value: int) -> None:
        if self.configuration.counts_events:
            self._expected_metrics[name] += value

    def _new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-9000-{self._ids:012d}"


def _handles(batch: _Batch) -> list[str]:
    return [receipt.message.receipt_handle for receipt in batch.receipts]
