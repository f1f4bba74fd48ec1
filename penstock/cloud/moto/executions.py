"""moto's executions, put in place once per process so that they ask the application that they belong to.

What is put in place of moto's own:

- a ``Wait`` state and the pause before a ``Retry`` wait as `StateMachines` says, and so do ``Parallel`` and ``Map`` for
  their branches;
- a task waits for its token as ``moto/task_tokens.py`` says;
- the clients of tasks are those of `StateMachines`, with the execution's role;
- a state runs in its execution's thread, not in another, but for a task that has a time limit and waits for no token;
- a definition is parsed once, not at each start (the parsed program keeps no state: it is in the environment), and so
  is a path; what they work on is JSON and copied as such;
- ``TimeoutSeconds`` of a whole execution is a timer of the clock that ends its waits; a task that runs, or pauses
  before a retry, is not interrupted by it;
- what a thread waits for, and the next state that it comes to, end it once its application has closed;
- an execution that is given no name has one of its own, and its output is JSON even when it is a text;
- a ``Choice`` without a match fails with ``States.NoChoiceMatched``.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from penstock.cloud.moto import task_tokens

if TYPE_CHECKING:
    from penstock.cloud.state_machines import StateMachines


class _Current:
    """The application that executions in this process belong to."""

    machines: StateMachines


def belong_to(machines: StateMachines) -> None:
    """Make executions in this process those of an application, once `load` has been called."""
    _Current.machines = machines


_own = threading.local()
"""Its ``machines`` are those that this thread works for, where it is one of an execution."""


def _machines() -> StateMachines:
    return getattr(_own, "machines", None) or _Current.machines


class _Thread(threading.Thread):
    """A thread of an execution. It works for those that its maker works for, though another application may be next."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._machines = _machines()

    def run(self) -> None:
        """Do the work, or end where the application has."""
        _own.machines = self._machines
        with suppress(SystemExit):
            super().run()


class _Event(threading.Event):
    """What threads of an execution wait for: one another, a token. None of them waits longer than its application."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it in this thread."""
        return _machines().block(self, functools.partial(super().wait, timeout))


_threading = SimpleNamespace(**{**vars(threading), "Thread": _Thread, "Event": _Event})
_NO_THREADS: deque[threading.Thread] = deque(maxlen=0)
"""In place of the list in which moto keeps every thread that there ever was."""

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


def _thread_of_state(*, target: Callable[[], None], daemon: bool) -> Any:
    spared = getattr(_spared, "thread", False)
    _spared.thread = False
    return _Here(target) if spared else _Thread(target=target, daemon=daemon)


@functools.cache
def load() -> None:
    """Load moto's interpreter and put our ways in place of its own, before the first call of the service."""
    with _without_its_models("moto.batch"):
        import_module("moto.stepfunctions.parser.models")  # loads every module that holds a name to replace
    _describe_executions()
    _follow_executions()
    _follow_branches()
    _wait_here()
    _name_choices()
    task_tokens.install(_machines)
    _replace_names()


def _follow_executions() -> None:
    """Know which executions run, and end those of an application that closed."""
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
    from moto.stepfunctions.parser.asl.component.program.program import Program
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend import execution_worker

    ExecutionWorker = execution_worker.ExecutionWorker
    evaluate, find_state = Program.eval, Program._get_state
    execute, start, stop = ExecutionWorker._execution_logic, ExecutionWorker.start, ExecutionWorker.stop

    def evaluate_here(program: Any, env: Any) -> None:
        try:
            EvalComponent.eval(program, env)
        except task_tokens.Stopped:
            EvalComponent.eval(program, env)  # which runs no state now, and notes how it ended

    def evaluate_program(self: Any, env: Any) -> None:
        if not _machines().evaluate(self, env, evaluate_here):
            evaluate(self, env)

    def find_state_if_open(self: Any, name: str) -> Any:
        _machines().require_open()
        return find_state(self, name)

    def machine_arn(worker: Any) -> str:
        return str(worker._evaluation_details.state_machine_details.arn)

    def execute_to_status(worker: Any) -> str:
        execute(worker)
        return str(worker._execution_communication.execution.exec_status.value)

    def execution_logic(self: Any) -> None:
        _machines().run_execution(machine_arn(self), functools.partial(execute_to_status, self))

    def start_worker(self: Any) -> None:
        _machines().begin(machine_arn(self))
        start(self)

    def stop_worker(self: Any, **why: Any) -> None:
        stop(self, **why)
        _machines().wake_overdue()

    Program.eval, Program._get_state = evaluate_program, find_state_if_open
    ExecutionWorker._execution_logic = execution_logic
    ExecutionWorker.start, ExecutionWorker.stop = start_worker, stop_worker
    execution_worker.Thread, execution_worker.TMP_THREADS = _Thread, _NO_THREADS
    AmazonStateLanguageParser.parse = staticmethod(functools.cache(AmazonStateLanguageParser.parse))


def _wait_here() -> None:
    """Let states run, and wait, in the thread of their execution."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec import execute_state
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    evaluate_within = execute_state.ExecutionState._evaluate_with_timeout

    def wait_interval(_: Any, env: Any, wait_seconds: int) -> None:
        if wait_seconds > 0:
            _machines().wait(wait_seconds, env.is_running)

    def sleep(seconds: float) -> None:
        _machines().wait(seconds)

    def evaluate_state(self: Any, env: Any) -> None:
        _spared.thread = self.timeout.is_default_value() or task_tokens.is_awaited_by(self)
        evaluate_within(self, env)

    execute_state.ExecutionState._evaluate_with_timeout = evaluate_state
    execute_state.Thread = _thread_of_state
    WaitFunction._wait_interval = wait_interval
    retrier_decl.time = SimpleNamespace(sleep=sleep)


def _replace_names() -> None:
    """Give every module of the interpreter our threads and clients, paths that are parsed once, and copies of JSON."""

    def client_for(service: str, state_credentials: Any, **_: str) -> Any:
        return _machines().client(service, state_credentials.role_arn)

    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.stepfunctions.parser.asl."):
            continue
        if getattr(module, "threading", None) is threading:
            module.threading = _threading  # type: ignore[attr-defined]
        if hasattr(module, "TMP_THREADS"):
            module.TMP_THREADS = _NO_THREADS  # type: ignore[attr-defined]
        if hasattr(module, "boto_client_for"):
            module.boto_client_for = client_for  # type: ignore[attr-defined]
        if getattr(module, "copy", None) is copy:
            module.copy = SimpleNamespace(deepcopy=_copied)  # type: ignore[attr-defined]
        if getattr(getattr(module, "parse", None), "__module__", "").startswith("jsonpath_ng."):
            module.parse = functools.lru_cache(maxsize=512)(module.parse)  # type: ignore[attr-defined]


def _copied(value: Any) -> Any:
    """A copy of JSON data that shares nothing; anything else is copied by ``copy``."""
    kind = type(value)
    if kind is dict:
        return {name: _copied(member) for name, member in value.items()}
    if kind is list:
        return [_copied(member) for member in value]
    return value if kind in (str, int, float, bool, type(None)) else copy.deepcopy(value)


def _describe_executions() -> None:
    """Give an execution the clock's dates, a name where it has none, and its output as JSON, a text too."""
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend

    start = StepFunctionsParserBackend.start_execution
    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    def now() -> datetime:
        return datetime.fromtimestamp(_machines().now_ms() / 1000, UTC)

    def start_named(self: Any, machine_arn: str, name: str | None = None, *args: Any, **named: Any) -> Any:
        execution = start(self, machine_arn, name or str(uuid.uuid4()), *args, **named)
        if execution.stop_date is None:
            execution.start_date = now()
        return execution

    def reflect_in_json(self: Any) -> None:
        reflect(self)
        self.execution.stop_date = now()
        self.execution.output = json.dumps(self.execution.output, separators=(",", ":"), ensure_ascii=False)

    StepFunctionsParserBackend.start_execution = start_named
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_in_json


def _follow_branches() -> None:
    """Know which branches of ``Parallel`` and ``Map`` run, and which states wait for them."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        inline_iteration_component,
        iteration_worker,
        job,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl

    def began(start: Callable[..., Any]) -> Callable[..., Any]:
        def begin_and_start(*args: Any, **named: Any) -> Any:
            _machines().begin_branch()
            return start(*args, **named)

        return begin_and_start

    def run(evaluate: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda self: _machines().run(functools.partial(evaluate, self))

    def waited(wait: Callable[[Any], None], is_over: Callable[[Any], bool]) -> Callable[[Any], None]:
        return lambda pool: _machines().wait_for_branches(
            pool, functools.partial(is_over, pool), functools.partial(wait, pool)
        )

    def ended(end: Callable[..., None], is_over: Callable[[Any], bool]) -> Callable[..., None]:
        def end_and_tell(pool: Any, *args: Any, **named: Any) -> None:
            end(pool, *args, **named)
            _machines().branch_ended(pool, functools.partial(is_over, pool))

        return end_and_tell

    def stopped(stop: Callable[..., None]) -> Callable[..., None]:
        def stop_and_wake(self: Any, **named: Any) -> None:
            stop(self, **named)
            _machines().wake_overdue()

        return stop_and_wake

    worker, iteration = branch_worker.BranchWorker, iteration_worker.IterationWorker
    worker.start, worker._thread_routine = began(worker.start), run(worker._thread_routine)
    worker.stop = stopped(worker.stop)
    component = inline_iteration_component.InlineIterationComponent
    component._launch_worker, iteration.eval = began(component._launch_worker), run(iteration.eval)

    def branches_over(pool: Any) -> bool:
        return bool(pool._termination_event.is_set())

    branches, jobs, jobs_over = branches_decl.BranchWorkerPool, job.JobPool, job.JobPool._is_terminated
    branches.wait = waited(branches.wait, branches_over)
    branches.on_terminated = ended(branches.on_terminated, branches_over)
    jobs.await_jobs, jobs.close_job = waited(jobs.await_jobs, jobs_over), ended(jobs.close_job, jobs_over)


def _name_choices() -> None:
    """Let a ``Choice`` that matches nothing fail by its name in the Amazon States Language."""
    from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
    from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    choose = StateChoice._eval_state

    def evaluate_choice(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError as error:
            if not str(error.args[0]).startswith("No branching option"):
                raise
            cause = f"No choice matched in state '{self.name}', and it has no Default"
            details = ExecutionFailedEventDetails(error="States.NoChoiceMatched", cause=cause)
            raise FailureEventException(
                FailureEvent(
                    env=env,
                    error_name=StatesErrorName(typ=StatesErrorNameType.StatesNoChoiceMatched),
                    event_type=HistoryEventType.ExecutionFailed,
                    event_details=EventDetails(executionFailedEventDetails=details),
                )
            ) from None

    StateChoice._eval_state = evaluate_choice


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
