"""The stream of a table at another endpoint, followed from its first record and kept here for the mappings.

One follower reads all shards, whatever number of mappings reads the stream here. It asks four times a second, as
Lambda does, and all the time while records are *due*: a call that changes items makes as many records due, before it
is sent. What is due counts as in flight, so a jumping clock does not jump past a record on its way. A call may also
change nothing (or be refused for a part), and the endpoint does not say so: two seconds of wall time after the last
such call nothing is due any more. Our choice: so long may an endpoint take to show a record.

A shard iterator that fails is replaced by a fresh one at the same place. DynamoDB Local refuses one that was taken
before the first write, once, with ``TrimmedDataAccessException``.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from penstock.cloud.clock import Clock
from penstock.cloud.engine import EngineError
from penstock.cloud.external_tables.endpoint import STREAMS, Endpoint
from penstock.cloud.external_tables.translation import Translation, lambda_record
from penstock.cloud.streams import record_of
from penstock.errors import EnvironmentProblem
from penstock.mapping.inputs import Shard, StreamRecord

BASE_SECONDS: Final = 0.25
DUE_SECONDS: Final = 0.01
PATIENCE_SECONDS: Final = 2.0
TOLERATED_FAILURES: Final = 10
READ_LIMIT: Final = 1000


class _ShardCopy:
    """What was read of one shard."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.records: list[StreamRecord] = []
        self.numbers: list[int] = []
        self.iterator: str | None = None
        self.trimmed = False
        """Whether the place after the last record is lost."""
        self.closed = False

    def after(self, sequence_number: str | None) -> int:
        """Index of the first record after a sequence number."""
        return 0 if sequence_number is None else bisect_right(self.numbers, int(sequence_number))


class ExternalStream:
    """A `ReadableStream` whose records come from an endpoint."""

    def __init__(self, *, arn: str, arn_there: str, endpoint: Endpoint, translation: Translation, clock: Clock) -> None:
        """``arn`` is the template's, ``arn_there`` the endpoint's."""
        self.arn = arn
        self._arn_there = arn_there
        self._endpoint = endpoint
        self._translation = translation
        self._clock = clock
        self._activity = f"records of {arn.split('/')[1]}"
        self._copies: dict[str, _ShardCopy] = {}
        self._readers: list[Callable[[], object]] = []
        self._witnesses: list[Callable[[str, StreamRecord], object]] = []
        self._due = 0
        self._calls = 0
        self._due_until = 0.0
        self._wanted = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None

    # --- for readers ---

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards found so far, parents before their children."""
        return tuple(copy.shard for copy in self._copies.values())

    @property
    def behind(self) -> bool:
        """Whether records are due."""
        return self._due > 0

    def on_record(self, witness: Callable[[str, StreamRecord], object]) -> None:
        """Call ``witness`` with each record as it is seen."""
        self._witnesses.append(witness)

    def on_write(self, reader: Callable[[], object]) -> None:
        """Call ``reader`` at new records, at new shards, and when nothing is due any more."""
        self._readers.append(reader)

    def read(self, shard_id: str, after: str | None, limit: int) -> tuple[StreamRecord, ...]:
        """Records after a sequence number, or from the oldest."""
        copy = self._copies[shard_id]
        start = copy.after(after)
        return tuple(copy.records[start : start + limit])

    def tip(self, shard_id: str) -> str:
        """The sequence number of the newest record; ``"0"`` before the first."""
        numbers = self._copies[shard_id].numbers
        return str(numbers[-1]) if numbers else "0"

    def ends_at(self, shard_id: str, after: str | None) -> bool:
        """Whether the shard is closed and nothing follows."""
        copy = self._copies[shard_id]
        return copy.closed and copy.after(after) == len(copy.records)

    # --- for writers ---

    @contextmanager
    def expecting(self, count: int) -> Iterator[Callable[[], None]]:
        """Say that a call is on its way that changes ``count`` items at most.

        What this gives is to be called if the call turns out to have changed none.
        """
        self._calls += 1
        self._due += count
        if self._due == count:
            self._clock.begin(self._activity)
        try:
            yield lambda: self._arrived(count)
        finally:
            self._calls -= 1
            self._due_until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            self._wanted.set()

    # --- the follower ---

    async def start(self) -> None:
        """Find the shards and follow them from now on, in the background."""
        await self._discover()
        self._follower = asyncio.get_running_loop().create_task(self._follow())
        self._follower.add_done_callback(_tell_the_loop)

    async def close(self) -> None:
        """Follow no more."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)

    async def _follow(self) -> None:
        failures = 0
        while True:
            try:
                found = await self._read_all()
                failures = 0
                if not found:
                    self._lose_patience()
            except (EngineError, EnvironmentProblem) as error:
                found = False
                failures += 1
                if failures > TOLERATED_FAILURES:
                    raise EnvironmentProblem(
                        f"the stream {self._arn_there} cannot be read at {self._endpoint.url}: {error}; "
                        "look whether that endpoint still runs"
                    ) from error
            if not found:
                await self._pause(DUE_SECONDS if self._due and failures < 2 else BASE_SECONDS)

    def _lose_patience(self) -> None:
        """Expect nothing more of calls that were answered long enough ago; to be called when all was read just now."""
        if self._due and not self._calls and asyncio.get_running_loop().time() >= self._due_until:
            self._arrived(self._due)

    async def _pause(self, seconds: float) -> None:
        """Wait until it is time to ask again, or a call has changed something."""
        self._wanted.clear()
        try:
            await asyncio.wait_for(self._wanted.wait(), seconds)
        except TimeoutError:
            return

    async def _read_all(self) -> bool:
        """Read every open shard once, and look for the children of closed ones; whether anything was new."""
        known = len(self._copies)
        parents = {copy.shard.parent_shard_id for copy in self._copies.values()}
        if not known or any(copy.closed and copy.shard.shard_id not in parents for copy in self._copies.values()):
            await self._discover()
        found = len(self._copies) > known
        for copy in list(self._copies.values()):
            if not copy.closed:
                found |= await self._read(copy)
        return found

    async def _discover(self) -> None:
        params: dict[str, Any] = {"StreamArn": self._arn_there}
        known = len(self._copies)
        while True:
            described = (await self._endpoint.call(STREAMS, "DescribeStream", params))["StreamDescription"]
            for shard in described.get("Shards", ()):
                shard_id = shard["ShardId"]
                if shard_id not in self._copies:
                    parent = shard.get("ParentShardId")
                    self._copies[shard_id] = _ShardCopy(Shard(shard_id=shard_id, parent_shard_id=parent))
            last = described.get("LastEvaluatedShardId")
            if last is None:
                break
            params["ExclusiveStartShardId"] = last
        if len(self._copies) > known:
            self._wake()

    async def _read(self, copy: _ShardCopy) -> bool:
        try:
            iterator = copy.iterator or await self._iterator(copy)
            answer = await self._endpoint.call(STREAMS, "GetRecords", {"ShardIterator": iterator, "Limit": READ_LIMIT})
        except EngineError as error:
            copy.iterator = None
            copy.trimmed = error.code == "TrimmedDataAccessException"
            raise
        copy.trimmed = False
        copy.iterator = answer.get("NextShardIterator")
        copy.closed = copy.iterator is None
        taken = self._take(copy, answer["Records"])
        if taken or copy.closed:
            self._wake()
            self._arrived(taken)
        return taken > 0 or copy.closed

    async def _iterator(self, copy: _ShardCopy) -> str:
        place: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if copy.numbers and not copy.trimmed:
            number = copy.records[-1].sequence_number
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}
        params = {"StreamArn": self._arn_there, "ShardId": copy.shard.shard_id, **place}
        return str((await self._endpoint.call(STREAMS, "GetShardIterator", params))["ShardIterator"])

    def _take(self, copy: _ShardCopy, records: list[dict[str, Any]]) -> int:
        """Keep records that are not here yet; how many there were."""
        before, now_ms = len(copy.records), self._clock.now_ms()
        for record in records:
            number = int(record["dynamodb"]["SequenceNumber"])
            if not copy.numbers or number > copy.numbers[-1]:
                body = lambda_record(self._translation.record(record), stream_arn=self.arn, now_ms=now_ms)
                copy.records.append(record_of(body, created_at_ms=now_ms))
                copy.numbers.append(number)
                for witness in self._witnesses:
                    witness(copy.shard.shard_id, copy.records[-1])
        return len(copy.records) - before

    def _wake(self) -> None:
        for wake in self._readers:
            wake()

    def _arrived(self, count: int) -> None:
        """Of what was due, so many records are here, or will never be."""
        if self._due:
            self._due = max(0, self._due - count)
            if not self._due:
                self._wake()  # before the clock may think that nothing is in flight
                self._clock.end(self._activity)


def _tell_the_loop(follower: asyncio.Task[None]) -> None:
    if not follower.cancelled() and (error := follower.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler({"message": "stream", "exception": error})
