"""All functions of a template: invoke them, keep their execution environments warm, throttle."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal

from penstock.cloud.call_counter import Usage
from penstock.cloud.clock import Clock
from penstock.errors import BrokenInvariant
from penstock.runtime.environments import Environments
from penstock.runtime.execution_environment import ExecutionEnvironment, Failed, InvokeRequest, Lost, Outcome, Returned
from penstock.runtime.invocation import Answer, Failure, Invocation, InvocationResult, Throttled, TooLarge
from penstock.runtime.log import LogLine
from penstock.template.models import Function, unqualified

__all__ = ["Answer", "Failure", "Functions", "Invocation", "InvocationResult", "LogLine", "Throttled", "TooLarge"]

REQUEST_LIMIT_BYTES = 6_291_456
"""The largest event of a synchronous invocation (*Lambda quotas*: 6 MB)."""

CONCURRENT_EXECUTIONS = 1000
"""The account's quota, shared by all functions that reserve nothing (*Lambda quotas*)."""


FailureOf = Callable[[Function, str, bytes], Literal["raises", "exits"] | None]
"""Whether an invocation (function, request id, event) fails on purpose: its handler raises, or its process exits."""


class Functions:
    """Invokes functions, each in an execution environment of its own version.

    A warm environment is reused, the most recently used first; a new one is started when all are busy. Reserved
    concurrency counts over all versions of a function. Timeouts are wall time; where the clock jumps, the processes
    see its time, not the machine's.

    ``environments`` serve these functions from now on, and stay when these are closed. ``usage_of`` tells what an
    environment asked of AWS since that was last called for it, which is when an invocation ends.
    ``failure_of`` may have an invocation fail on purpose. Closing is not optional.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        clock: Clock,
        environments: Environments,
        on_log: Callable[[LogLine], None],
        on_invocation: Callable[[Invocation], None],
        usage_of: Callable[[str], Usage] = lambda _: Usage(),
        failure_of: FailureOf = lambda *_: None,
        concurrent_executions: int = CONCURRENT_EXECUTIONS,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._clock = clock
        self._environments = environments
        environments.serve(clock=clock, on_log=on_log)
        self._usage_of = usage_of
        self._on_invocation = on_invocation
        self._failure_of = failure_of
        reserved = sum(function.reserved_concurrency or 0 for function in self._functions.values())
        self._unreserved_concurrency = concurrent_executions - reserved
        self._in_flight: Counter[str] = Counter()
        self._closed = False

    def arn_of(self, function: str) -> str | None:
        """Give the ARN of what a name or ARN stands for, with its qualifier if any; ``None`` if it is not here."""
        resolved = self._resolve(function)
        if resolved is None:
            return None
        return resolved[0].arn + function.removeprefix(_unqualified(function))

    def label(self, function: str) -> str:
        """What people call the function of this name or ARN."""
        resolved = self._resolve(function)
        return resolved[0].label if resolved is not None else function

    def environment(self, environment_id: str) -> ExecutionEnvironment | None:
        """Give the execution environment of this id, if there is one."""
        return self._environments.find(environment_id)

    async def invoke(self, function: str, payload: bytes, *, request_id: str, records: int = 1) -> InvocationResult:
        """Invoke a function, by name or ARN with or without a qualifier, and wait for how it ends.

        ``records`` is how many records the event holds; an event that is no batch counts as one.
        A function that fails is a result, not an exception. ``EnvironmentProblem`` when no process can be started;
        ``CancelledError`` when `close` comes first.
        """
        resolved = self._resolve(function)
        if resolved is None:
            raise BrokenInvariant(f"no function {function} to invoke", sorted(self._functions))
        definition, version = resolved
        arn = function if function.startswith("arn:") else definition.arn
        request = InvokeRequest(request_id=request_id, function_arn=arn, payload=payload, records=records)
        if len(payload) > REQUEST_LIMIT_BYTES:
            refused = TooLarge(limit_bytes=REQUEST_LIMIT_BYTES)
            return self._refuse(definition, version, request, refused)
        throttled = self._throttled(definition)
        if throttled is not None:
            return self._refuse(definition, version, request, throttled)
        if self._closed:
            raise asyncio.CancelledError
        self._in_flight[definition.name] += 1
        try:
            with self._clock.activity(f"invocation of {definition.logical_id}"):
                return await self._run(definition, version, request)
        finally:
            self._in_flight[definition.name] -= 1

    async def begin(self, function: str) -> None:
        """Start the first execution environment of a function that is about to be needed (`Environments.begin`)."""
        resolved = self._resolve(function)
        if resolved is not None:
            await self._environments.begin(*resolved)

    async def close(self) -> None:
        """Cancel the invocations under way, and end the execution environments in which they are."""
        self._closed = True
        await self._environments.end_used()

    def _resolve(self, function: str) -> tuple[Function, str] | None:
        """Find the function and its version: ``$LATEST``, the one an alias points to, or the one named."""
        whole = _unqualified(function)
        definition = self._functions.get(whole.rpartition(":")[2])
        if definition is None or whole not in (definition.name, definition.arn):
            return None
        qualifier = "$LATEST" if function == whole else function.removeprefix(f"{whole}:")
        version = definition.aliases.get(qualifier, qualifier)
        known = version in ("$LATEST", *definition.versions, *definition.aliases.values())
        return (definition, version) if known else None

    def _throttled(self, function: Function) -> Throttled | None:
        if function.reserved_concurrency is not None:
            if self._in_flight[function.name] >= function.reserved_concurrency:
                return Throttled(reason="ReservedFunctionConcurrentInvocationLimitExceeded")
            return None
        unreserved = (n for name, n in self._in_flight.items() if self._functions[name].reserved_concurrency is None)
        if sum(unreserved) >= self._unreserved_concurrency:
            return Throttled(reason="ConcurrentInvocationLimitExceeded")
        return None

    def _refuse(
        self, function: Function, version: str, request: InvokeRequest, result: Throttled | TooLarge
    ) -> InvocationResult:
        invocation = Invocation(
            function=function,
            version=version,
            request_id=request.request_id,
            records=request.records,
            started_at_ms=self._clock.now_ms(),
            duration_ms=0.0,
            init_duration_ms=None,
            environment_id="",
            concurrent_executions=self._in_flight[function.name],
            usage=Usage(),
            result=result,
            event=request.payload,
        )
        self._on_invocation(invocation)
        return result

    async def _run(self, function: Function, version: str, request: InvokeRequest) -> InvocationResult:
        started_at_ms = self._clock.now_ms()
        concurrent_executions = self._in_flight[function.name]
        begun = time.perf_counter()
        init_duration_ms: float | None = None
        failure = self._failure_of(function, request.request_id, request.payload)
        environment = self._environments.warm(function, version)
        outcome = await self._run_in(environment, request, version, failure) if environment is not None else Lost()
        while environment is None or isinstance(outcome, Lost):
            environment, init_duration_ms = await self._environments.cold(function, version)
            begun = time.perf_counter()
            outcome = await self._run_in(environment, request, version, failure)
        match outcome:
            case Returned():
                result: Answer | Failure = Answer(payload=outcome.payload, executed_version=version)
            case Failed():
                result = Failure(error=outcome.error, executed_version=version)
        invocation = Invocation(
            function=function,
            version=version,
            request_id=request.request_id,
            records=request.records,
            started_at_ms=started_at_ms,
            duration_ms=(time.perf_counter() - begun) * 1000,
            init_duration_ms=init_duration_ms,
            environment_id=environment.id,
            concurrent_executions=concurrent_executions,
            usage=self._usage_of(environment.id),
            result=result,
            event=request.payload,
        )
        self._on_invocation(invocation)
        return result

    async def _run_in(
        self,
        environment: ExecutionEnvironment,
        request: InvokeRequest,
        version: str,
        failure: Literal["raises", "exits"] | None,
    ) -> Outcome:
        try:
            if self._closed:
                raise asyncio.CancelledError
            if failure == "raises":
                return Failed(error=_raised(request))
            self._environments.tell_time()
            return await environment.run(request, exits=failure == "exits")
        finally:
            self._environments.give_back(environment, version)


def _unqualified(function: str) -> str:
    """A name or ARN without a version or alias at its end."""
    return unqualified(function) if function.startswith("arn:") else function.partition(":")[0]


def _raised(request: InvokeRequest) -> dict[str, Any]:
    """The error of a handler that raised on purpose, as the runtime words it."""
    return {
        "errorMessage": "the fault script has this function fail on this event",
        "errorType": "FaultScriptError",
        "requestId": request.request_id,
        "stackTrace": [],
    }
