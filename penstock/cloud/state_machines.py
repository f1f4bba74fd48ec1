"""State machines: moto interprets them, each execution in a thread; here they get our clock and their own role.

An execution that waits, in a ``Wait`` state or before a retry, waits on the application's clock and is not in flight,
so that the clock may jump; waits end on a whole second (our choice: executions that began to wait together go on
together, as batches, instead of one jump each). One that waits for the answer to a task token is not in flight either,
but no reason to jump. Tasks call through the front door as the execution's role. How moto is brought to ask here is in
``moto/executions.py``.

Branches of ``Parallel`` and ``Map`` have threads of their own; each is in flight while it does not wait, and the state
that waits for them is not.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import json
import math
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from penstock.cloud.callers import Callers
from penstock.cloud.clock import Clock, Timer
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.inside_client import InsideClient, in_json
from penstock.cloud.moto import executions

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
        self._threads: set[int] = set()
        self._pools = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._making_clients = threading.Lock()
        self._closed = False
        self._session = uuid.uuid4().hex  # so that a late call is not taken for one of the next application
        self._waits: dict[threading.Event, tuple[Callable[[], bool], Callable[[], None]]] = {}
        self._blocked: dict[int, threading.Event] = {}
        self._calls: set[concurrent.futures.Future[Reply]] = set()
        self.door: FrontDoor

    def install(self) -> None:
        """Make moto's executions in this process those of this application."""
        executions.belong_to(self)

    def close(self) -> None:
        """End the executions: those that wait, for what it may be, at once, the others where they next ask here."""
        self._closed = True
        for answered in list(self._calls):
            answered.cancel()
        for _, end in list(self._waits.values()):
            end()
        for awaited in list(self._blocked.values()):
            awaited.set()

    # --- called in the thread of an execution ---

    def run(self, execute: Callable[[], None]) -> None:
        """Run an execution or a branch to its end in this thread, which was said to be in flight before it started."""
        thread = threading.get_ident()
        self._threads.add(thread)
        try:
            with suppress(SystemExit):  # the application closed
                self.require_open()
                execute()
        finally:
            self._threads.discard(thread)
            self._on_loop(functools.partial(self._clock.end, ACTIVITY))

    def run_execution(self, machine_arn: str, execute: Callable[[], str]) -> None:
        """Run an execution to its end, a status, as `run` does, and measure it."""
        began_ms = self._clock.now_ms()

        def measured() -> None:
            status = execute()
            self._on_loop(functools.partial(self._measure_end, machine_arn, status, began_ms))

        self.run(measured)

    def evaluate(self, program: Any, env: Any, evaluate: Callable[[Any, Any], None]) -> bool:
        """Evaluate a program in this thread; ``False`` in a thread that is not of an execution or a branch."""
        if threading.get_ident() not in self._threads:
            return False
        timers: list[Timer] = []
        seconds = program.timeout_seconds.timeout_seconds if program.timeout_seconds else None
        if seconds is not None:
            at_ms = self._clock.now_ms() + seconds * 1000

            def time_out() -> None:
                env.set_timed_out()
                self._wake_overdue()

            self._on_loop(lambda: timers.append(self._clock.call_at(at_ms, time_out, background=True, name="time out")))
        env.next_state_name = program.start_at.start_at_name
        evaluate(program, env)
        for timer in timers:
            self._on_loop(timer.cancel)
        return True

    def wait(
        self,
        seconds: float,
        is_due: Callable[[], bool] = lambda: True,
        *,
        name: str = "Wait state",
        background: bool = False,
    ) -> None:
        """Wait on the application's clock, as long as there is a reason to; with ``background`` it does not jump."""
        self.require_open()
        over = threading.Event()
        in_flight = threading.get_ident() not in self._threads
        timers: list[Timer] = []

        def start() -> None:
            if over.is_set():
                return
            at_ms = math.ceil(self._clock.now_ms() / 1000 + seconds) * 1000
            timers.append(self._clock.call_at(at_ms, end, name=name, background=background))
            if not in_flight:
                self._clock.end(ACTIVITY)
            if not is_due():
                end()

        def end() -> None:
            if over.is_set():
                return
            over.set()
            for timer in timers:  # none, where it ends before it started
                timer.cancel()
                if not in_flight:
                    self._clock.begin(ACTIVITY)

        self._waits[over] = is_due, end
        self._on_loop(end if self._closed else start)
        while not over.wait(POLL_SECONDS):
            if not is_due():  # stopped from outside, which wakes nobody
                self._on_loop(end)
        del self._waits[over]
        self.require_open()

    def require_open(self) -> None:
        """End this thread if the application closed."""
        if self._closed:
            raise SystemExit

    def wake_overdue(self) -> None:
        """End the waits that have no reason any more, by what this thread has done."""
        self._on_loop(self._wake_overdue)

    def begin_branch(self) -> None:
        """A branch of this thread's execution is about to start its own."""
        self.require_open()
        self._on_loop(functools.partial(self._clock.begin, ACTIVITY))

    def wait_for_branches(self, pool: Any, is_over: Callable[[], bool], wait: Callable[[], None]) -> None:
        """Wait, out of flight, for the branches of a pool; the one that is last says that this thread goes on."""
        with self._pools:
            if not is_over():
                pool.is_waited_for = True
                self._on_loop(functools.partial(self._clock.end, ACTIVITY))
        try:
            wait()
        except SystemExit:
            self._go_on(pool)
            raise

    def branch_ended(self, pool: Any, is_over: Callable[[], bool]) -> None:
        """A branch of this pool ended, here, in its own thread."""
        if is_over():
            self._go_on(pool)

    def _go_on(self, pool: Any) -> None:
        """Say, once, that the thread that waits for a pool is in flight again."""
        with self._pools:
            if getattr(pool, "is_waited_for", False):
                pool.is_waited_for = False
                self._on_loop(functools.partial(self._clock.begin, ACTIVITY))

    def block(self, awaited: threading.Event, wait: Callable[[], bool]) -> bool:
        """Wait in this thread, in flight, for what another one does; the end of the application ends the thread."""
        thread = threading.get_ident()
        self._blocked[thread] = awaited
        try:
            self.require_open()
            came = wait()
        finally:
            del self._blocked[thread]
        self.require_open()
        return came

    def client(self, service: str, role_arn: str) -> Any:
        """A client with the role's credentials; one per service and role, made once."""
        self.require_open()
        with self._making_clients:
            client = self._clients.get((service, role_arn))
            if client is None:
                client = self._clients[service, role_arn] = self._make_client(service, role_arn)
            return client

    def _make_client(self, service: str, role_arn: str) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        name = self._role_names.get(role_arn, role_arn)
        caller = self._callers.register(name, role_arn, session=self._session)
        if InsideClient.speaks_to(service):
            return InsideClient(service, caller=caller, region=self._region, call=self._call)
        session = Session()
        session.set_credentials(caller.access_key, caller.secret_key)
        client = session.create_client(
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
        client.meta.events.register("provide-client-params.s3", _with_json_for_blobs)
        client.meta.events.register("after-call.s3", _in_json)
        return client

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

    def now_ms(self) -> int:
        """The application's clock; any thread may ask."""
        return self._clock.now_ms()

    def begin(self, machine_arn: str) -> None:
        """An execution is about to start its thread."""
        self._clock.begin(ACTIVITY)
        self._metrics.add(NAMESPACE, "ExecutionsStarted", 1, {"StateMachineArn": machine_arn})

    def _measure_end(self, machine_arn: str, status: str, began_ms: int) -> None:
        dimensions = {"StateMachineArn": machine_arn}
        self._metrics.add(NAMESPACE, _METRICS[status], 1, dimensions)
        took_ms = self._clock.now_ms() - began_ms
        self._metrics.add(NAMESPACE, "ExecutionTime", took_ms, dimensions, unit="Milliseconds")

    def _wake_overdue(self) -> None:
        for is_due, end in list(self._waits.values()):
            if not is_due():
                end()


def _with_json_for_blobs(params: Mapping[str, Any], model: Any, **_: Any) -> dict[str, Any]:
    """The parameters of a task, what S3 takes as bytes being the JSON text of what was given, a text in quotes too."""
    blobs = {name for name, shape in model.input_shape.members.items() if shape.type_name == "blob"}
    return {
        name: json.dumps(value, separators=(",", ":"), ensure_ascii=False) if name in blobs else value
        for name, value in params.items()
    }


def _in_json(parsed: dict[str, Any], **_: Any) -> None:
    """Have an answer be data of the execution; a stream is read as text."""
    for name, value in parsed.items():
        parsed[name] = value.read().decode() if hasattr(value, "read") else in_json(value)
