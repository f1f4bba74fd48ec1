"""Queues of asynchronous invocation at work, on a clock that jumps: who is invoked when, told what, counted how."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.doings import made
from penstock.cloud.engine import EngineError
from penstock.runtime.asynchronous_invocations import AT_A_TIME, EVENT_LIMIT_BYTES, AsynchronousInvocations
from penstock.runtime.invocation import Answer, Failure, InvocationResult, Throttled
from penstock.story.facts import EventHandedOn, Fact
from penstock.template.models import EventInvokeConfiguration, Function
from tests.standing_clock import StandingClock

QUEUE = "arn:aws:sqs:us-east-1:123456789012:"
WORKER = Function(
    logical_id="Worker",
    stack="App",
    path="",
    name="worker",
    arn="arn:aws:lambda:us-east-1:123456789012:function:worker",
    handler="index.handler",
    runtime="python3.13",
    code=Path("code"),
    timeout_seconds=3,
    memory_mb=128,
    environment={},
    role_arn="arn:aws:iam::123456789012:role/worker",
    reserved_concurrency=None,
    log_group="worker",
    aliases={"live": "7"},
    dead_letter_target_arn=QUEUE + "dead",
)
TOLD = EventInvokeConfiguration(
    logical_id="Told",
    function_arn=WORKER.arn,
    maximum_event_age_in_seconds=21_600,
    maximum_retry_attempts=2,
    on_success_arn=QUEUE + "done",
    on_failure_arn=QUEUE + "failed",
)
RAISED = Failure(error={"errorMessage": "no"}, executed_version="$LATEST")
RETURNED = Answer(payload=b"1", executed_version="$LATEST")
THROTTLED = Throttled(reason="ConcurrentInvocationLimitExceeded")


class World:
    """A function whose invocations end as told, and destinations that keep what they get."""

    def __init__(
        self, *results: InvocationResult, function: Function = WORKER, told: EventInvokeConfiguration | None = TOLD
    ) -> None:
        self.clock = StandingClock()
        self.began_ms = self.clock.now_ms()
        self.results = list(results)
        self.invoked: list[tuple[int, str, str]] = []
        self.at_once = self.most_at_once = 0
        self.delivered: list[tuple[str, Mapping[str, object]]] = []
        self.buried: list[tuple[str, str, Mapping[str, str | int]]] = []
        self.refusal: EngineError | None = None
        self.metrics = Metrics(now_ms=self.clock.now_ms)
        self.facts: list[Fact] = []
        self.queues = AsynchronousInvocations(
            self,  # type: ignore[arg-type]
            definitions=[function],
            configurations=[told] if told else [],
            outlets=self,
            clock=self.clock,
            new_id=map("r-{}".format, itertools.count(1)).__next__,
            metrics=self.metrics,
            tell=self.facts.append,
        )

    def arn_of(self, function: str) -> str | None:
        """See `Functions`."""
        return None if function == "nobody" else function if function.startswith("arn:") else WORKER.arn

    def label(self, _: str) -> str:
        """See `Functions`."""
        return "Worker"

    async def invoke(self, arn: str, payload: bytes, *, request_id: str) -> InvocationResult:
        """See `Functions`."""
        self.invoked.append(((self.clock.now_ms() - self.began_ms) // 1_000, request_id, arn))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.results.pop(0)

    async def deliver(self, function: Function, destination_arn: str, record: str) -> None:
        """See `Outlets`."""
        if self.refusal is not None:
            raise self.refusal
        made("m-1")
        self.delivered.append((destination_arn, json.loads(record)["requestContext"]))

    async def bury(self, function: Function, event: str, attributes: Mapping[str, str | int]) -> None:
        """See `Outlets`."""
        if self.refusal is not None:
            raise self.refusal
        self.buried.append((str(function.dead_letter_target_arn), event, attributes))

    def sums(self, *names: str) -> list[float]:
        """The sums of metrics of the function."""
        return [self.metrics.sum("AWS/Lambda", name, FunctionName="worker") for name in names]

    def settle(self, *events: Callable[[AsynchronousInvocations], object]) -> None:
        """Let events come in and wait until nothing is left of them."""

        async def go() -> None:
            for event in events:
                event(self.queues)
            await asyncio.wait_for(self.clock.settled(), 60)
            await self.queues.close()

        asyncio.run(go())


def accept(function: str = WORKER.arn, event: str = '{"a":1}') -> Callable[[AsynchronousInvocations], object]:
    """Have an event come in."""
    return lambda queues: queues.accept(function, event)


def test_failing_event_is_tried_three_times_then_told_and_buried() -> None:
    """One request id, one and two minutes between, the record to its destination, the event to the dead letters."""
    world = World(RAISED, RAISED, RAISED)

    world.settle(accept())

    assert world.invoked == [(0, "r-1", WORKER.arn), (60, "r-1", WORKER.arn), (180, "r-1", WORKER.arn)]
    context = {"requestId": "r-1", "functionArn": f"{WORKER.arn}:$LATEST", "condition": "RetriesExhausted"}
    assert world.delivered == [(QUEUE + "failed", {**context, "approximateInvokeCount": 3})]
    attributes = {"RequestID": "r-1", "ErrorCode": 200, "ErrorMessage": "no"}
    assert world.buried == [(QUEUE + "dead", '{"a":1}', attributes)]
    assert world.sums("AsyncEventsReceived", "AsyncEventsDropped") == [1, 1]
    assert world.sums("DestinationDeliveryFailures", "DeadLetterErrors") == [0, 0]
    ages = world.metrics.statistic("Maximum", "AWS/Lambda", "AsyncEventAge", FunctionName="worker")
    assert ages is not None
    assert 180_000 <= ages < 181_000


def test_success_is_told_to_its_own_destination() -> None:
    """Nothing is buried or dropped."""
    world = World(RETURNED)

    world.settle(accept())

    ((destination, context),) = world.delivered
    assert (destination, context["condition"]) == (QUEUE + "done", "Success")
    assert world.buried == []
    assert world.sums("AsyncEventsReceived", "AsyncEventsDropped") == [1, 0]


def test_throttled_event_waits_and_has_no_age() -> None:
    """An attempt that did not run is no invocation."""
    world = World(THROTTLED, THROTTLED, RETURNED)

    world.settle(accept())

    assert [seconds for seconds, _, _ in world.invoked] == [0, 1, 3]
    counted = world.metrics.statistic("SampleCount", "AWS/Lambda", "AsyncEventAge", FunctionName="worker")
    assert counted == 1


def test_configuration_is_that_of_the_qualifier() -> None:
    """What is configured for $LATEST says nothing of an alias, and holds however $LATEST is spelled."""
    once = replace(TOLD, maximum_retry_attempts=0)
    alias, latest = (World(*[RAISED] * 3, told=once) for _ in range(2))

    alias.settle(accept(f"{WORKER.arn}:live"))
    latest.settle(accept(f"{WORKER.arn}:$LATEST"))

    assert (len(alias.invoked), alias.delivered) == (3, [])
    assert (len(latest.invoked), len(latest.delivered)) == (1, 1)


def test_function_without_concurrency_is_not_invoked() -> None:
    """Its events go to destination and dead letters as they come."""
    world = World(function=replace(WORKER, reserved_concurrency=0))

    world.settle(accept())

    assert world.invoked == []
    assert [context["condition"] for _, context in world.delivered] == ["ZeroReservedConcurrency"]
    assert len(world.buried) == 1
    assert world.sums("AsyncEventsDropped") == [1]


def test_what_is_not_taken_is_counted() -> None:
    """A destination and a dead-letter queue that refuse leave a metric each; the event is lost."""
    world = World(RAISED, told=replace(TOLD, maximum_retry_attempts=0))
    world.refusal = EngineError("AccessDeniedException", "no")

    world.settle(accept())

    assert world.sums("DestinationDeliveryFailures", "DeadLetterErrors", "AsyncEventsDropped") == [1, 1, 1]


def test_end_of_an_event_is_told_with_what_came_of_it() -> None:
    """Each destination by itself: who was told, under which condition, what that made or why it was not taken."""
    taken, refused = World(RETURNED), World(RAISED, RAISED, RAISED)
    refused.refusal = EngineError("AccessDenied", "no")

    taken.settle(accept())
    refused.settle(accept())

    told = [fact for world in (taken, refused) for fact in world.facts if isinstance(fact, EventHandedOn)]
    assert {(fact.function, fact.request_id) for fact in told} == {("Worker", "r-1")}
    assert [(fact.condition, fact.destination, fact.error, fact.made) for fact in told] == [
        ("Success", QUEUE + "done", "", ("m-1",)),
        ("RetriesExhausted", QUEUE + "failed", str(refused.refusal), ()),
        ("RetriesExhausted", QUEUE + "dead", str(refused.refusal), ()),
    ]


def test_few_events_are_on_their_way_at_a_time() -> None:
    """A flood is worked off by a handful of readers, and all of it."""
    world = World(*[RETURNED] * 20)

    world.settle(*[accept()] * 20)

    assert (len(world.invoked), world.most_at_once) == (20, AT_A_TIME)


@pytest.mark.parametrize(
    ("function", "event", "code"),
    [
        ("nobody", "{}", "ResourceNotFoundException"),
        ("worker", "{", "InvalidRequestContentException"),
        ("worker", f'"{"x" * EVENT_LIMIT_BYTES}"', "RequestTooLargeException"),
    ],
)
def test_fails_when_lambda_would_not_take_the_event(function: str, event: str, code: str) -> None:
    """Refused as Invoke refuses it, and not counted as received."""
    world = World()

    with pytest.raises(EngineError) as refused:
        world.queues.accept(function, event)

    assert refused.value.code == code
    assert world.sums("AsyncEventsReceived") == [0]
