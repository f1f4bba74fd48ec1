"""The open batch of a lane: records are offered, taken, filtered, and closed into batches.

Rules:

* Records that were offered wait in the *backlog*. They are taken when the lane has none open, or, with a batching
  window, while fewer than BatchSize are open; at most ``Choices.read_limit`` at once, as one read. Records that pass no
  filter are dropped then and there: they neither count for BatchSize nor open the batching window.
* Window 0: what one read gave goes as batches of at most BatchSize, at once. Else the open records gather until there
  are BatchSize of them or the window is over. It opens with the first of them or, if some are left over, as the last
  invocation ends.
* A batch also closes before the record that would push its event over 6 MB (a larger record goes alone, and will be
  refused), before a record of another tumbling window, and when its own tumbling window is over.

Sources: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", polling and batching; seen on AWS: with
BatchSize 2 and a window of 5 s, five records come as 2, 2 and, 4.99 s later, 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.mapping import metrics
from penstock.mapping.event import event_bytes, extras_bytes
from penstock.mapping.inputs import StreamRecord
from penstock.mapping.outbox import AwaitedLaneTimer, BatchingWindowEnds, LaneOwner, Outbox
from penstock.mapping.shard_window import ShardWindow
from penstock.mapping.terms import StreamTerms


class OpenBatch:
    """What a lane has read and not yet begun to work on."""

    def __init__(self, owner: LaneOwner, window: ShardWindow, *, terms: StreamTerms, outbox: Outbox) -> None:
        self.backlog: list[StreamRecord] = []
        """Offered and not taken, in order."""
        self.records: list[StreamRecord] = []
        """Taken, passed the filters, not in a batch; in order and before the backlog."""
        self.taken_through: str | None = None
        """Sequence number of the last record taken."""
        self._owner = owner
        self._window = window
        self._terms = terms
        self._outbox = outbox
        self._size = terms.configuration.batch_size
        self._window_ms = terms.batching_window_ms
        self._closes_at_ms: int | None = None
        self._timer: str | None = None

    @property
    def takes_more(self) -> bool:
        """Whether there is a backlog, and room for it."""
        return bool(self.backlog) and (not self.records or (self._window_ms > 0 and len(self.records) < self._size))

    def take(self) -> None:
        """Take what is in the backlog, as one read: count and filter it."""
        limit = self._terms.choices.read_limit
        records = self.backlog[:limit]
        del self.backlog[:limit]
        last = records[-1].sequence_number
        if self.taken_through is None or int(last) > int(self.taken_through):
            # What was put back and is taken anew may end before records that were filtered since.
            self.taken_through = last
        self._outbox.count_events(metrics.POLLED, len(records))
        passes = self._terms.passes
        if passes is not None:
            read = len(records)
            records = [record for record in records if passes(record.body)]
            if len(records) < read:
                self._outbox.count_events(metrics.FILTERED_OUT, read - len(records))
        self.records += records

    def close(self) -> tuple[StreamRecord, ...]:
        """Give the next batch; empty while the open records, of which there must be some, still gather."""
        batch = self.records[: self._size]
        full = len(batch) == self._size
        ending = min(self._same_window(batch), self._fitting(batch))
        if not full and ending == len(batch) and not self._gathered():
            return ()
        del batch[ending:]
        del self.records[:ending]
        self._closes_at_ms = None
        self._cancel_timer()
        return tuple(batch)

    def put_back(self, records: Sequence[StreamRecord]) -> None:
        """Begin anew: these records, then the open ones, are the front of the backlog."""
        self.backlog = [*records, *self.records, *self.backlog]
        self.records = []
        self._closes_at_ms = None
        self._cancel_timer()

    def timer_fired(self) -> None:
        """Take note that the timer has fired."""
        self._timer = None

    def _gathered(self) -> bool:
        """Tell whether the batching window is over; open it, if it is not open. One of no length is over at once."""
        now_ms = self._outbox.now_ms
        if self._closes_at_ms is None:
            self._closes_at_ms = now_ms + self._window_ms
            if self._window.length_ms:
                over_ms = self._window.closes_at_ms(self.records[0])
                if now_ms < over_ms:
                    self._closes_at_ms = min(self._closes_at_ms, over_ms)
        if now_ms >= self._closes_at_ms:
            return True
        if self._timer is None:
            awaited = AwaitedLaneTimer(owner=self._owner, reason=BatchingWindowEnds())
            self._timer = self._outbox.start_timer(awaited, self._closes_at_ms)
        return False

    def _same_window(self, batch: list[StreamRecord]) -> int:
        """Tell how many of these records share the tumbling window of the first."""
        if self._window.length_ms:
            end_ms = self._window.of(batch[0]).end_ms
            for index, record in enumerate(batch):
                if record.created_at_ms >= end_ms:
                    return index
        return len(batch)

    def _fitting(self, batch: list[StreamRecord]) -> int:
        """Tell how many of these records fit into one event; at least one."""
        extra = 0
        if self._window.length_ms:
            extra = extras_bytes(self._window.extras("records", self._window.of(batch[0])))
        room = self._terms.choices.event_limit_bytes - event_bytes((), extra)
        needed = -1
        for index, record in enumerate(batch):
            needed += 1 + record.encoded_bytes
            if needed > room:
                return max(index, 1)
        return len(batch)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._outbox.cancel_timer(self._timer)
            self._timer = None
