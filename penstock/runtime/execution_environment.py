"""An execution environment: one worker process, used for one invocation at a time.

States: *initializing* (the process imports the handler), *waiting* (it has asked for the next invocation),
*running*, *settling* (it has answered and not asked again yet), *gone*. A request handed over while it
initializes or settles is taken as soon as it asks. A timeout, an exit, a failed init and a response that is too
large end the environment; an exception of the handler does not.

Not simulated: memory is not limited, and a waiting process is not frozen, so its threads run on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from penstock.errors import EnvironmentProblem
from penstock.runtime import shifted_clock
from penstock.runtime.log import LogLine, LogPipe
from penstock.runtime.runtime_api import Connection, RuntimeApi
from penstock.runtime.time_limit import TimeLimit
from penstock.runtime.watchman import Watchman
from penstock.template.models import Function

RESPONSE_LIMIT_BYTES = 6_291_556
"""The largest response of a synchronous invocation, as its refusal names it (observed by aws-lambda-dotnet's tests)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeRequest:
    """What the runtime is told of an invocation; ``function_arn`` is the one that was invoked.

    ``records`` is how many the payload holds, 1 for one that is no batch; the runtime is not told.
    """

    request_id: str
    function_arn: str
    payload: bytes
    records: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The handler returned this JSON text."""

    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The handler raised, or could not be initialized, or the platform gave up: the error as AWS words it."""

    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The process ended before it took the request: nothing ran."""


Outcome = Returned | Failed | Lost


class ExecutionEnvironment:
    """A worker process with its Runtime API and its log.

    ``variables`` is the whole environment of the process but for the address of the Runtime API. Bytecode is kept
    under ``bytecode_cache``: the asset may be read-only, and holds bytecode of another Python version at best.
    ``now_ms`` is the clock that deadlines are told by; where it jumps, ``skipped_file`` tells the process how far.
    """

    def __init__(
        self,
        function: Function,
        *,
        environment_id: str,
        variables: Mapping[str, str],
        bytecode_cache: Path,
        watchman: Watchman,
        on_log: Callable[[LogLine], None],
        now_ms: Callable[[], int],
        skipped_file: Path | None = None,
    ) -> None:
        self.id = environment_id
        self.function = function
        self.gone = False
        self._variables = variables
        self._bytecode_cache = bytecode_cache
        self._watchman = watchman
        self._on_log = on_log
        self._now_ms = now_ms
        self._skipped_file = skipped_file
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._pipes: tuple[LogPipe, ...] = ()
        self._process: asyncio.SubprocessTransport | None = None
        self._started = False
        self._waiting: Connection | None = None
        self._request: InvokeRequest | None = None
        self._deadline_ms = 0
        self._running = False
        self._exits = False
        self.doomed = False
        self._initialized: asyncio.Future[Outcome | None] = self._loop.create_future()
        self._ended: asyncio.Future[Outcome] | None = None
        self._exited: asyncio.Future[None] = self._loop.create_future()

    async def start(self) -> None:
        """Start the process; ``EnvironmentProblem`` when that cannot be done."""
        self._started = True
        try:
            await self._api.start()
            self._pipes = (LogPipe(self._logger("stdout")), LogPipe(self._logger("stderr")))
            self._process, _ = await self._loop.subprocess_exec(
                lambda: _Process(self._process_exited),
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._pipes[0].writer,
                stderr=self._pipes[1].writer,
                cwd=self.function.code,
                env={**self._variables, "AWS_LAMBDA_RUNTIME_API": self._api.address},
                process_group=0,
            )
        except OSError as problem:
            self._give_up()
            raise EnvironmentProblem(
                f"{self.function.logical_id}: its worker process cannot be started in {self.function.code}: {problem};"
                " synthesize again, or free processes and memory"
            ) from None
        except BaseException:
            self._give_up()
            raise
        for pipe in self._pipes:
            pipe.close_writer()
        if not self._exited.done():
            self._watchman.watch(self._process.get_pid())
        if self.gone:
            self.kill()

    async def initialized(self, limit_ms: int) -> bool:
        """Wait until the handler is imported; ``False`` when it failed or took longer than the limit."""
        assert self._process is not None
        over = self._loop.create_future()
        limit = TimeLimit(limit_ms / 1000, process=self._process.get_pid(), on_over=over.cancel)
        try:
            await asyncio.wait([self._initialized, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        return self._initialized.done() and self._initialized.result() is None

    async def run(self, request: InvokeRequest, *, exits: bool = False) -> Outcome:
        """Run an invocation: init (if it is still going on) and handler share the function's timeout.

        With ``exits`` the process is killed as soon as it has taken the request.
        """
        if self._initialized.done() and (failed := self._initialized.result()) is not None:
            return failed if isinstance(failed, Failed) else self._exit(request)
        if self.gone:
            return Lost()
        timeout_ms = int(self.function.timeout_seconds * 1000)
        self._ended = self._loop.create_future()
        self._request = request
        self._exits = exits
        self._deadline_ms = self._now_ms() + timeout_ms
        assert self._process is not None
        alarm = TimeLimit(timeout_ms / 1000, process=self._process.get_pid(), on_over=self._time_out)
        if self._waiting is not None:
            self._hand_over()
        try:
            return await self._ended
        except asyncio.CancelledError:
            self.kill()
            raise
        finally:
            alarm.cancel()
            self._request = None
            self._running = False

    def kill(self) -> None:
        """End the process and whatever it started; an invocation under way is cancelled."""
        self.gone = True
        self._api.close()
        if self._process is not None and not self._exited.done():
            _kill_group(self._process.get_pid())
        if self._ended is not None and not self._ended.done():
            self._ended.cancel()

    @property
    def request_id(self) -> str:
        """The request id of the invocation under way, or empty."""
        return self._request.request_id if self._request is not None and self._running else ""

    @property
    def event(self) -> str:
        """The event of the invocation under way, or empty."""
        return self._request.payload.decode() if self._request is not None and self._running else ""

    def crash(self) -> None:
        """End the process by a signal, as the kernel does when memory runs out: an invocation under way fails."""
        self.gone = True
        if self._process is not None and not self._exited.done():
            _kill_group(self._process.get_pid())

    def doom(self) -> None:
        """`crash` before anything more leaves the process: its result, or its next call, as the front door sees to."""
        self.doomed = True

    async def close(self) -> None:
        """`kill`, and wait until the process is gone."""
        self.kill()
        if self._started:
            await self._exited

    # --- what the Runtime API hears --------------------------------------------------------------

    def next_asked(self, connection: Connection) -> None:
        """Hear that the runtime waits for its next invocation."""
        self._waiting = connection
        if not self._initialized.done():
            self._drain()
            self._initialized.set_result(None)
        if self._request is not None and not self._running:
            self._hand_over()

    def responded(self, request_id: str, payload: bytes) -> bool:
        """Hear that the handler returned."""
        if self._crashed_here():
            return True
        if not self._runs(request_id):
            return True
        if len(payload) <= RESPONSE_LIMIT_BYTES:
            self._end(Returned(payload=payload))
            return True
        # The client does not survive the refusal: it exits, as it does in AWS.
        message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
        self.gone = True
        self._end(Failed(error={"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}))
        return False

    def failed(self, request_id: str, error: bytes) -> None:
        """Hear that the handler raised."""
        if not self._crashed_here() and self._runs(request_id):
            self._end(Failed(error=json.loads(error)))

    def init_failed(self, error: bytes) -> None:
        """Hear that the handler could not be imported."""
        self.gone = True
        self._drain()
        failed = Failed(error=json.loads(error))
        if not self._initialized.done():
            self._initialized.set_result(failed)
        if self._request is not None:
            self._end(failed)

    # --- inside ----------------------------------------------------------------------------------

    def _command(self) -> Sequence[str]:
        cached = f"pycache_prefix={self._bytecode_cache}"
        python = (sys.executable, "-S", "-X", cached)
        if self._skipped_file is not None:
            return *python, "-P", shifted_clock.__file__, str(self._skipped_file), self.function.handler
        return *python, "-m", "awslambdaric", self.function.handler

    def _hand_over(self) -> None:
        assert self._waiting is not None
        assert self._request is not None
        trace = uuid.uuid4().hex
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self._request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self._deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._request.function_arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{trace[:24]};Parent={trace[16:]};Sampled=0",
        }
        self._drain()
        self._running = True
        waiting, self._waiting = self._waiting, None
        waiting.give(headers, self._request.payload)
        if self._exits:
            self.crash()

    def _crashed_here(self) -> bool:
        if self.doomed:
            self.crash()
        return self.doomed

    def _runs(self, request_id: str) -> bool:
        return self._running and self._request is not None and self._request.request_id == request_id

    def _end(self, outcome: Outcome) -> None:
        self._drain()
        self._running = False
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(outcome)

    def _time_out(self) -> None:
        if self._request is None or self._ended is None or self._ended.done():
            return
        request_id = self._request.request_id
        words = f"Task timed out after {self.function.timeout_seconds:.2f} seconds"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._drain()
        self._tell("platform", f"{now} {request_id} {words}", request_id)
        message = f"RequestId: {request_id} Error: {words}"
        self._end(Failed(error={"errorType": "Sandbox.Timedout", "errorMessage": message}))
        self.kill()

    def _process_exited(self, process: asyncio.SubprocessTransport) -> None:
        if self._exited.done():
            return
        self._process = process
        _kill_group(process.get_pid())
        self._watchman.forget(process.get_pid())
        self._api.close()
        self._drain()
        self._close_pipes()
        self.gone = True
        initialized = self._initialized.done()
        if not initialized:
            self._initialized.set_result(Lost())
        if self._ended is not None and not self._ended.done() and self._request is not None:
            self._end(Lost() if initialized and not self._running else self._exit(self._request))
        process.close()
        self._exited.set_result(None)

    def _give_up(self) -> None:
        self.gone = True
        self._api.close()
        self._close_pipes()
        if not self._exited.done():
            self._exited.set_result(None)

    def _exit(self, request: InvokeRequest) -> Failed:
        code = self._process.get_returncode() if self._process is not None else None
        message = f"RequestId: {request.request_id} Error: {_exit_words(code)}"
        self._tell("platform", f"{message}\nRuntime.ExitError", request.request_id)
        return Failed(error={"errorType": "Runtime.ExitError", "errorMessage": message})

    def _drain(self) -> None:
        for pipe in self._pipes:
            pipe.drain()

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            pipe.close_writer()
            pipe.close()

    def _logger(self, stream: Literal["stdout", "stderr"]) -> Callable[[str], None]:
        def log(text: str) -> None:
            running = self._request if self._running else None
            self._tell(stream, text, running.request_id if running is not None else None)

        return log

    def _tell(self, stream: Literal["stdout", "stderr", "platform"], text: str, request_id: str | None) -> None:
        self._on_log(LogLine(function=self.function, request_id=request_id, stream=stream, text=text))


class _Process(asyncio.SubprocessProtocol):
    """Tells when the process is gone."""

    def __init__(self, on_exit: Callable[[asyncio.SubprocessTransport], None]) -> None:
        self._on_exit = on_exit
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def process_exited(self) -> None:
        assert self._transport is not None
        self._on_exit(self._transport)


def _kill_group(process_group: int) -> None:
    # macOS answers EPERM for a group of which only the dead leader is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process_group, signal.SIGKILL)


def _exit_words(code: int | None) -> str:
    if not code:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
