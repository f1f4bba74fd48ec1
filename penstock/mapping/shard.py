"""A shard: reads in order, deals the records to its lanes, and keeps the checkpoint.

Rules:

* A shard is read after all its known parents are finished. A shard that the stream had when the mapping first started
  is read from the starting position, a later one from its oldest record.
* It is read when a lane waits for records, one read at a time; the answer may be held until there is something. When no
  lane waits any more, a held read is cancelled, so that the next batch is made of all that is readable by then.
* A source that cannot be read is tried again after a pause; no retry is spent. A position that retention took is
  replaced by the oldest record.
* The checkpoint is the end of the finished prefix: all records up to it are done, discarded or filtered out. With a
  factor above 1 it is the last record before the lowest that any lane has not finished.
* A closed shard is finished when every lane is drained, its tumbling window included.

States: *waiting for its parents*, *reading*, *pausing* (the source failed), *ended* (closed and read to its end, but
not all finished), *finished*.

Sources: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams"; AWS Lambda Developer Guide, "Using
AWS Lambda with Amazon DynamoDB". AWS does not say how a checkpoint moves: ours is the finished prefix.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from penstock.errors import BrokenInvariant
from penstock.mapping import metrics
from penstock.mapping.inputs import ReadFailed, RecordsRead, Shard, StreamRecord
from penstock.mapping.lane import Lane
from penstock.mapping.outbox import AwaitedReadTimer, Outbox
from penstock.mapping.story import Story
from penstock.mapping.terms import StreamTerms


class ShardReader:
    """Reads one shard for its lanes."""

    def __init__(
        self, shard: Shard, *, position: Literal["TRIM_HORIZON", "LATEST"], terms: StreamTerms, outbox: Outbox
    ) -> None:
        self.shard_id = shard.shard_id
        self.parents = frozenset(filter(None, (shard.parent_shard_id, shard.adjacent_parent_shard_id)))
        self.story = Story(terms.choices.story_length)
        self.source_problem: str | None = None
        """Why the source could not be read last time; ``None`` if it could."""
        self.checkpoint: str | None = None
        """Everything up to this sequence number is finished."""
        self._terms = terms
        self._outbox = outbox
        self._factor = terms.configuration.parallelization_factor
        self._lanes = tuple(
            Lane(number, shard_id=self.shard_id, terms=terms, outbox=outbox, story=self.story)
            for number in range(self._factor)
        )
        self._ready = False
        self._ended = False
        self._after: str | None = None
        self._position: Literal["TRIM_HORIZON", "LATEST"] = position
        self._read_id: str | None = None
        self._retry_timer: str | None = None
        self._dealt: deque[str] = deque()
        """Sequence numbers that the lanes share and that the checkpoint has not passed (factor above 1)."""
        self._checked_checkpoint = -1

    @property
    def finished(self) -> bool:
        """Whether the shard is closed and everything in it is finished."""
        return self._ended and all(lane.drained for lane in self._lanes)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight but a held read, and nothing is open."""
        return self._retry_timer is None and all(lane.idle for lane in self._lanes)

    def make_ready(self) -> None:
        """Let reading begin: the parents are finished."""
        self._ready = True

    def enable(self) -> None:
        """Let the shard work."""
        for lane in self._lanes:
            lane.enable()

    def disable(self) -> None:
        """Let nothing new begin; the position stays."""
        self._cancel_read()
        if self._retry_timer is not None:
            self._outbox.cancel_timer(self._retry_timer)
            self._retry_timer = None
        for lane in self._lanes:
            lane.disable()

    def advance(self) -> None:
        """Do everything that can be done now."""
        for lane in self._lanes:
            lane.advance()
        self._save_checkpoint()
        if self._ready and not self._ended:
            self._read_if_wanted()

    def records_read(self, answer: RecordsRead, *, waited: bool) -> None:
        """Take records, the end of the shard, or the certainty that there is nothing more."""
        self._read_id = None
        self.source_problem = None
        records = answer.records
        if records:
            self._after = records[-1].sequence_number
            self._deal(records)
            self.story.tell(self._outbox.now_ms, "reads {} records up to {}", len(records), self._after)
        else:
            self._after = answer.position or self._after
            self._outbox.count_events(metrics.POLLED, 0)
        if answer.shard_ended:
            self._ended = True
            self.story.tell(self._outbox.now_ms, "is closed and read to its end")
            for lane in self._lanes:
                lane.end()
        elif not records and not waited:
            for lane in self._lanes:
                lane.tip_reached()

    def read_failed(self, answer: ReadFailed) -> None:
        """Take a failure of the source: read again after a pause."""
        self._read_id = None
        self.source_problem = answer.reason
        self.story.tell(self._outbox.now_ms, "cannot be read: {}", answer.reason)
        self._retry_timer = self._outbox.start_timer(
            AwaitedReadTimer(owner=self), self._outbox.now_ms + self._terms.choices.read_retry_ms
        )

    def read_trimmed(self) -> None:
        """Take the loss of the position: go on at the oldest record."""
        self._read_id = None
        self._after = None
        self._position = "TRIM_HORIZON"
        self.story.tell(self._outbox.now_ms, "lost its position to retention and goes on at the oldest record")

    def read_due(self) -> None:
        """Take the end of the pause."""
        self._retry_timer = None

    def _read_if_wanted(self) -> None:
        if self._retry_timer is not None:
            return
        wanted = any(lane.wants_records for lane in self._lanes)
        if not wanted or self._backlog() >= self._terms.choices.read_ahead_limit:
            self._cancel_read()
            return
        wait = not any(lane.wants_tip for lane in self._lanes)
        if self._read_id is not None and self._outbox.reads[self._read_id].waits and not wait:
            self._cancel_read()
        if self._read_id is None:
            self._read_id = self._outbox.read(
                self, after_sequence_number=self._after, position=self._position, wait=wait
            )

    def _cancel_read(self) -> None:
        if self._read_id is not None:
            self._outbox.cancel_read(self._read_id)
            self._read_id = None

    def _backlog(self) -> int:
        return sum([lane.backlog for lane in self._lanes])

    def _deal(self, records: Sequence[StreamRecord]) -> None:
        """Give each record to the lane of its item."""
        if self._factor == 1:
            self._lanes[0].offer(records)
            return
        lane_of = self._terms.choices.lane_of
        hands: list[list[StreamRecord]] = [[] for _ in self._lanes]
        for record in records:
            hands[lane_of(record.item_key, self._factor)].append(record)
            self._dealt.append(record.sequence_number)
        for lane, hand in zip(self._lanes, hands, strict=True):
            lane.offer(hand)

    def _save_checkpoint(self) -> None:
        reached = self._lanes[0].position if self._factor == 1 else self._finished_prefix()
        if reached is not None and reached != self.checkpoint:
            self.checkpoint = reached
            self._outbox.save_checkpoint(self.shard_id, reached)

    def _finished_prefix(self) -> str | None:
        """Give the last sequence number before the lowest unfinished one, and forget those up to it."""
        lowest = [int(number) for lane in self._lanes if (number := lane.lowest_unfinished) is not None]
        limit = min(lowest, default=None)
        reached = self.checkpoint
        while self._dealt and (limit is None or int(self._dealt[0]) < limit):
            reached = self._dealt.popleft()
        return reached

    def check(self) -> None:
        """Assert what must hold between two inputs."""
        unfinished = [[int(record.sequence_number) for record in lane.unfinished] for lane in self._lanes]
        for numbers in unfinished:
            self._assert(numbers == sorted(set(numbers)), "the records of a lane are in order, each once")
        checkpoint = -1 if self.checkpoint is None else int(self.checkpoint)
        lowest = min((numbers[0] for numbers in unfinished if numbers), default=None)
        self._assert(lowest is None or checkpoint < lowest, "the checkpoint does not pass an unfinished record")
        self._assert(checkpoint >= self._checked_checkpoint, "the checkpoint does not go back")
        self._checked_checkpoint = checkpoint
        calling = sum(1 for awaited in self._outbox.invocations.values() if awaited.owner in self._lanes)
        self._assert(calling <= self._factor, "a shard has at most as many batches in flight as its factor")
        self._assert(
            self._lanes[0].enabled or (self._read_id is None and self._retry_timer is None),
            "a mapping that is switched off does not read",
        )

    def _assert(self, holds: bool, statement: str) -> None:
        if not holds:
            told = [line for _, line in self.story.lines(self.shard_id)]
            raise BrokenInvariant(f"{self.shard_id}: {statement}", told)
