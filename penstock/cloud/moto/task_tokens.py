"""Tasks that wait for their token: moto waits in a thread, in wall time; here they wait on the application's clock.

A task waits until its token is answered, its time (``TimeoutSeconds``, or ``HeartbeatSeconds`` without a heartbeat) is
up, or its execution is over. It waits in the background: the clock does not jump to the end of its time, since whoever
has the token may yet answer. Source: *Wait for a Callback with Task Token* of the Step Functions developer guide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.cloud.state_machines import StateMachines

Machines = Callable[[], "StateMachines"]
"""The state machines that the asking thread works for."""


class Stopped(BaseException):
    """The execution of a task that waits for its token is over: no state of it may make anything of that."""


def is_awaited_by(state: Any) -> bool:
    """Whether a state is a task that waits for its token."""
    return getattr(getattr(state, "resource", None), "condition", None) == "waitForTaskToken"


def install(machines: Machines) -> None:
    """Put our way of waiting in place of moto's."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint

    def wait(_: Any, *, env: Any, timeout_seconds: int, callback_endpoint: Any, heartbeat_endpoint: Any) -> Any:
        return _outcome(machines(), env, timeout_seconds, callback_endpoint, heartbeat_endpoint)

    state_task_service_callback.StateTaskServiceCallback._eval_wait_for_task_token = wait
    CallbackEndpoint.notify = _and_wake(machines, CallbackEndpoint.notify)
    CallbackEndpoint.notify_heartbeat = _and_wake(machines, CallbackEndpoint.notify_heartbeat)


def _outcome(machines: StateMachines, env: Any, timeout_seconds: int, token: Any, heartbeats: Any) -> Any:
    """Wait for the answer to a token; gives that, or that there was none in time."""
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeTimedOut, HeartbeatTimedOut

    ends_at_ms = machines.now_ms() + timeout_seconds * 1000

    def is_due() -> bool:
        beaten = heartbeats is not None and heartbeats._next_heartbeat_event.is_set()
        return env.is_running() and token.get_outcome() is None and not beaten

    while env.is_running() and token.get_outcome() is None:
        left_seconds = (ends_at_ms - machines.now_ms()) / 1000
        if left_seconds <= 0:
            return CallbackOutcomeTimedOut(token.callback_id)
        seconds = left_seconds if heartbeats is None else min(left_seconds, heartbeats._heartbeat_seconds)
        machines.wait(seconds, is_due, name="task token", background=True)
        if is_due() and seconds < left_seconds:
            return HeartbeatTimedOut()
        if heartbeats is not None:
            heartbeats._next_heartbeat_event.clear()
    if not env.is_running():
        raise Stopped
    return token.get_outcome()


def _and_wake(machines: Machines, notify: Callable[..., Any]) -> Callable[..., Any]:
    """Have what an answer or a heartbeat is for hear of it."""

    def notify_and_wake(*args: Any, **named: Any) -> Any:
        told = notify(*args, **named)
        machines().wake_overdue()
        return told

    return notify_and_wake
