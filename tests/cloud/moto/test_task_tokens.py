"""Tasks that wait for their token: the answer, the limits, the end of the execution."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from penstock.cloud.callers import Callers
from penstock.cloud.engine import Engine
from penstock.cloud.front_door import FrontDoor
from penstock.cloud.state_machines import StateMachines
from tests.standing_clock import StandingClock

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/tokens"
AWAIT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": QUEUE, "MessageBody.$": "$$.Task.Token"},
    "End": True,
}


@dataclass(frozen=True, kw_only=True)
class Awaiting:
    """An execution that waits for its token."""

    clock: StandingClock
    engine: Engine
    token: str
    arn: str

    def ask(self, operation: str, **params: Any) -> dict[str, Any]:
        """Make a call of Step Functions."""
        return self.engine.call("stepfunctions", operation, params)

    async def ended(self) -> dict[str, Any]:
        """The execution, once nothing is in flight any more."""
        await asyncio.wait_for(self.clock.settled(), 60)
        return self.ask("DescribeExecution", executionArn=self.arn)

    async def advance(self, seconds: int) -> None:
        """Let time pass."""
        await asyncio.wait_for(self.clock.wait_until(self.clock.now_ms() + seconds * 1000), 60)


@asynccontextmanager
async def awaiting(state: dict[str, Any]) -> AsyncIterator[Awaiting]:
    """Run an execution of one state until it waits for its token."""
    clock, callers = StandingClock(), Callers(account_id="123456789012", seed="0")
    engine = Engine(account_id="123456789012", region="us-east-1")
    machines = StateMachines(clock=clock, callers=callers, role_names={}, region="us-east-1")
    machines.install()
    machines.door = FrontDoor(engine, callers, clock)
    engine.call("sqs", "CreateQueue", {"QueueName": "tokens"})
    states = {"t": state, "late": {"Type": "Pass", "Result": 1, "End": True}}
    definition = json.dumps({"StartAt": "t", "States": states})
    role = "arn:aws:iam::123456789012:role/machine"
    machine = {"name": "m", "roleArn": role, "definition": definition}
    arn = engine.call("stepfunctions", "CreateStateMachine", machine)["stateMachineArn"]
    started = engine.call("stepfunctions", "StartExecution", {"stateMachineArn": arn, "input": "{}"})
    await asyncio.wait_for(clock.settled(), 60)
    (message,) = engine.call("sqs", "ReceiveMessage", {"QueueUrl": QUEUE})["Messages"]
    yield Awaiting(clock=clock, engine=engine, token=message["Body"], arn=started["executionArn"])
    machines.close()
    clock.close()


def see(state: dict[str, Any], go: Callable[[Awaiting], Any]) -> tuple[dict[str, Any], int]:
    """Do something while an execution waits for its token: how it ended, and the seconds that were skipped."""

    async def watch() -> tuple[dict[str, Any], int]:
        async with awaiting(state) as it:
            assert it.ask("DescribeExecution", executionArn=it.arn)["status"] == "RUNNING"
            done = go(it)
            if done is not None and asyncio.iscoroutine(done):
                await done
            return await it.ended(), it.clock.skipped_ms // 1000

    return asyncio.run(watch())


@pytest.mark.parametrize("limits", [{}, {"TimeoutSeconds": 600}, {"TimeoutSeconds": 600, "HeartbeatSeconds": 300}])
def test_answered_token_lets_its_task_go_on(limits: dict[str, int]) -> None:
    """Who waits is not in flight, the clock stays where it is, and the answer is the task's output."""
    ended, skipped_seconds = see(
        AWAIT | limits, lambda it: it.ask("SendTaskSuccess", taskToken=it.token, output='{"yes": 1}')
    )

    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"yes": 1})
    assert skipped_seconds == 0


def test_token_answered_by_a_failure_fails_its_task() -> None:
    """The error is the one that was sent."""
    ended, _ = see(AWAIT, lambda it: it.ask("SendTaskFailure", taskToken=it.token, error="No"))

    assert (ended["status"], ended["error"]) == ("FAILED", "No")


def test_task_without_an_answer_times_out() -> None:
    """TimeoutSeconds passes on the clock, and is caught as States.Timeout."""
    caught = AWAIT | {"TimeoutSeconds": 600, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "late"}]}

    ended, skipped_seconds = see(caught, lambda it: it.advance(610))

    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "1")
    assert 600 <= skipped_seconds <= 611


def test_heartbeats_keep_a_task_waiting() -> None:
    """Each starts HeartbeatSeconds anew; without one the task fails after it."""

    async def beat(it: Awaiting) -> None:
        for _ in range(3):
            await it.advance(200)
            it.ask("SendTaskHeartbeat", taskToken=it.token)
        await it.advance(200)
        assert it.ask("DescribeExecution", executionArn=it.arn)["status"] == "RUNNING"
        await it.advance(150)

    ended, _ = see(AWAIT | {"TimeoutSeconds": 6000, "HeartbeatSeconds": 300}, beat)

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


def test_stopped_execution_waits_for_its_token_no_longer() -> None:
    """StopExecution is the end at once, and no failure of the task."""
    caught = AWAIT | {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "late"}]}

    ended, _ = see(caught, lambda it: it.ask("StopExecution", executionArn=it.arn))

    assert ended["status"] == "ABORTED"
