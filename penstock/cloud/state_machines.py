"""State machines: moto interprets them, each execution in a thread; here they get our clock and their own role.

Three things are put in place of moto's own, once per process:

- a ``Wait`` state and the pause before a ``Retry`` wait on the application's clock, and an execution that
  waits is not in flight, so that the clock may jump;
- the clients of tasks go through the front door with the credentials of the execution's role;
- a definition is parsed once, not at each start (the parsed program keeps no state: it is in the environment);
- ``TimeoutSeconds`` of a whole execution is a timer of the clock; a task that runs is not interrupted by it.

A wait inside a branch of ``Parallel`` or ``Map`` takes wall time: its execution counts as in flight.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace
from typing import Any

from penstock.cloud.callers import Callers
from penstock.cloud.clock import Clock, Timer

ACTIVITY = "execution"
POLL_SECONDS = 10


class StateMachines:
    """The executions of one running application."""

    def __init__(self, *, clock: Clock, callers: Callers, role_names: Mapping[str, str], region: str) -> None:
        """``role_names``: role ARN → what the role's bearer is called in counts and messages."""
        self._clock = clock
        self._callers = callers
        self._role_names = role_names
        self._region = region
        self._loop = asyncio.get_running_loop()
        self._main_threads: set[int] = set()
        self._clients: dict[tuple[str, str], Any] = {}
        self._making_clients = threading.Lock()
        self._closed = False
        self._waits: set[threading.Event] = set()
        self.endpoint = ""

    def install(self) -> None:
        """Make moto's executions in this process those of this application, once `load` has been called."""
        _Current.machines = self

    def close(self) -> None:
        """Let executions that wait end."""
        self._closed = True
        for over in list(self._waits):
            over.set()

    # --- called in the thread of an execution ---

    def run(self, execute: Callable[[], None]) -> None:
        """Run an execution to its end in this thread; `begin` was said before the thread started."""
        thread = threading.get_ident()
        self._main_threads.add(thread)
        try:
            execute()
        finally:
            self._main_threads.discard(thread)
            self._on_loop(functools.partial(self._clock.end, ACTIVITY))

    def evaluate(self, program: Any, env: Any, evaluate: Callable[[Any, Any], None]) -> bool:
        """Evaluate the program of an execution here; ``False`` for one of a branch, which is not ours."""
        if threading.get_ident() not in self._main_threads:
            return False
        timers: list[Timer] = []
        seconds = program.timeout_seconds.timeout_seconds if program.timeout_seconds else None
        if seconds is not None:
            at_ms = self._clock.now_ms() + seconds * 1000
            self._on_loop(
                lambda: timers.append(self._clock.call_at(at_ms, env.set_timed_out, background=True, name="time out"))
            )
        env.next_state_name = program.start_at.start_at_name
        evaluate(program, env)
        for timer in timers:
            self._on_loop(timer.cancel)
        return True

    def wait(self, seconds: float, is_running: Callable[[], bool] = lambda: True) -> None:
        """Wait on the application's clock, or until the execution is stopped."""
        over = threading.Event()
        in_flight = threading.get_ident() not in self._main_threads
        timers: list[Timer] = []

        def start() -> None:
            at_ms = self._clock.now_ms() + round(seconds * 1000)
            timers.append(self._clock.call_at(at_ms, end, name="Wait state"))
            if not in_flight:
                self._clock.end(ACTIVITY)

        def end() -> None:
            if not over.is_set():
                if not in_flight:
                    self._clock.begin(ACTIVITY)
                over.set()
                timers[0].cancel()

        self._waits.add(over)
        self._on_loop(start)
        while not over.wait(POLL_SECONDS):
            if not is_running():  # stopped from outside, which wakes nobody
                self._on_loop(end)
        self._waits.discard(over)
        if self._closed:
            raise SystemExit

    def client(self, service: str, role_arn: str) -> Any:
        """A botocore client with the role's credentials; one per service and role, made once."""
        with self._making_clients:
            client = self._clients.get((service, role_arn))
            if client is None:
                client = self._clients[service, role_arn] = self._make_client(service, role_arn)
            return client

    def _make_client(self, service: str, role_arn: str) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        caller = self._callers.register(self._role_names.get(role_arn, role_arn), role_arn)
        session = Session()
        session.set_credentials(caller.access_key, caller.secret_key)
        return session.create_client(
            service,
            region_name=self._region,
            endpoint_url=self.endpoint,
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                account_id_endpoint_mode="disabled",
                max_pool_connections=50,
            ),
        )

    def _on_loop(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    # --- called on the loop ---

    def begin(self) -> None:
        """An execution is about to start its thread."""
        self._clock.begin(ACTIVITY)


class _Current:
    """The application that executions in this process belong to."""

    machines: StateMachines


@functools.cache
def load() -> None:
    """Load moto's interpreter and put our ways in place of its own, before the first call of the service."""
    with _without_its_models("moto.batch"):
        import_module("moto.stepfunctions.parser.models")  # loads every module that holds a name to replace
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
    from moto.stepfunctions.parser.asl.component.program.program import Program
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    def wait_interval(_: Any, env: Any, wait_seconds: int) -> None:
        if wait_seconds > 0:
            _Current.machines.wait(wait_seconds, env.is_running)

    evaluate = Program.eval
    execute = ExecutionWorker._execution_logic
    start = ExecutionWorker.start

    def evaluate_program(self: Any, env: Any) -> None:
        if not _Current.machines.evaluate(self, env, EvalComponent.eval):
            evaluate(self, env)

    def sleep(seconds: float) -> None:
        _Current.machines.wait(seconds)

    def execution_logic(self: Any) -> None:
        _Current.machines.run(functools.partial(execute, self))

    def start_worker(self: Any) -> None:
        _Current.machines.begin()
        start(self)

    def client_for(service: str, state_credentials: Any, **_: str) -> Any:
        return _Current.machines.client(service, state_credentials.role_arn)

    Program.eval = evaluate_program
    WaitFunction._wait_interval = wait_interval
    retrier_decl.time = SimpleNamespace(sleep=sleep)
    ExecutionWorker._execution_logic = execution_logic
    ExecutionWorker.start = start_worker
    AmazonStateLanguageParser.parse = staticmethod(functools.cache(AmazonStateLanguageParser.parse))
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.") and hasattr(module, "boto_client_for"):
            module.boto_client_for = client_for  # type: ignore[attr-defined]


@contextmanager
def _without_its_models(service: str) -> Iterator[None]:
    """Let modules of a service be imported meanwhile without the package's own ``__init__``.

    The interpreter wants the names of the states of a Batch job; behind them stands all of EC2 (1.2 s, 90 MB).
    """
    if service in sys.modules:
        yield
        return
    found = find_spec(service)
    assert found is not None
    sys.modules[service] = module_from_spec(found)
    try:
        yield
    finally:
        del sys.modules[service]
