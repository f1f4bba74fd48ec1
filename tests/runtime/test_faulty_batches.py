"""Batches delivered again and destinations that refuse: what the function gets, and which answer counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.cloud.engine import Engine
from penstock.cloud.faults import Faults, FaultScript
from penstock.cloud.faults.kinds import BatchRedelivered, DestinationRefused, Fault, When
from penstock.cloud.queues import Queues
from penstock.cloud.streams import FIRST_SEQUENCE_NUMBER, Stream
from penstock.mapping.choices import Choices
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.mapping.effects import DeliverToDestination
from penstock.mapping.inputs import StreamRecord
from penstock.mapping.queue import QueueMapping
from penstock.mapping.stream import StreamMapping
from penstock.runtime.event_source_mappings import QueueShell, StreamShell
from penstock.runtime.invocation import Answer, Failure, InvocationResult
from penstock.template.models import EventSourceMapping
from tests.standing_clock import StandingClock

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
Handler = Callable[[dict[str, Any]], Any]


@dataclass
class World:
    """A function in this process, and what is around it."""

    handler: Handler
    events: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    destination: list[DeliverToDestination] = field(default_factory=list)

    def label(self, _: str) -> str:
        """What the function is called."""
        return "Worker"

    async def invoke(self, _: str, payload: bytes, *, request_id: str, records: int) -> InvocationResult:
        """Run the handler; what it raises is a function error."""
        event = json.loads(payload)
        assert len(event["Records"]) == records
        self.events.append(event)
        self.request_ids.append(request_id)
        try:
            return Answer(payload=json.dumps(self.handler(event)).encode(), executed_version="1")
        except ValueError as error:
            return Failure(error={"errorType": "ValueError", "errorMessage": str(error)}, executed_version="1")

    async def deliver(self, record: DeliverToDestination) -> None:
        """Take an on-failure record."""
        self.destination.append(record)

    @property
    def numbers(self) -> list[list[str]]:
        """The records of each event: their sequence numbers, or the bodies of messages."""
        return [[r["dynamodb"]["SequenceNumber"][-2:] if "dynamodb" in r else r["body"] for r in e["Records"]]
                for e in self.events]  # fmt: skip


class MayAll:
    """The rights of a mapping that may do everything."""

    def read_denial(self) -> None:
        """Nothing stands against reading."""

    def delete_denial(self) -> None:
        """Nothing stands against deleting."""


def definition(source_arn: str, configuration: StreamConfiguration | QueueConfiguration) -> EventSourceMapping:
    """A mapping from a source to the function."""
    return EventSourceMapping(
        logical_id="Mapping",
        stack="s",
        uuid="u",
        function_arn=FUNCTION_ARN,
        event_source_arn=source_arn,
        configuration=configuration,
    )


def record(n: int, now_ms: int) -> StreamRecord:
    """The n-th record of the stream, from 0, as old as ``now_ms`` says."""
    number = str(FIRST_SEQUENCE_NUMBER + n)
    body = {"eventID": str(n), "dynamodb": {"SequenceNumber": number}}
    text = json.dumps(body)
    return StreamRecord(
        sequence_number=number,
        item_key=str(n),
        created_at_ms=now_ms,
        body=body,
        encoded=text,
        encoded_bytes=len(text),
    )


def stream_run(handler: Handler, *faults: Fault, records: int = 4, **properties: Any) -> tuple[World, Faults]:
    """Let a stream mapping read so many records with these faults until nothing is left to do."""
    world = World(handler)
    ids = iter(f"{n:08d}-0000-4000-8000-000000000000" for n in range(1000))

    async def go() -> Faults:
        clock = StandingClock()
        armed = Faults(FaultScript(faults=faults), clock=clock, process_of=lambda _: None, key_names={})
        configuration = StreamConfiguration(batch_size=2, **properties)
        names = {"uuid": "u", "function_arn": FUNCTION_ARN, "event_source_arn": STREAM_ARN}
        stream = Stream(
            arn=STREAM_ARN,
            region="us-east-1",
            view_type="NEW_IMAGE",
            key_names=("id",),
            now_ms=clock.now_ms,
            new_event_id=ids.__next__,
        )
        stream.records += [record(n, clock.now_ms()) for n in range(records)]
        shell = StreamShell(
            definition(STREAM_ARN, configuration),
            StreamMapping(configuration, **names, ids=ids.__next__, choices=Choices()),
            stream=stream,
            rights=MayAll(),
            functions=world,  # type: ignore[arg-type]
            clock=clock,
            faults=armed.invocations,
            deliver=world.deliver,
        )
        shell.start()
        await asyncio.wait_for(clock.settled(), 60)
        shell.mapping.check()
        await shell.close()
        clock.close()
        return armed

    return world, asyncio.run(go())


@pytest.mark.parametrize("bisect", [False, True])
def test_run_is_not_settled_while_batches_are_given_up(bisect: bool) -> None:
    """Between an on-failure record and the next call the mapping is in flight: every record reaches the destination."""

    def fail(_: dict[str, Any]) -> None:
        raise ValueError

    world, _ = stream_run(
        fail,
        records=7,
        maximum_retry_attempts=2,
        bisect_batch_on_function_error=bisect,
        on_failure_destination="arn:aws:s3:::failures",
    )

    given_up = [json.loads(json.loads(record.body)["payload"])["Records"] for record in world.destination]
    assert [r["eventID"] for records in given_up for r in records] == [str(n) for n in range(7)]


def test_batch_of_a_stream_comes_twice_under_one_request_id() -> None:
    """The second batch is delivered again before the stream goes on; the answer of the first delivery is lost."""
    world, faults = stream_run(lambda _: None, BatchRedelivered(function="Worker", when=When(nth=2)))

    assert world.numbers == [["01", "02"], ["03", "04"], ["03", "04"]]
    assert world.request_ids[1] == world.request_ids[2] != world.request_ids[0]
    assert [(s.kind, s.victim, s.request_id) for s in faults.log] == [
        ("batch-redelivered", "Worker", world.request_ids[1])
    ]


@pytest.mark.parametrize(("answer", "calls"), [("lost", ["ok", "fails", "ok"]), ("counted", ["ok", "fails"])])
def test_one_answer_of_two_counts(answer: Any, calls: list[str]) -> None:
    """A failure of the second delivery is retried where the first answer was lost, and dropped where it counted."""
    outcomes = iter(["ok", "fails", "ok"])
    told: list[str] = []

    def handler(_: dict[str, Any]) -> None:
        told.append(next(outcomes))
        if told[-1] == "fails":
            raise ValueError("second delivery")

    fault = BatchRedelivered(function="Worker", answer=answer, when=When(nth=1))
    world, _ = stream_run(handler, fault, records=2)

    assert told == calls
    assert world.numbers == [["01", "02"]] * len(calls)


def test_window_state_is_that_of_the_first_delivery() -> None:
    """A window's batch comes again with the state from before it, so that a fold counts each record once."""
    final: list[int] = []

    def handler(event: dict[str, Any]) -> dict[str, Any]:
        count = event["state"].get("count", 0) + len(event["Records"])
        if event["isFinalInvokeForWindow"]:
            final.append(count)
        return {"state": {"count": count}}

    world, faults = stream_run(handler, BatchRedelivered(function="Worker"), records=6, tumbling_window_in_seconds=900)

    states = [event["state"] for event in world.events]
    assert states[::2] == states[1::2]
    assert world.events[::2] == world.events[1::2]
    assert set(final) == {sum(len(event["Records"]) for event in world.events) // 2} == {6}
    assert len(faults.log) == len(world.events) // 2


def test_destination_that_refuses_gets_nothing() -> None:
    """The record of a discarded batch is dropped, as AWS drops it, and the shard goes on."""

    def handler(event: dict[str, Any]) -> None:
        raise ValueError(event["Records"][0]["eventID"])

    world, faults = stream_run(
        handler,
        DestinationRefused(function="Worker", when=When(nth=1)),
        maximum_retry_attempts=0,
        on_failure_destination=QUEUE_ARN,
    )

    assert world.numbers == [["01", "02"], ["03", "04"]]
    assert [json.loads(each.body)["DDBStreamBatchInfo"]["startSequenceNumber"][-2:] for each in world.destination] == [
        "03"
    ]
    (strike,) = faults.log
    assert (strike.kind, strike.victim) == ("destination-refused", "Worker")
    assert json.loads(strike.text)["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_batch_of_a_queue_comes_twice_under_request_ids_of_its_own() -> None:
    """Messages that come again are received again, so the invocation is another; then they are gone."""
    world = World(lambda _: None)

    async def go() -> int:
        clock = StandingClock()
        engine = Engine(account_id="123456789012", region="us-east-1")
        queues = Queues(engine, clock)
        engine.call("sqs", "CreateQueue", {"QueueName": "orders"})
        armed = Faults(
            FaultScript(faults=(BatchRedelivered(function="Worker"),)),
            clock=clock,
            process_of=lambda _: None,
            key_names={},
        )
        configuration = QueueConfiguration()
        names = {"uuid": "u", "function_arn": FUNCTION_ARN, "event_source_arn": QUEUE_ARN}
        ids = iter(f"{n:08d}-0000-4000-8000-000000000000" for n in range(100))
        shell = QueueShell(
            definition(QUEUE_ARN, configuration),
            QueueMapping(configuration, **names, ids=ids.__next__, choices=Choices()),
            queues=queues,
            rights=MayAll(),
            functions=world,  # type: ignore[arg-type]
            clock=clock,
            faults=armed.invocations,
        )
        queues.send(QUEUE_ARN, "a")
        shell.start()
        await asyncio.wait_for(clock.settled(), 60)
        left = len(engine.backend("sqs").queues["orders"]._messages)
        await shell.close()
        clock.close()
        return left

    left = asyncio.run(go())

    assert (world.numbers, left) == ([["a"], ["a"]], 0)
    assert world.events[0] == world.events[1]
    assert world.request_ids[0] != world.request_ids[1]
