"""Executions: their waits, their clients, their end."""

import asyncio
import json
import threading
from typing import Any

from penstock.cloud.call_counter import CallCounter
from penstock.cloud.callers import Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine, Reply
from penstock.cloud.front_door import Call, ConnectionBroken, FrontDoor, Interceptor, Proceed
from penstock.cloud.metrics import Metrics
from penstock.cloud.state_machines import StateMachines

ROLE = "arn:aws:iam::123456789012:role/fulfilment"


def execute(
    definition: dict[str, Any],
    inputs: list[dict[str, Any]],
    *interceptors: Interceptor,
    metrics: Metrics | None = None,
) -> tuple[list[dict[str, Any]], CallCounter, int]:
    """Run executions to their end: their descriptions, the calls they made, the time that was skipped."""

    async def go() -> tuple[list[dict[str, Any]], CallCounter, int]:
        clock, counter = JumpingClock(), CallCounter()
        engine = Engine(account_id="123456789012", region="us-east-1")
        callers = Callers(account_id="123456789012", seed="0")
        names = {ROLE: "Fulfilment"}
        machines = StateMachines(clock=clock, callers=callers, role_names=names, region="us-east-1", metrics=metrics)
        machines.install()
        door = FrontDoor(engine, callers, clock, interceptors=[counter, *interceptors])
        await door.start()
        machines.door = door
        engine.call("sqs", "CreateQueue", {"QueueName": "done"})
        machine = {"name": "m", "roleArn": ROLE, "definition": json.dumps(definition)}
        arn = engine.call("stepfunctions", "CreateStateMachine", machine)["stateMachineArn"]
        starts = [{"stateMachineArn": arn, "input": json.dumps(each), "name": f"e{n}"} for n, each in enumerate(inputs)]
        started = [engine.call("stepfunctions", "StartExecution", start) for start in starts]
        await asyncio.wait_for(clock.settled(), 20)
        ended = [
            engine.call("stepfunctions", "DescribeExecution", {"executionArn": one["executionArn"]}) for one in started
        ]
        machines.close()
        await door.close()
        clock.close()
        return ended, counter, clock.skipped_ms

    return asyncio.run(go())


def test_wait_state_follows_the_clock() -> None:
    """Executions that wait let the clock jump, all at once."""
    waiting = {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 600, "End": True}}}

    ended, _, skipped_ms = execute(waiting, [{"n": n} for n in range(5)])

    assert {one["status"] for one in ended} == {"SUCCEEDED"}
    assert [json.loads(one["output"]) for one in ended] == [{"n": n} for n in range(5)]
    assert 590_000 < skipped_ms < 700_000


def test_task_calls_pass_the_front_door_as_the_role() -> None:
    """A task's call is counted under the state machine's name."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/done", "MessageBody.$": "$.n"},
        "End": True,
    }

    ended, counter, _ = execute({"StartAt": "t", "States": {"t": task}}, [{"n": "one"}])

    assert ended[0]["status"] == "SUCCEEDED"
    assert counter.calls == {("Fulfilment", "sqs", "SendMessage"): 1}


def test_retry_waits_on_the_clock_and_gives_up() -> None:
    """A failing task is repeated after its intervals and then caught."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Parameters": {"TableName": "nothing", "Key": {"k": {"S": "1"}}},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "MaxAttempts": 2, "BackoffRate": 2}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "caught"}],
        "End": True,
    }
    caught = {"Type": "Pass", "Result": {"was": "caught"}, "End": True}

    ended, counter, skipped_ms = execute({"StartAt": "t", "States": {"t": task, "caught": caught}}, [{}])

    assert json.loads(ended[0]["output"]) == {"was": "caught"}
    assert counter.calls == {("Fulfilment", "dynamodb", "GetItem"): 3}
    assert 290_000 < skipped_ms < 310_000


def test_task_whose_answer_is_lost_is_retried() -> None:
    """The message was sent; the task does not know it, and sends it again."""
    lost = iter([True, False])

    class Lose:
        async def __call__(self, call: Call, proceed: Proceed) -> Reply:
            reply = await proceed(call)
            if next(lost):
                raise ConnectionBroken
            return reply

    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/done", "MessageBody": "m"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}],
        "End": True,
    }

    ended, counter, _ = execute({"StartAt": "t", "States": {"t": task}}, [{}], Lose())

    assert ended[0]["status"] == "SUCCEEDED"
    assert counter.calls == {("Fulfilment", "sqs", "SendMessage"): 2}


def test_closing_ends_an_execution_whose_call_is_not_answered() -> None:
    """A thread that waits for the front door is let go when the application closes."""

    async def go() -> list[str]:
        clock, callers = JumpingClock(), Callers(account_id="123456789012", seed="0")
        engine = Engine(account_id="123456789012", region="us-east-1")
        machines = StateMachines(clock=clock, callers=callers, role_names={ROLE: "Fulfilment"}, region="us-east-1")
        machines.install()
        asked = asyncio.Event()

        async def never(call: Call, proceed: Proceed) -> Reply:
            asked.set()
            await asyncio.Event().wait()
            return await proceed(call)

        machines.door = FrontDoor(engine, callers, clock, interceptors=[never])
        task = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {}, "End": True}
        definition = json.dumps({"StartAt": "t", "States": {"t": task}})
        machine = {"name": "m", "roleArn": ROLE, "definition": definition}
        arn = engine.call("stepfunctions", "CreateStateMachine", machine)["stateMachineArn"]
        before = set(threading.enumerate())
        engine.call("stepfunctions", "StartExecution", {"stateMachineArn": arn, "input": "{}", "name": "e"})
        await asyncio.wait_for(asked.wait(), 20)
        started = set(threading.enumerate()) - before
        machines.close()
        await asyncio.wait_for(clock.settled(), 20)
        for thread in started:
            thread.join(20)
        clock.close()
        return [thread.name for thread in started if thread.is_alive()]

    assert asyncio.run(go()) == []


def test_executions_are_counted_by_how_they_end() -> None:
    """Each is started once and ends in one of four ways."""
    metrics = Metrics(now_ms=lambda: 0)
    choice = {"Variable": "$.well", "BooleanEquals": True, "Next": "well"}
    states = {
        "which": {"Type": "Choice", "Choices": [choice], "Default": "ill"},
        "well": {"Type": "Wait", "Seconds": 60, "Next": "late"},
        "late": {"Type": "Succeed"},
        "ill": {"Type": "Fail", "Error": "Ill"},
    }

    execute({"StartAt": "which", "States": states}, [{"well": True}, {"well": True}, {"well": False}], metrics=metrics)

    (arn,) = {dict(metric.dimensions)["StateMachineArn"] for metric in metrics.list("AWS/States")}
    names = ("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
    assert [metrics.sum("AWS/States", name, StateMachineArn=arn) for name in names] == [3, 2, 1, 0, 0]
    longest_ms = metrics.statistic("Maximum", "AWS/States", "ExecutionTime", StateMachineArn=arn)
    assert longest_ms is not None
    assert 60_000 <= longest_ms < 120_000
