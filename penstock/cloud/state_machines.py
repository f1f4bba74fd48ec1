"""State machines: moto interprets them, each execution in a thread; here they get our clock and their own role.

These are put in place of moto's own, once per process:

- a ``Wait`` state and the pause before a ``Retry`` wait on the application's clock, and an execution that
  waits is not in flight, so that the clock may jump; they end on a whole second (our choice: executions that
  began to wait together go on together, as batches, instead of one jump each);
- the clients of tasks go through the front door as the execution's role, most of them without HTTP;
- a task without a time limit of its own runs in the execution's thread, not in another one;
- a definition is parsed once, not at each start (the parsed program keeps no state: it is in the environment);
- ``TimeoutSeconds`` of a whole execution is a timer of the clock; a task that runs is not interrupted by it.

A wait inside a branch of ``Parallel`` or ``Map`` takes wall time: its execution counts as in flight.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from penstock.cloud.callers import Callers
from penstock.cloud.clock import Clock, Timer
from penstock.cloud.metrics import Metrics

if TYPE_CHECKING:
    from penstock.cloud.front_door import Call, FrontDoor
    from penstock.cloud.wire_form import Reply

ACTIVITY = "execution"
POLL_SECONDS = 10
NAMESPACE = "AWS/States"

_METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
"""Status of an execution → its metric (*Monitoring Step Functions metrics using Amazon CloudWatch*)."""


class StateMachines:
    """The executions of one running application."""

    def __init__(
        self,
        *,
        clock: Clock,
        callers: Callers,
        role_names: Mapping[str, str],
        region: str,
        metrics: Metrics | None = None,
    ) -> None:
        """``role_names``: role ARN → what the role's bearer is called in counts and messages."""
        self._metrics = metrics or Metrics(now_ms=clock.now_ms)
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
        self._calls: set[concurrent.futures.Future[Reply]] = set()
        self.door: FrontDoor

    def install(self) -> None:
        """Make moto's executions in this process those of this application, once `load` has been called."""
        _Current.machines = self

    def close(self) -> None:
        """Let executions that wait, for their time or for an answer, end."""
        self._closed = True
        for answered in list(self._calls):
            answered.cancel()
        for over in list(self._waits):
            over.set()

    # --- called in the thread of an execution ---

    def run(self, machine_arn: str, execute: Callable[[], str]) -> None:
        """Run an execution to its end, a status, in this thread; `begin` was said before the thread started."""
        thread = threading.get_ident()
        self._main_threads.add(thread)
        began_ms = self._clock.now_ms()
        try:
            with suppress(SystemExit):  # the application closed
                status = execute()
                self._on_loop(functools.partial(self._measure_end, machine_arn, status, began_ms))
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
            at_ms = math.ceil(self._clock.now_ms() / 1000 + seconds) * 1000
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
        """A client with the role's credentials; one per service and role, made once."""
        with self._making_clients:
            client = self._clients.get((service, role_arn))
            if client is None:
                client = self._clients[service, role_arn] = self._make_client(service, role_arn)
            return client

    def _make_client(self, service: str, role_arn: str) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        from penstock.cloud.inside_client import InsideClient

        caller = self._callers.register(self._role_names.get(role_arn, role_arn), role_arn)
        if InsideClient.speaks_to(service):
            return InsideClient(service, caller=caller, region=self._region, call=self._call)
        session = Session()
        session.set_credentials(caller.access_key, caller.secret_key)
        return session.create_client(
            service,
            region_name=self._region,
            endpoint_url=self.door.endpoint,
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                account_id_endpoint_mode="disabled",
                max_pool_connections=50,
            ),
        )

    def _call(self, call: Call) -> Reply:
        """Let a call pass the front door and wait for its answer."""
        answered = asyncio.run_coroutine_threadsafe(self.door.call(call), self._loop)
        self._calls.add(answered)
        if self._closed:
            answered.cancel()
        try:
            return answered.result()
        except concurrent.futures.CancelledError:
            raise SystemExit from None
        finally:
            self._calls.discard(answered)

    def _on_loop(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    # --- called on the loop ---

    def machine_of(self, task_token: str) -> str | None:
        """The ARN of the state machine with an execution that waits for a task token."""
        from moto.backends import get_backend

        backend = get_backend("stepfunctions")[self._callers.account_id][self._region]
        for machine in backend.state_machines:
            for execution in machine.executions:
                if execution.exec_worker.env.callback_pool_manager.get(task_token) is not None:
                    return str(machine.arn)
        return None

    def begin(self, machine_arn: str) -> None:
        """An execution is about to start its thread."""
        self._clock.begin(ACTIVITY)
        self._metrics.add(NAMESPACE, "ExecutionsStarted", 1, {"StateMachineArn": machine_arn})

    def _measure_end(self, machine_arn: str, status: str, began_ms: int) -> None:
        dimensions = {"StateMachineArn": machine_arn}
        self._metrics.add(NAMESPACE, _METRICS[status], 1, dimensions)
        took_ms = self._clock.now_ms() - began_ms
        self._metrics.add(NAMESPACE, "ExecutionTime", took_ms, dimensions, unit="Milliseconds")


class _Current:
    """The application that executions in this process belong to."""

    machines: StateMachines


_spared = threading.local()
"""Its ``thread`` is true where what moto starts a thread for next has all the time there is."""


class _Here:
    """What moto uses as a thread and waits for, run where it is started."""

    def __init__(self, target: Callable[[], None]) -> None:
        self._target: Callable[[], None] | None = target

    def start(self) -> None:
        """Run to the end, and keep nothing: moto keeps its threads."""
        target, self._target = self._target, None
        assert target is not None
        target()


def _thread_of_task(*, target: Callable[[], None], daemon: bool) -> Any:
    spared = getattr(_spared, "thread", False)
    _spared.thread = False
    return _Here(target) if spared else threading.Thread(target=target, daemon=daemon)


@functools.cache
def load() -> None:
    """Load moto's interpreter and put our ways in place of its own, before the first call of the service."""
    with _without_its_models("moto.batch"):
        import_module("moto.stepfunctions.parser.models")  # loads every module that holds a name to replace
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
    from moto.stepfunctions.parser.asl.component.program.program import Program
    from moto.stepfunctions.parser.asl.component.state.exec import execute_state
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    def wait_interval(_: Any, env: Any, wait_seconds: int) -> None:
        if wait_seconds > 0:
            _Current.machines.wait(wait_seconds, env.is_running)

    evaluate = Program.eval
    evaluate_within = StateTask._evaluate_with_timeout
    execute = ExecutionWorker._execution_logic
    start = ExecutionWorker.start

    def evaluate_program(self: Any, env: Any) -> None:
        if not _Current.machines.evaluate(self, env, EvalComponent.eval):
            evaluate(self, env)

    def sleep(seconds: float) -> None:
        _Current.machines.wait(seconds)

    def machine_arn(worker: Any) -> str:
        return str(worker._evaluation_details.state_machine_details.arn)

    def execute_to_status(worker: Any) -> str:
        execute(worker)
        return str(worker._execution_communication.execution.exec_status.value)

    def execution_logic(self: Any) -> None:
        _Current.machines.run(machine_arn(self), functools.partial(execute_to_status, self))

    def start_worker(self: Any) -> None:
        _Current.machines.begin(machine_arn(self))
        start(self)

    def evaluate_task(self: Any, env: Any) -> None:
        _spared.thread = self.timeout.is_default_value()
        evaluate_within(self, env)

    def client_for(service: str, state_credentials: Any, **_: str) -> Any:
        return _Current.machines.client(service, state_credentials.role_arn)

    Program.eval = evaluate_program
    StateTask._evaluate_with_timeout = evaluate_task
    execute_state.Thread = _thread_of_task
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
