"""Asynchronous invocation: events come into a queue, one for each function, and are tried until they are over.

What follows from an attempt is decided in `penstock.runtime.event_queue`; here events wait, functions are invoked,
records are handed on, and all of it is counted (*Types of metrics for Lambda functions*, asynchronous invocation).
Our choice: of one function, five events at a time are on their way, as a queue's mapping begins with five readers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from penstock.cloud.clock import Clock
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.doings import doing, made
from penstock.cloud.engine import EngineError
from penstock.runtime.event_queue import EventRules, Over, QueuedEvent, TryAgain, after, before
from penstock.runtime.functions import Functions
from penstock.runtime.invocation import Throttled, TooLarge
from penstock.runtime.invocation_record import dead_letter_attributes, invocation_record
from penstock.runtime.lambda_metrics import NAMESPACE
from penstock.story.facts import EventHandedOn, Fact, ignore
from penstock.template.models import EventInvokeConfiguration, Function, unqualified

ACTIVITY: Final = "event of a function"
AT_A_TIME: Final = 5
EVENT_LIMIT_BYTES: Final = 1_048_576
"""The largest event of an asynchronous invocation (*Lambda quotas*: 1 MB, since October 2025)."""


class Outlets(Protocol):
    """Where records and dead letters of a function go, with the rights of its role; each raises `EngineError`."""

    async def deliver(self, function: Function, destination_arn: str, record: str) -> None:
        """Hand an invocation record to a destination."""

    async def bury(self, function: Function, event: str, attributes: Mapping[str, str | int]) -> None:
        """Hand an event, as it came, to the function's dead-letter queue or topic."""


class AsynchronousInvocations:
    """The queues of all functions of one running application."""

    def __init__(
        self,
        functions: Functions,
        *,
        definitions: Iterable[Function],
        configurations: Iterable[EventInvokeConfiguration],
        outlets: Outlets,
        clock: Clock,
        new_id: Callable[[], str],
        metrics: Metrics,
        tell: Callable[[Fact], None] = ignore,
    ) -> None:
        """``new_id`` makes request ids, ``tell`` hears where events are handed on in the end."""
        self._functions = functions
        self._definitions = {function.arn: function for function in definitions}
        self._configurations = {configuration.function_arn: configuration for configuration in configurations}
        self._places = {arn: asyncio.Semaphore(AT_A_TIME) for arn in self._definitions}
        self._outlets = outlets
        self._clock = clock
        self._new_id = new_id
        self._metrics = metrics
        self._tell_fact = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, function: str, payload: str | bytes) -> str:
        """Take an event for a function (name or ARN, with or without a qualifier); gives the request id.

        Raises `EngineError` with Invoke's code where Lambda would not take it.
        """
        arn = self._functions.arn_of(function)
        if arn is None:
            raise EngineError("ResourceNotFoundException", f"Function not found: {function}")
        body = payload.encode() if isinstance(payload, str) else payload
        if len(body) > EVENT_LIMIT_BYTES:
            refused = TooLarge(limit_bytes=EVENT_LIMIT_BYTES)
            raise EngineError("RequestTooLargeException", refused.message)
        try:
            json.loads(body)
        except ValueError as error:
            problem = f"Could not parse request body into json: {error}"
            raise EngineError("InvalidRequestContentException", problem) from error
        queued_at_ms = self._clock.now_ms()
        event = QueuedEvent(request_id=self._new_id(), function_arn=arn, payload=body, queued_at_ms=queued_at_ms)
        self._count(event, "AsyncEventsReceived")
        made(event.request_id)
        self._clock.begin(ACTIVITY)
        task = asyncio.get_running_loop().create_task(self._process(event))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return event.request_id

    async def close(self) -> None:
        """Forget what is in the queues."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._clock.end(ACTIVITY)
        if not task.cancelled():
            task.result()

    async def _process(self, event: QueuedEvent) -> None:
        """Try an event until it is over, and tell its destinations."""
        rules = self._rules(event)
        over = before(event, rules)
        while over is None:
            next_step = await self._attempt(event, rules)
            if isinstance(next_step, Over):
                over = next_step
            else:
                event = next_step.event
                await self._clock.wait_until(next_step.at_ms, name=f"event of {event.function_arn}", activity=ACTIVITY)
        await self._tell(over)
        if over.condition != "Success":
            self._count(over.event, "AsyncEventsDropped")

    async def _attempt(self, event: QueuedEvent, rules: EventRules) -> Over | TryAgain:
        async with self._places[unqualified(event.function_arn)]:
            age_ms = self._clock.now_ms() - event.queued_at_ms
            result = await self._functions.invoke(event.function_arn, event.payload, request_id=event.request_id)
        if not isinstance(result, Throttled):
            self._count(event, "AsyncEventAge", age_ms, unit="Milliseconds")
        return after(event, result, rules, now_ms=self._clock.now_ms())

    async def _tell(self, over: Over) -> None:
        """Hand on what is to be kept of an event."""
        function = self._definitions[unqualified(over.event.function_arn)]
        configuration = self._configuration(over.event)
        succeeded = over.condition == "Success"
        if configuration is not None:
            destination = configuration.on_success_arn if succeeded else configuration.on_failure_arn
            if destination is not None:
                record = invocation_record(over, at_ms=self._clock.now_ms())
                delivered = self._outlets.deliver(function, destination, record)
                await self._hand_on(over, destination, delivered, "DestinationDeliveryFailures")
        if function.dead_letter_target_arn is not None and not succeeded:
            buried = self._outlets.bury(function, over.event.payload.decode(), dead_letter_attributes(over))
            await self._hand_on(over, function.dead_letter_target_arn, buried, "DeadLetterErrors")

    async def _hand_on(self, over: Over, destination_arn: str, handed_on: Awaitable[None], failures: str) -> None:
        """Hand a record or an event on; what is not taken is counted under a metric, and lost."""
        label, error = self._functions.label(over.event.function_arn), ""
        with doing(caller=label, request_id=over.event.request_id) as what:
            try:
                await handed_on
            except EngineError as refusal:
                error = str(refusal)
                self._count(over.event, failures)
        self._tell_fact(
            EventHandedOn(
                at_ms=self._clock.now_ms(),
                function=label,
                request_id=over.event.request_id,
                condition=over.condition,
                destination=destination_arn,
                error=error,
                faults=tuple(what.faults),
                made=tuple(what.made),
            )
        )

    def _configuration(self, event: QueuedEvent) -> EventInvokeConfiguration | None:
        return self._configurations.get(event.function_arn.removesuffix(":$LATEST"))

    def _rules(self, event: QueuedEvent) -> EventRules:
        reserved = self._definitions[unqualified(event.function_arn)].reserved_concurrency
        configuration = self._configuration(event)
        if configuration is None:
            return EventRules(reserved_concurrency=reserved)
        return EventRules(
            maximum_event_age_in_seconds=configuration.maximum_event_age_in_seconds,
            maximum_retry_attempts=configuration.maximum_retry_attempts,
            reserved_concurrency=reserved,
        )

    def _count(self, event: QueuedEvent, metric: str, value: float = 1, *, unit: str = "Count") -> None:
        name = event.function_arn.split(":")[6]
        self._metrics.add(NAMESPACE, metric, value, {"FunctionName": name}, unit=unit)
