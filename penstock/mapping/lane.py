"""A lane of a shard: it calls the function with one batch at a time, in order, and settles what fails.

A shard has as many lanes as its parallelization factor; the records of one item always share a lane.

Rules:

* Before each call, records that are too old leave the front of the item: before its first call each is reported by
  itself, later together, with ``RecordAgeExceeded`` and no response context. Without an age limit the stream's
  retention takes them, which nobody is told.
* A function error, an answer that fails the whole batch and a refused payload spend a retry; a function that was not
  invoked spends none. Between repeats of an item there is a back-off, cut short where its oldest record grows too old.
* BisectBatchOnFunctionError: a failed item of two records or more is halved at once, the smaller half first, and no
  retry is spent; each half is a fresh item, finished with all its descendants before the next is called.
* ReportBatchItemFailures: what precedes the earliest record reported is done; the rest is a fresh item, called at once.
  A report of the first record is an ordinary failure.
* An item out of retries is discarded whole. The lane goes on when the destination has answered, whatever it said.
* Tumbling windows: an answer must have ``state``, but for that of a final call. A window gets its final call when a
  record of a later window is at hand, when the shard has ended, or when it is over and a read finds nothing more.

States: *waiting* (nothing to do, or gathering an open batch), *calling* (an invocation is in flight), *backing off* (a
timer runs), *delivering* (on-failure records are in flight). A lane that is switched off finishes what is in flight and
puts everything else back, as if unread.

Sources: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"; retries, partial answers, record age and
on-failure records as recorded on AWS, order of bisect and windows as captured (``tests/conformance``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from penstock.mapping import metrics
from penstock.mapping.destination import Condition, Discard
from penstock.mapping.effects import DeliverToDestination
from penstock.mapping.event import event_bytes, extras_bytes
from penstock.mapping.inputs import (
    FunctionError,
    NotInvoked,
    Outcome,
    PayloadRefused,
    Returned,
    StreamRecord,
)
from penstock.mapping.open_batch import OpenBatch
from penstock.mapping.outbox import (
    CALL_FAILED,
    PROCESSED,
    AwaitedLaneTimer,
    BackOffEnds,
    BatchingWindowEnds,
    Delivering,
    LaneTimer,
    Outbox,
    TumblingWindowEnds,
)
from penstock.mapping.responses import ALL_DONE, ALL_FAILED, AllDone, AllFailed, Report, SomeFailed, read_report
from penstock.mapping.shard_window import ShardWindow
from penstock.mapping.story import Story
from penstock.mapping.terms import StreamTerms
from penstock.mapping.windows import TumblingWindow
from penstock.mapping.work import Purpose, WorkItem

_NO_EXTRAS: Mapping[str, Any] = {}


class Lane:
    """One batch at a time, in order."""

    def __init__(self, number: int, *, shard_id: str, terms: StreamTerms, outbox: Outbox, story: Story) -> None:
        self.number = number
        self.shard_id = shard_id
        self.position: str | None = None
        """Sequence number up to which everything that this lane took is finished."""
        self.enabled = False
        self._terms = terms
        self._configuration = terms.configuration
        self._age_limit_ms = terms.age_limit_ms
        self._outbox = outbox
        self._story = story
        self._window = ShardWindow(self, terms=terms, outbox=outbox)
        self._batch = OpenBatch(self, self._window, terms=terms, outbox=outbox)
        self._ended = False
        self._work: list[WorkItem] = []
        """Items that wait, the next last."""
        self._calling: WorkItem | None = None
        self._backing_off: tuple[str, WorkItem] | None = None
        self._delivering: Delivering | None = None

    @property
    def waiting(self) -> bool:
        """Whether nothing is in flight and nothing backs off."""
        return self._calling is None and self._backing_off is None and self._delivering is None

    @property
    def wants_records(self) -> bool:
        """Whether a read is welcome: the lane waits, perhaps with an open batch."""
        return self.enabled and self.waiting

    @property
    def wants_tip(self) -> bool:
        """Whether only the certainty that the shard is read to its tip is missing for the final call of a window."""
        return self.wants_records and self._window.over and not self._batch.records

    @property
    def backlog(self) -> int:
        """How many records wait to be taken."""
        return len(self._batch.backlog)

    @property
    def drained(self) -> bool:
        """Whether everything that was read is finished and no window is open."""
        return self.waiting and self._window.open is None and self.lowest_unfinished is None

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight and, unless it is switched off, nothing is left to do."""
        return self.waiting and (self.drained or not self.enabled)

    @property
    def unfinished(self) -> list[StreamRecord]:
        """Every record that is read and not finished, in order."""
        return [record for records in self._unfinished_in_order() for record in records]

    @property
    def lowest_unfinished(self) -> str | None:
        """The sequence number of the first record that is not finished."""
        return next((records[0].sequence_number for records in self._unfinished_in_order() if records), None)

    def offer(self, records: Sequence[StreamRecord]) -> None:
        """Leave records that were read, in order."""
        self._batch.backlog += records

    def end(self) -> None:
        """Say that nothing follows what was offered."""
        self._ended = True

    def enable(self) -> None:
        """Let the lane work."""
        self.enabled = True

    def disable(self) -> None:
        """Let nothing new begin: what is not in flight goes back to the backlog, to be taken afresh."""
        self.enabled = False
        if self._backing_off is not None:
            timer_id, item = self._backing_off
            self._outbox.cancel_timer(timer_id)
            self._backing_off = None
            self._work.append(item)
        self._window.stop_watching()
        self._put_back()

    def tip_reached(self) -> None:
        """Take note that the shard holds nothing more: an idle window that is over gets its final call."""
        if self.wants_tip:
            self._begin(self._fresh_item((), "final"))

    def advance(self) -> None:
        """Do everything that can be done now."""
        while self.enabled and self.waiting:
            if self._window.oversized:
                self._begin(self._fresh_item((), "early"))
            elif self._work:
                self._begin(self._work.pop())
            elif self._batch.takes_more:
                self._batch.take()
            elif self._batch.records:
                item = self._next_item()
                if item is None:
                    return
                self._begin(item)
            elif self._ended and self._window.open is not None:
                self._begin(self._fresh_item((), "final"))
            else:
                self.position = self._batch.taken_through
                self._window.watch()
                return

    def _next_item(self) -> WorkItem | None:
        """Give the next batch, or first the final call of the window it leaves; ``None`` while the batch gathers."""
        window = self._window
        if window.open is not None and window.of(self._batch.records[0]) is not window.open:
            return self._fresh_item((), "final")
        records = self._batch.close()
        return self._fresh_item(records) if records else None

    def _fresh_item(self, records: tuple[StreamRecord, ...], purpose: Purpose = "records") -> WorkItem:
        return WorkItem(
            request_id=self._terms.ids(), records=records, created_at_ms=self._outbox.now_ms, purpose=purpose
        )

    def _begin(self, item: WorkItem) -> None:
        """Call the function with an item, unless it is too old or still backs off."""
        now_ms = self._outbox.now_ms
        if now_ms - item.oldest_at_ms > self._age_limit_ms:
            self._expire(item)
        elif now_ms < item.not_before_ms:
            due_ms = min(item.not_before_ms, item.oldest_at_ms + self._age_limit_ms + 1)
            awaited = AwaitedLaneTimer(owner=self, reason=BackOffEnds(item=item))
            self._backing_off = (self._outbox.start_timer(awaited, due_ms), item)
        else:
            self._call(item)

    def _call(self, item: WorkItem) -> None:
        window = self._window_of(item)
        extras = _NO_EXTRAS if window is None else self._window.extras(item.purpose, window)
        self._window.open = window
        self._calling = item
        if item.records:
            first, last = item.records[0].sequence_number, item.records[-1].sequence_number
            self._tell("calls with {} records {}..{}, attempt {}", len(item.records), first, last, item.waits + 1)
        else:
            self._tell("makes the {} call of its window, attempt {}", item.purpose, item.waits + 1)
        size = event_bytes(item.records, extras_bytes(extras))
        self._outbox.invoke(self, item, extras=extras, event_bytes=size)

    def _expire(self, item: WorkItem) -> None:
        """Take the records that are too old from the front of an item, and report them."""
        horizon_ms = self._outbox.now_ms - self._age_limit_ms
        expired = 0
        for record in item.records:
            if record.created_at_ms >= horizon_ms:
                break
            expired += 1
        gone, rest = item.records[:expired], item.records[expired:]
        then = replace(item, records=rest) if rest else None
        item = replace(item, records=gone)
        self._tell("{} records are too old", expired)
        if not self._terms.reports_age:
            self._settle(item, then)
        elif gone and item.waits == 0:
            ids = self._terms.ids
            self._give_up(item, [self._discard(item, (record,), ids(), "RecordAgeExceeded") for record in gone], then)
        else:
            self._give_up(item, [self._discard(item, gone, item.request_id, "RecordAgeExceeded")], then)

    def invocation_ended(self, item: WorkItem, outcome: Outcome) -> None:
        """Take the outcome of the invocation in flight."""
        self._calling = None
        tried = replace(item, waits=item.waits + 1, last_outcome=outcome)
        match outcome:
            case Returned():
                self._returned(tried, outcome.payload)
            case FunctionError():
                self._failed(tried, f"the function failed: {outcome.kind}")
            case PayloadRefused():
                self._failed(tried, "the payload was refused")
            case NotInvoked():
                self._outbox.processing_result = CALL_FAILED
                self._tell("the function was not invoked: {}", outcome.reason)
                self._count_failed(tried)
                self._repeat(tried)
            case _:
                assert_never(outcome)
        if not self.enabled:
            self._put_back()

    def _returned(self, item: WorkItem, payload: Any) -> None:
        report = self._judge(item, payload)
        match report:
            case AllDone():
                self._outbox.processing_result = PROCESSED
                self._tell("the function returned")
                self._keep_state(item, payload)
                self._settle(item)
            case SomeFailed():
                named = report.item_identifiers
                first = next(i for i, record in enumerate(item.records) if record.sequence_number in named)
                if first == 0:
                    self._failed(item, "the function reported its first record", result=PROCESSED)
                else:
                    self._partly_done(item, first, payload)
            case AllFailed():
                self._failed(item, "the function's answer fails the whole batch")
            case _:
                assert_never(report)

    def _judge(self, item: WorkItem, payload: Any) -> Report:
        if item.purpose != "records":
            return ALL_DONE
        if self._window.length_ms and not (isinstance(payload, dict) and "state" in payload):
            return ALL_FAILED
        if not self._configuration.reports_batch_item_failures:
            return ALL_DONE
        return read_report(payload, {record.sequence_number for record in item.records})

    def _partly_done(self, item: WorkItem, first: int, payload: Any) -> None:
        """Settle what precedes the first record reported; the rest is a fresh item."""
        self._outbox.processing_result = PROCESSED
        self._tell("the function reported record {}", item.records[first].sequence_number)
        self._count_failed(item)
        self._keep_state(item, payload)
        self._settle(replace(item, records=item.records[:first]), self._fresh_item(item.records[first:]))

    def _failed(self, item: WorkItem, what: str, *, result: str = CALL_FAILED) -> None:
        """Halve an item, repeat it, or give it up; the attempt is counted here."""
        self._outbox.processing_result = result
        self._tell(what)
        self._count_failed(item)
        limit = self._configuration.maximum_retry_attempts
        counted = replace(item, calls=item.calls + 1)
        if self._configuration.bisect_batch_on_function_error and len(item.records) > 1:
            half = len(item.records) // 2
            self._tell("bisects {} records", len(item.records))
            self._work.append(self._fresh_item(item.records[half:]))
            self._work.append(self._fresh_item(item.records[:half]))
        elif limit is not None and counted.calls > limit:
            self._tell("gives up after {} calls", counted.calls)
            self._give_up(
                counted, [self._discard(counted, item.records, item.request_id, "RetryAttemptsExhausted")], None
            )
        else:
            self._repeat(counted)

    def _repeat(self, item: WorkItem) -> None:
        wait_ms = self._terms.choices.backoff_ms(item.waits)
        later = replace(item, not_before_ms=self._outbox.now_ms + wait_ms)
        if self.enabled:
            self._begin(later)
        else:
            self._work.append(later)

    def _count_failed(self, item: WorkItem) -> None:
        if item.records:
            self._outbox.count_events(metrics.FAILED_INVOKE, len(item.records))

    def _settle(self, item: WorkItem, then: WorkItem | None = None) -> None:
        """Take note that an item is finished, and with a final call its window; ``then`` comes next."""
        if item.records:
            self.position = item.records[-1].sequence_number
        if item.purpose != "records":
            self._window.close()
        if then is not None:
            self._work.append(then)

    def _discard(
        self, item: WorkItem, records: tuple[StreamRecord, ...], request_id: str, condition: Condition
    ) -> Discard:
        too_old = condition == "RecordAgeExceeded"
        window = self._window_of(replace(item, records=records))
        return Discard(
            condition=condition,
            request_id=request_id,
            invoke_count=item.calls + 1 if too_old else item.calls,
            records=records,
            answered=None if too_old else item.answered,
            extras=_NO_EXTRAS if window is None else self._window.extras(item.purpose, window),
            time_window_info=None if window is None else window.info(item.purpose),
        )

    def _give_up(self, item: WorkItem, discards: list[Discard], then: WorkItem | None) -> None:
        """Report records to the destination, and settle them when it has answered."""
        destination_arn = self._configuration.on_failure_destination
        if destination_arn is not None:
            self._delivering = Delivering(item, then=then)
            for discard in discards:
                self._outbox.deliver(self, discard, self._delivering, destination_arn=destination_arn)
            return
        if item.records and self._terms.choices.count_drops_without_destination:
            self._outbox.count_events(metrics.DROPPED, len(item.records))
        self._settle(item, then)

    def delivery_answered(self, delivering: Delivering, effect: DeliverToDestination, *, delivered: bool) -> None:
        """Take the destination's answer; what it refused is lost."""
        if delivered:
            self._outbox.count_events(metrics.DELIVERED_ON_FAILURE, effect.records)
        else:
            self._outbox.measure(metrics.DELIVERY_FAILURES, 1)
            self._outbox.count_events(metrics.DROPPED, effect.records)
        self._tell("the destination {} {} records", "took" if delivered else "refused", effect.records)
        delivering.awaited.discard(effect.delivery_id)
        if delivering.awaited:
            return
        self._delivering = None
        self._settle(delivering.item, delivering.then)
        if not self.enabled:
            self._put_back()

    def timer_fired(self, reason: LaneTimer) -> None:
        """Take a timer of this lane."""
        match reason:
            case BatchingWindowEnds():
                self._batch.timer_fired()
            case TumblingWindowEnds():
                self._window.timer_fired()
            case BackOffEnds():
                self._backing_off = None
                self._begin(reason.item)
            case _:
                assert_never(reason)

    def _window_of(self, item: WorkItem) -> TumblingWindow | None:
        """Give the window of an item: that of its first record, for a final call the open one."""
        if self._window.length_ms and item.records:
            return self._window.of(item.records[0])
        return self._window.open

    def _keep_state(self, item: WorkItem, payload: Any) -> None:
        if item.purpose == "records":
            self._window.keep_state(payload)

    def _put_back(self) -> None:
        """Put everything that is not in flight back to the front of the backlog."""
        self._batch.put_back([record for item in reversed(self._work) for record in item.records])
        self._work = []

    def _unfinished_in_order(self) -> list[Sequence[StreamRecord]]:
        items = [self._calling, self._backing_off[1] if self._backing_off is not None else None]
        if self._delivering is not None:
            items += [self._delivering.item, self._delivering.then]
        items += reversed(self._work)
        return [*(item.records for item in items if item is not None), self._batch.records, self._batch.backlog]

    def _tell(self, sentence: str, *details: object) -> None:
        if self._configuration.parallelization_factor > 1:
            sentence, details = f"lane {{}} {sentence}", (self.number, *details)
        self._story.tell(self._outbox.now_ms, sentence, *details)
