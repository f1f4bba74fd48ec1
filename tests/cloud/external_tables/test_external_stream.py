"""A stream at an endpoint that follows a script: shards that end and have children, failures, waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import EngineError
from penstock.cloud.external_tables import stream as under_test
from penstock.cloud.external_tables.endpoint import Endpoint
from penstock.cloud.external_tables.stream import ExternalStream
from penstock.cloud.external_tables.translation import Translation
from penstock.errors import EnvironmentProblem
from penstock.mapping.inputs import Shard

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000"


class Script:
    """An endpoint with one stream; its shard iterators are ``<shard>/<how many records were read>/<number>``."""

    url = "http://script"

    def __init__(self) -> None:
        self.shards: dict[str, str | None] = {"one": None}
        """Shard → its parent."""
        self.records: dict[str, list[dict[str, Any]]] = {"one": []}
        self.closed: set[str] = set()
        self.failures: list[str] = []
        """Codes with which the next GetRecords fail."""
        self.failed: dict[str, str] = {}
        """Shard iterators that failed → the code with which they always will."""
        self.reads = 0
        self.given = 0

    def write(self, shard: str, number: int) -> None:
        """Add a record with a sequence number."""
        change = {"Keys": {"pk": {"S": str(number)}}, "SequenceNumber": str(number)}
        self.records[shard].append({"eventID": str(number), "eventName": "INSERT", "dynamodb": change})

    async def call(self, _: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answer as an endpoint would."""
        await asyncio.sleep(0)
        match operation:
            case "DescribeStream":
                shards = [{"ShardId": name, "ParentShardId": parent} for name, parent in self.shards.items()]
                if "ExclusiveStartShardId" in params:
                    return {"StreamDescription": {"Shards": shards[1:]}}
                more = {"LastEvaluatedShardId": shards[0]["ShardId"]} if shards[1:] else {}
                return {"StreamDescription": {"Shards": shards[:1], **more}}
            case "GetShardIterator":
                numbers = [record["eventID"] for record in self.records[params["ShardId"]]]
                after = params.get("SequenceNumber")
                if after is not None and "TrimmedDataAccessException" in self.failed.values():
                    raise EngineError("TrimmedDataAccessException", "")
                self.given += 1
                start = 0 if after is None else numbers.index(after) + 1
                return {"ShardIterator": f"{params['ShardId']}/{start}/{self.given}"}
            case _:
                self.reads += 1
                asked = params["ShardIterator"]
                if self.failures:
                    self.failed[asked] = self.failures.pop(0)
                if asked in self.failed:
                    raise EngineError(self.failed[asked], "")
                shard, first, number = asked.split("/")
                records = self.records[shard][int(first) :]
                iterator = None if shard in self.closed else f"{shard}/{len(self.records[shard])}/{number}"
                return {"Records": records, **({"NextShardIterator": iterator} if iterator else {})}


Scenario = Callable[[ExternalStream, Script, JumpingClock], Awaitable[Any]]


def play(scenario: Scenario) -> Any:
    """Follow a scripted stream while a scenario goes on; what breaks the follower breaks the test."""

    async def go() -> Any:
        script, clock = Script(), JumpingClock()
        stream = ExternalStream(
            arn=ARN,
            arn_there="there",
            endpoint=cast("Endpoint", script),
            translation=Translation("us-east-1"),
            clock=clock,
        )
        await stream.start()
        try:
            return await scenario(stream, script, clock)
        finally:
            await stream.close()
            clock.close()

    return asyncio.run(go())


async def change(stream: ExternalStream) -> asyncio.Event:
    """An event that is set at the next change of the stream."""
    event = asyncio.Event()
    stream.on_write(event.set)
    return event


def numbers(stream: ExternalStream, shard: str, after: str | None = None) -> list[str]:
    """Sequence numbers of a shard's records."""
    return [record.sequence_number for record in stream.read(shard, after, 100)]


def test_children_follow_when_a_shard_ends() -> None:
    """A closed shard is read to its end, and then its children are found."""

    async def scenario(stream: ExternalStream, script: Script, _: JumpingClock) -> tuple[Any, ...]:
        script.write("one", 7)
        script.write("one", 10)
        script.closed.add("one")
        script.shards |= {"two": "one"}
        script.records["two"] = []
        with stream.expecting(3):
            script.write("two", 12)
        while stream.behind:
            changed = await change(stream)
            await changed.wait()
        return stream.shards, numbers(stream, "one", "7"), numbers(stream, "two"), stream

    shards, rest, in_child, stream = play(scenario)

    assert shards == (Shard(shard_id="one"), Shard(shard_id="two", parent_shard_id="one"))
    assert (rest, in_child) == (["10"], ["12"])
    assert [stream.ends_at("one", after) for after in (None, "7", "10")] == [False, False, True]
    assert not stream.ends_at("two", "12")
    assert (stream.tip("one"), stream.tip("two")) == ("10", "12")


def test_clock_does_not_jump_past_a_record_that_is_due() -> None:
    """From before the write until its record is here, something is in flight."""

    async def scenario(stream: ExternalStream, script: Script, clock: JumpingClock) -> list[str]:
        told = []
        with stream.expecting(1):
            clock.call_at(clock.now_ms() + 60_000, lambda: told.append("jumped"))
        reads = script.reads
        while script.reads < reads + 5:
            await asyncio.sleep(0)
        script.write("one", 1)
        stream.on_write(lambda: told.append(f"{len(numbers(stream, 'one'))} record"))
        await clock.settled()
        return told

    told = play(scenario)

    assert told[0] == "1 record"
    assert told[-1] == "jumped"


def test_call_that_changed_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused call makes nothing due; a call without a record is given up after a while, and readers are told."""

    async def scenario(stream: ExternalStream, _: Script, clock: JumpingClock) -> list[bool]:
        with stream.expecting(2) as nothing_changed:
            seen = [stream.behind]
            nothing_changed()
        seen.append(stream.behind)
        monkeypatch.setattr(under_test, "PATIENCE_SECONDS", 0.01)
        changed = await change(stream)
        with stream.expecting(1):
            seen.append(stream.behind)
        await changed.wait()
        await clock.settled()
        return [*seen, stream.behind]

    assert play(scenario) == [True, False, True, False]


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_place_is_kept_when_an_iterator_fails(code: str) -> None:
    """A fresh iterator goes on after the last record, or from the oldest where that place is lost: each comes once."""

    async def scenario(stream: ExternalStream, script: Script, clock: JumpingClock) -> list[str]:
        with stream.expecting(1):
            script.write("one", 1)
        await clock.settled()
        script.failures.append(code)
        with stream.expecting(1):
            script.write("one", 2)
        await clock.settled()
        return numbers(stream, "one")

    assert play(scenario) == ["1", "2"]


def test_fails_when_the_stream_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures in a row end the run with the stream's name, not a wait without end."""
    monkeypatch.setattr(under_test, "BASE_SECONDS", 0.001)

    async def scenario(_: ExternalStream, script: Script, __: JumpingClock) -> BaseException:
        broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().set_exception_handler(lambda _, told: broken.set_result(told["exception"]))
        script.failures += ["InternalServerError"] * 20
        return await broken

    problem = play(scenario)

    assert isinstance(problem, EnvironmentProblem)
    assert "the stream there cannot be read at http://script" in str(problem)
