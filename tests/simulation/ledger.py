"""What became of every record, and the rules that hold whatever the mapping is configured to.

It sees what is handed over and what ends how; it knows nothing of lanes, work items or back-off. Rules: a record has
one fate; a change of an item is handed over after every earlier one is done, or right behind it in the same batch; an
item is in one batch at a time; a shard has at most factor batches in flight, none larger than allowed; an attempt more
than the retries allow is never made; a checkpoint neither passes an unfinished record nor goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import InvokeFunction
from penstock.mapping.event import encode_event
from tests.simulation.entry import Entry, Fate
from tests.simulation.violation import Violation


class Ledger:
    """Keeps the fates; raises Violation at the first that breaks a rule."""

    def __init__(self, configuration: StreamConfiguration, *, event_limit_bytes: int) -> None:
        self.entries: dict[str, Entry] = {}
        self._configuration = configuration
        self._event_limit_bytes = event_limit_bytes
        self._in_flight: dict[str, int] = {}
        self._items: dict[int, str] = {}
        self._spent: dict[str, int] = {}
        self._read: dict[str, list[Entry]] = {}
        self._finished: dict[str, int] = {}
        self._checkpoints: dict[str, int] = {}

    def read(self, shard_id: str, entries: Iterable[Entry]) -> None:
        """Take note of records that the core has read."""
        in_order = self._read.setdefault(shard_id, [])
        for entry in entries:
            if entry.read or (in_order and entry.index <= in_order[-1].index):
                raise Violation("a record is read once, in order", entry.record.sequence_number)
            entry.read = True
            in_order.append(entry)

    def hand_over(self, effect: InvokeFunction, entries: Sequence[Entry]) -> None:
        """Take note of an invocation."""
        shard_id = effect.shard_id or ""
        in_flight = self._in_flight.get(shard_id, 0) + 1
        if in_flight > self._configuration.parallelization_factor:
            raise Violation("a shard has at most factor batches in flight", shard_id)
        self._in_flight[shard_id] = in_flight
        if len(entries) > self._configuration.batch_size:
            raise Violation("a batch holds at most BatchSize records", str(len(entries)))
        if len(entries) > 1 and effect.event_bytes > self._event_limit_bytes:
            raise Violation("an event of several records is within the limit", str(effect.event_bytes))
        limit = self._configuration.maximum_retry_attempts
        if limit is not None and self._spent.get(effect.request_id, 0) > limit:
            raise Violation("no attempt is made beyond the retries", effect.request_id)
        for entry in entries:
            self._hold(entry, effect.invocation_id)

    def _hold(self, entry: Entry, invocation_id: str) -> None:
        number = entry.record.sequence_number
        if entry.fate is not None:
            raise Violation("a finished record is not handed over again", f"{number} {entry.fate}")
        if self._items.setdefault(entry.item, invocation_id) != invocation_id:
            raise Violation("an item is in one batch at a time", number)
        before = entry.previous
        while before is not None and before.fate is None and not before.read and before.trimmed:
            before = before.previous
        if before is not None and before.fate is None and before.holder != invocation_id:
            raise Violation("a change is handed over after the earlier ones of its item", number)
        entry.holder = invocation_id

    def take_back(self, shard_id: str, entries: Sequence[Entry], request_id: str, *, spent: bool) -> None:
        """Take note that an invocation is no longer awaited; ``spent`` says whether it used a retry."""
        self._in_flight[shard_id] -= 1
        if spent:
            self._spent[request_id] = self._spent.get(request_id, 0) + 1
        for entry in entries:
            entry.holder = None
            self._items.pop(entry.item, None)

    def finish(self, entries: Iterable[Entry], fate: Fate) -> None:
        """Give records their fate."""
        for entry in entries:
            if entry.fate is not None:
                raise Violation("a record ends once", f"{entry.record.sequence_number} {entry.fate} {fate}")
            entry.fate = fate

    def exhausted(self, request_id: str) -> None:
        """Take note that a work item is discarded for want of retries."""
        limit = self._configuration.maximum_retry_attempts
        if limit is None or self._spent.get(request_id, 0) != limit + 1:
            raise Violation("a discard comes after exactly one attempt more than the retries", request_id)

    def checkpoint(self, shard_id: str, sequence_number: str) -> None:
        """Take note of a checkpoint."""
        read = self._read.get(shard_id, [])
        finished = self._finished.get(shard_id, 0)
        while finished < len(read) and read[finished].fate is not None:
            finished += 1
        self._finished[shard_id] = finished
        number = int(sequence_number)
        if finished < len(read) and number >= int(read[finished].record.sequence_number):
            raise Violation("the checkpoint does not pass an unfinished record", f"{shard_id} {sequence_number}")
        if number <= self._checkpoints.get(shard_id, -1):
            raise Violation("the checkpoint does not go back", f"{shard_id} {sequence_number}")
        self._checkpoints[shard_id] = number

    def close(self) -> None:
        """Account for every record, and for the last checkpoint of every shard."""
        for entry in self.entries.values():
            if entry.fate is None:
                if entry.read or not entry.trimmed:
                    raise Violation("every record is accounted for", f"{entry.record.sequence_number} {entry}")
                entry.fate = "trimmed"
        if any(self._in_flight.values()) or self._items:
            raise Violation("nothing is in flight at the end")
        for shard_id, read in self._read.items():
            if self._checkpoints.get(shard_id) != int(read[-1].record.sequence_number):
                raise Violation("the last checkpoint is the last record", shard_id)


def event_size(effect: InvokeFunction) -> int:
    """Measure the event of an invocation, the slow and certain way."""
    return len(encode_event(effect.records, effect.extras).encode())
