"""What a shard must do: when it reads, from where, and how far its checkpoint is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.mapping.inputs import RecordsRead
from tests.simulation.entry import Entry
from tests.simulation.lane_model import LaneModel

if TYPE_CHECKING:
    from tests.simulation.stream_model import StreamModel


class ShardModel:
    """The lanes of one shard, what they were dealt, and the read that is awaited."""

    def __init__(self, model: StreamModel, shard_id: str, *, parents: tuple[str, ...], position: str) -> None:
        self.model = model
        self.shard_id = shard_id
        self.parents = parents
        self.ready = False
        self.ended = False
        self.after: str | None = None
        self.position = position
        self.read_id: str | None = None
        self.read_waits = True
        self.pause_timer: str | None = None
        self.paused = False
        self.problem: str | None = None
        self.entries: list[Entry] = []
        self.checkpoint: str | None = None
        self._finished = 0
        self._factor = model.terms.factor
        self.lanes = [LaneModel(self, number) for number in range(self._factor)]

    @property
    def finished(self) -> bool:
        """Whether the shard is closed and everything in it is finished."""
        return self.ended and all(lane.drained for lane in self.lanes)

    def unfinished(self, lane: int) -> list[Entry]:
        """Give what a lane was dealt and has not finished, in order."""
        return [entry for entry in self.entries[self._finished :] if entry.fate is None and entry.lane == lane]

    # --- what happens ---

    def records_read(self, answer: RecordsRead) -> None:
        """Take what was read."""
        self.problem = None
        waited, self.read_id = self.read_waits, None
        if answer.records:
            self._deal(answer)
        elif answer.position is not None:
            if self.after is None and self.position == "LATEST":
                self.model.skip(self.shard_id, answer.position)
            self.after = answer.position
        if not answer.records:
            self.model.counts("PolledEventCount", 0)
        self.ended = answer.shard_ended
        tip_reached = not (answer.records or answer.shard_ended or waited)
        for lane in self.lanes:
            lane.tip_reached = tip_reached
        self.advance()
        for lane in self.lanes:
            lane.tip_reached = False

    def _deal(self, answer: RecordsRead) -> None:
        known, choices = self.model.ledger.entries, self.model.choices
        entries = [known[record.sequence_number] for record in answer.records]
        self.model.ledger.read(self.shard_id, entries)
        self.after = answer.records[-1].sequence_number
        self.entries += entries
        for entry in entries:
            entry.lane = choices.lane_of(entry.record.item_key, self._factor) if self._factor > 1 else 0
            self.lanes[entry.lane].backlog.append(entry)

    def read_failed(self, reason: str) -> None:
        """Take a failure of the source."""
        self.problem = reason
        self.read_id = None
        self.paused = True
        self.model.starts_timer(self.model.now_ms + self.model.choices.read_retry_ms, "pause", self)
        self.advance()

    def read_trimmed(self) -> None:
        """Take the loss of the position."""
        self.read_id, self.after, self.position = None, None, "TRIM_HORIZON"
        self.advance()

    def switch_off(self) -> None:
        """Stop to read, and let the lanes put back what is not in flight."""
        self._cancel_read()
        if self.pause_timer is not None:
            self.model.cancels_timer(self.pause_timer)
        self.pause_timer, self.paused = None, False
        for lane in self.lanes:
            lane.switch_off()

    # --- what must follow ---

    def advance(self) -> None:
        """Let the lanes go on, then see to checkpoint and read."""
        if self.model.enabled:
            for lane in self.lanes:
                lane.advance()
        self._expect_checkpoint()
        if self.model.enabled and self.ready and not self.ended and not self.paused:
            self._expect_read()
        if self.ended:
            self.model.shard_may_be_finished(self)

    def _expect_checkpoint(self) -> None:
        entries, finished = self.entries, self._finished
        while finished < len(entries) and entries[finished].fate is not None:
            finished += 1
        self._finished = finished
        reached = self.lanes[0].position if self._factor == 1 else entries[finished - 1] if finished else None
        if reached is not None and reached.record.sequence_number != self.checkpoint:
            self.checkpoint = reached.record.sequence_number
            self.model.saves_checkpoint(self.shard_id, self.checkpoint)

    def _expect_read(self) -> None:
        free = any(lane.free for lane in self.lanes)
        if not free or sum([len(lane.backlog) for lane in self.lanes]) >= self.model.choices.read_ahead_limit:
            if free:
                self.model.seen.add("reading pauses for the backlog")
            self._cancel_read()
            return
        waits = not self.lanes[0].wants_tip
        if self.read_id is not None and self.read_waits and not waits:
            self._cancel_read()
        if self.read_id is None:
            self.read_waits = waits
            self.model.reads(self)

    def _cancel_read(self) -> None:
        if self.read_id is not None:
            self.model.cancels_read(self.read_id)
            self.read_id = None
