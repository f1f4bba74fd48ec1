"""All functions of a template: invoke them, keep their execution environments warm, throttle."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from penstock.cloud.call_counter import Usage
from penstock.cloud.clock import Clock
from penstock.errors import BrokenInvariant, EnvironmentProblem
from penstock.runtime.execution_environment import ExecutionEnvironment, Failed, InvokeRequest, Lost, Outcome, Returned
from penstock.runtime.invocation import Answer, Failure, Invocation, InvocationResult, Throttled, TooLarge
from penstock.runtime.log import LogLine
from penstock.runtime.runtime_directory import runtime_directory
from penstock.runtime.skipped_file import SkippedFile
from penstock.runtime.variables import variables_of
from penstock.runtime.watchman import Watchman
from penstock.template.models import Function

__all__ = ["Answer", "Failure", "Functions", "Invocation", "InvocationResult", "LogLine", "Throttled", "TooLarge"]

REQUEST_LIMIT_BYTES = 6_291_456
"""The largest event of a synchronous invocation (*Lambda quotas*: 6 MB)."""

INIT_LIMIT_MS = 10_000
"""How long the Init phase may take before it is repeated within the invocation (*Lambda execution environment*)."""

CONCURRENT_EXECUTIONS = 1000
"""The account's quota, shared by all functions that reserve nothing (*Lambda quotas*)."""


FailureOf = Callable[[Function, str, bytes], Literal["raises", "exits"] | None]
"""Whether an invocation (function, request id, event) fails on purpose: its handler raises, or its process exits."""


class Functions:
    """Invokes functions, each in an execution environment of its own version.

    A warm environment is reused, the most recently used first; a new one is started when all are busy. Reserved
    concurrency counts over all versions of a function. Timeouts are wall time; where the clock jumps, the processes
    see its time, not the machine's.

    ``environment_of`` gives what belongs to the application in a new environment, known by its id: credentials of
    the role, ``AWS_ENDPOINT_URL``. ``usage_of`` tells what an environment asked of AWS since that was last called for
    it, which is when an invocation ends. ``cache`` is a folder that may be kept from run to run.
    ``failure_of`` may have an invocation fail on purpose. Closing is not optional.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        clock: Clock,
        environment_of: Callable[[Function, str], Mapping[str, str]],
        on_log: Callable[[LogLine], None],
        on_invocation: Callable[[Invocation], None],
        cache: Path,
        usage_of: Callable[[str], Usage] = lambda _: Usage(),
        failure_of: FailureOf = lambda *_: None,
        concurrent_executions: int = CONCURRENT_EXECUTIONS,
        init_limit_ms: int = INIT_LIMIT_MS,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._clock = clock
        self._environment_of = environment_of
        self._usage_of = usage_of
        self._on_log = on_log
        self._on_invocation = on_invocation
        self._runtime_directory = runtime_directory(cache)
        self._bytecode_cache = cache.resolve() / "bytecode"
        self._init_limit_ms = init_limit_ms
        reserved = sum(function.reserved_concurrency or 0 for function in self._functions.values())
        self._unreserved_concurrency = concurrent_executions - reserved
        self._in_flight: Counter[str] = Counter()
        self._warm: dict[tuple[str, str], list[ExecutionEnvironment]] = defaultdict(list)
        self._environments: dict[str, ExecutionEnvironment] = {}
        self._failure_of = failure_of
        self._uncompiled = not self._bytecode_cache.exists()
        self._compiling = asyncio.Lock()
        self._endings: set[asyncio.Task[None]] = set()
        self._begun: dict[tuple[str, str], asyncio.Task[tuple[ExecutionEnvironment, float]]] = {}
        self._watchman: Watchman | None = None
        self._skipped = SkippedFile() if clock.jumps else None
        self._closed = False

    def knows(self, function: str) -> bool:
        """Tell whether a name or ARN, with or without a qualifier, can be invoked here."""
        return self._resolve(function) is not None

    def arn_of(self, function: str) -> str | None:
        """Give the ARN of what a name or ARN stands for, with its qualifier if any; ``None`` if it is not here."""
        resolved = self._resolve(function)
        if resolved is None:
            return None
        _, colon, qualifier = function.removeprefix(resolved[0].arn.rpartition(":")[0] + ":").partition(":")
        return f"{resolved[0].arn}{colon}{qualifier}"

    def label(self, function: str) -> str:
        """What people call the function of this name or ARN."""
        resolved = self._resolve(function)
        return resolved[0].label if resolved is not None else function

    def environment(self, environment_id: str) -> ExecutionEnvironment | None:
        """Give the execution environment of this id, if there is one."""
        return self._environments.get(environment_id)

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
            refused = TooLarge(payload_bytes=len(payload), limit_bytes=REQUEST_LIMIT_BYTES)
            return self._refuse(definition, version, request, refused)
        throttled = self._throttled(definition)
        if throttled is not None:
            return self._refuse(definition, version, request, throttled)
        self._in_flight[definition.name] += 1
        try:
            with self._clock.activity(f"invocation of {definition.logical_id}"):
                return await self._run(definition, version, request)
        finally:
            self._in_flight[definition.name] -= 1

    async def begin(self, function: str) -> None:
        """Start the first execution environment of a function that is about to be needed.

        Its Init goes on by itself; the first invocation waits for it as for one of its own, and tells what it took.
        What cannot be started is left for that invocation to find out. While nothing is compiled yet, nothing begins.
        """
        resolved = self._resolve(function)
        if resolved is None or self._uncompiled:
            return
        definition, version = resolved
        begun = time.perf_counter()
        if (definition.name, version) not in self._begun:
            with contextlib.suppress(EnvironmentProblem):
                environment = await self._start(definition, version)
                init = self._await_init(environment, definition, version, begun=begun)
                self._begun[definition.name, version] = asyncio.get_running_loop().create_task(init)

    async def close(self) -> None:
        """End every execution environment; invocations under way are cancelled."""
        self._closed = True
        for beginning in self._begun.values():
            beginning.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)
        await asyncio.gather(
            *(environment.close() for environment in tuple(self._environments.values())), *self._endings
        )
        self._environments.clear()
        self._warm.clear()
        if self._skipped is not None:
            self._skipped.close()
        if self._watchman is not None:
            await self._watchman.close()
            self._watchman = None

    def _resolve(self, function: str) -> tuple[Function, str] | None:
        """Find the function and its version: ``$LATEST``, the one an alias points to, or the one named."""
        parts = function.split(":")
        name, qualifiers = (parts[6], parts[7:]) if parts[0] == "arn" and len(parts) > 6 else (parts[0], parts[1:])
        definition = self._functions.get(name)
        if definition is None or (parts[0] == "arn" and ":".join(parts[:7]) != definition.arn):
            return None
        qualifier = qualifiers[0] if qualifiers else "$LATEST"
        version = definition.aliases.get(qualifier, qualifier)
        known = version == "$LATEST" or version in definition.aliases.values()
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
            payload_bytes=len(request.payload),
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
        environment = self._warm_environment(function, version)
        outcome = await self._run_in(environment, request, version, failure) if environment is not None else Lost()
        while environment is None or isinstance(outcome, Lost):
            environment, init_duration_ms = await self._cold_environment(function, version)
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
            payload_bytes=len(request.payload),
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
            if failure == "raises":
                return Failed(error=_raised(request))
            if self._skipped is not None:
                self._skipped.tell(self._clock.skipped_ms)
            return await environment.run(request, exits=failure == "exits")
        finally:
            if environment.gone:
                self._retire(environment)
            else:
                self._warm[environment.function.name, version].append(environment)

    def _warm_environment(self, function: Function, version: str) -> ExecutionEnvironment | None:
        warm = self._warm[function.name, version]
        while warm:
            environment = warm.pop()
            if not environment.gone:
                return environment
            self._retire(environment)
        return None

    async def _cold_environment(self, function: Function, version: str) -> tuple[ExecutionEnvironment, float]:
        """Give the environment that was begun or start a new one, and tell how long its Init phase took.

        While nothing is compiled yet, the first one goes alone, or all would compile boto3 side by side.
        """
        begun = self._begun.pop((function.name, version), None)
        if begun is not None:
            return await begun
        if self._uncompiled:
            async with self._compiling:
                if self._uncompiled:
                    cold = await self._initialize(function, version)
                    self._uncompiled = False
                    return cold
        return await self._initialize(function, version)

    async def _initialize(self, function: Function, version: str) -> tuple[ExecutionEnvironment, float]:
        begun = time.perf_counter()
        environment = await self._start(function, version)
        return await self._await_init(environment, function, version, begun=begun)

    async def _await_init(
        self, environment: ExecutionEnvironment, function: Function, version: str, *, begun: float
    ) -> tuple[ExecutionEnvironment, float]:
        """Wait for an environment's Init; where that fails or takes too long, give another one, in the middle of its.

        Lambda repeats the init within the invocation and then reports what comes of that.
        """
        try:
            initialized = await environment.initialized(self._init_limit_ms)
        except asyncio.CancelledError:
            self._retire(environment)
            raise
        if not initialized:
            self._retire(environment)
            environment = await self._start(function, version)
        return environment, (time.perf_counter() - begun) * 1000

    async def _start(self, function: Function, version: str) -> ExecutionEnvironment:
        if self._closed:
            raise asyncio.CancelledError
        if self._watchman is None:
            self._watchman = Watchman()
        environment_id = uuid.uuid4().hex
        variables = variables_of(
            function,
            version=version,
            runtime_directory=self._runtime_directory,
            provided=self._environment_of(function, environment_id),
            now_ms=self._clock.now_ms(),
        )
        environment = ExecutionEnvironment(
            function,
            environment_id=environment_id,
            variables=variables,
            bytecode_cache=self._bytecode_cache,
            watchman=self._watchman,
            on_log=self._on_log,
            now_ms=self._clock.now_ms,
            skipped_file=self._skipped.path if self._skipped is not None else None,
        )
        self._environments[environment.id] = environment
        try:
            await environment.start()
        except EnvironmentProblem:
            del self._environments[environment.id]
            raise
        return environment

    def _retire(self, environment: ExecutionEnvironment) -> None:
        """End an environment that is of no more use, without waiting for it."""
        ending = asyncio.get_running_loop().create_task(environment.close())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        ending.add_done_callback(lambda _: self._environments.pop(environment.id, None))


def _raised(request: InvokeRequest) -> dict[str, Any]:
    """The error of a handler that raised on purpose, as the runtime words it."""
    return {
        "errorMessage": "the fault script has this function fail on this event",
        "errorType": "FaultScriptError",
        "requestId": request.request_id,
        "stackTrace": [],
    }
