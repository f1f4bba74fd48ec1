"""The execution environments of all functions: started when they are needed, kept warm, ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from penstock.cloud.clock import Clock
from penstock.errors import EnvironmentProblem
from penstock.runtime.execution_environment import ExecutionEnvironment
from penstock.runtime.log import LogLine
from penstock.runtime.runtime_directory import runtime_directory
from penstock.runtime.skipped_file import SkippedFile
from penstock.runtime.variables import variables_of
from penstock.runtime.watchman import Watchman
from penstock.template.models import Function

INIT_LIMIT_MS = 10_000
"""How long the Init phase may take before it is repeated within the invocation (*Lambda execution environment*)."""


class Environments:
    """Execution environments, each of one version of a function and used for one invocation at a time.

    They stay warm from one `Functions` to the next, which says by `serve` what clock they go by from then on.
    ``environment_of`` gives what belongs to the application in a new environment, known by its id: credentials of
    the role, ``AWS_ENDPOINT_URL``. ``cache`` is a folder that may be kept from run to run. With ``jumps`` the clocks
    jump, and the processes see their time, not the machine's. Closing is not optional.
    """

    def __init__(
        self,
        *,
        cache: Path,
        environment_of: Callable[[Function, str], Mapping[str, str]],
        jumps: bool,
        init_limit_ms: int = INIT_LIMIT_MS,
    ) -> None:
        self._environment_of = environment_of
        self._runtime_directory = runtime_directory(cache)
        self._bytecode_cache = cache.resolve() / "bytecode"
        self._init_limit_ms = init_limit_ms
        self._clock: Clock
        self._on_log: Callable[[LogLine], None]
        self._all: dict[str, ExecutionEnvironment] = {}
        self._warm: dict[tuple[str, str], list[ExecutionEnvironment]] = defaultdict(list)
        self._used: set[ExecutionEnvironment] = set()
        self._begun: dict[tuple[str, str], asyncio.Task[tuple[ExecutionEnvironment, float]]] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._uncompiled = not self._bytecode_cache.exists()
        self._compiling = asyncio.Lock()
        self._watchman: Watchman | None = None
        self._skipped = SkippedFile() if jumps else None
        self._closed = False

    def serve(self, *, clock: Clock, on_log: Callable[[LogLine], None]) -> None:
        """Go by this clock, and hand on what is logged to this, from now on."""
        self._clock = clock
        self._on_log = on_log

    @property
    def ids(self) -> Collection[str]:
        """The ids of the environments that there are."""
        return self._all.keys()

    def find(self, environment_id: str) -> ExecutionEnvironment | None:
        """Give the environment of this id, if there is one."""
        return self._all.get(environment_id)

    async def begin(self, function: Function, version: str) -> None:
        """Start the first environment of a version that is about to be needed, unless there is one.

        Its Init goes on by itself; the first invocation waits for it as for one of its own, and tells what it took.
        What cannot be started is left for that invocation to find out. While nothing is compiled yet, nothing begins.
        """
        key = (function.name, version)
        if self._uncompiled or key in self._begun or self._warm[key]:
            return
        begun = time.perf_counter()
        with contextlib.suppress(EnvironmentProblem):
            environment = await self._start(function, version)
            init = self._await_init(environment, function, version, begun=begun)
            self._begun[key] = asyncio.get_running_loop().create_task(init)

    def warm(self, function: Function, version: str) -> ExecutionEnvironment | None:
        """Take the warm environment that was used most recently, if there is one."""
        warm = self._warm[function.name, version]
        while warm:
            environment = warm.pop()
            if not environment.gone:
                return self._taken(environment)
            self._retire(environment)
        return None

    async def cold(self, function: Function, version: str) -> tuple[ExecutionEnvironment, float]:
        """Take the environment that was begun or a new one, and tell how long its Init phase took, in ms.

        While nothing is compiled yet, the first one goes alone, or all would compile boto3 side by side.
        `EnvironmentProblem` when no process can be started.
        """
        begun = self._begun.pop((function.name, version), None)
        if begun is not None:
            environment, init_duration_ms = await begun
            return self._taken(environment), init_duration_ms
        if self._uncompiled:
            async with self._compiling:
                if self._uncompiled:
                    cold = await self._initialize(function, version)
                    self._uncompiled = False
                    return cold
        return await self._initialize(function, version)

    def give_back(self, environment: ExecutionEnvironment, version: str) -> None:
        """Have an environment that was taken stay warm, unless it is gone."""
        self._used.discard(environment)
        if environment.gone:
            self._retire(environment)
        else:
            self._warm[environment.function.name, version].append(environment)

    def tell_time(self) -> None:
        """Let the processes know what the clock has skipped so far."""
        if self._skipped is not None:
            self._skipped.tell(self._clock.skipped_ms)

    async def end_used(self) -> None:
        """End the environments that are taken, with the invocations under way in them, and leave the others warm."""
        for environment in tuple(self._used):
            self._retire(environment)
        await asyncio.gather(*self._endings)

    async def close(self) -> None:
        """End every environment; invocations under way are cancelled."""
        self._closed = True
        for beginning in self._begun.values():
            beginning.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)
        await asyncio.gather(*(environment.close() for environment in tuple(self._all.values())), *self._endings)
        self._all.clear()
        self._warm.clear()
        self._used.clear()
        if self._skipped is not None:
            self._skipped.close()
        if self._watchman is not None:
            await self._watchman.close()
            self._watchman = None

    async def _initialize(self, function: Function, version: str) -> tuple[ExecutionEnvironment, float]:
        begun = time.perf_counter()
        environment = await self._start(function, version)
        environment, init_duration_ms = await self._await_init(environment, function, version, begun=begun)
        return self._taken(environment), init_duration_ms

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
            now_ms=self._now_ms(),
        )
        environment = ExecutionEnvironment(
            function,
            environment_id=environment_id,
            variables=variables,
            bytecode_cache=self._bytecode_cache,
            watchman=self._watchman,
            on_log=self._hear,
            now_ms=self._now_ms,
            skipped_file=self._skipped.path if self._skipped is not None else None,
        )
        self._all[environment.id] = environment
        try:
            await environment.start()
        except BaseException:
            del self._all[environment.id]
            raise
        return environment

    def _taken(self, environment: ExecutionEnvironment) -> ExecutionEnvironment:
        self._used.add(environment)
        return environment

    def _retire(self, environment: ExecutionEnvironment) -> None:
        """End an environment that is of no more use, without waiting for it."""
        self._used.discard(environment)
        ending = asyncio.get_running_loop().create_task(environment.close())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        ending.add_done_callback(lambda _: self._all.pop(environment.id, None))

    def _now_ms(self) -> int:
        return self._clock.now_ms()

    def _hear(self, line: LogLine) -> None:
        self._on_log(line)
