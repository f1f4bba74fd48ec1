"""Executions: their waits, their clients, their end."""

import asyncio
import hashlib
import json
import threading
from datetime import datetime
from typing import Any

import pytest

from penstock.cloud.call_counter import CallCounter
from penstock.cloud.callers import Callers
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import Engine, Reply
from penstock.cloud.front_door import Call, ConnectionBroken, FrontDoor, Interceptor, Proceed
from penstock.cloud.policies.refusal import refusal
from penstock.cloud.state_machines import StateMachines
from tests.standing_clock import StandingClock

ROLE = "arn:aws:iam::123456789012:role/fulfilment"


def execute(
    definition: dict[str, Any],
    inputs: list[dict[str, Any]],
    *interceptors: Interceptor,
    metrics: Metrics | None = None,
) -> tuple[list[dict[str, Any]], CallCounter, int]:
    """Run executions to their end: their descriptions, the calls they made, the time that was skipped."""

    async def go() -> tuple[list[dict[str, Any]], CallCounter, int]:
        clock, counter = StandingClock(), CallCounter()
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
        starts = [{"stateMachineArn": arn, "input": json.dumps(each)} for each in inputs]
        started = [engine.call("stepfunctions", "StartExecution", start) for start in starts]
        await asyncio.wait_for(clock.settled(), 60)
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


@pytest.mark.parametrize(("data", "written"), [({"é": [1, None]}, '{"é":[1,null]}'), ("text", '"text"')])
def test_task_writes_data_as_json_and_reads_text(data: Any, written: str) -> None:
    """An object's body is the JSON of what the task gives, and text to the one that reads it; its date is a text."""
    bucket = {"Bucket": "reports", "Key": "one"}

    def task(action: str, following: dict[str, Any], **parameters: Any) -> dict[str, Any]:
        resource = f"arn:aws:states:::aws-sdk:s3:{action}"
        return {"Type": "Task", "Resource": resource, "Parameters": parameters, "ResultPath": "$.last", **following}

    states = {
        "make": task("createBucket", {"Next": "put"}, Bucket="reports"),
        "put": task("putObject", {"Next": "get"}, **bucket, **{"Body.$": "$.data"}),
        "get": task("getObject", {"End": True}, **bucket),
    }

    ended, _, _ = execute({"StartAt": "make", "States": states}, [{"data": data}])

    assert ended[0]["status"] == "SUCCEEDED"
    last = json.loads(ended[0]["output"])["last"]
    assert (last["Body"], last["ContentLength"]) == (written, len(written.encode()))
    assert datetime.fromisoformat(last["LastModified"]).tzinfo is not None


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


@pytest.mark.parametrize("service", ["dynamodb:getItem", "sqs:sendMessage", "sns:publish"])
def test_denied_task_is_retried_and_caught(service: str) -> None:
    """What the role may not do fails as any other error of the service does, not as one of the interpreter."""

    async def deny(call: Call, proceed: Proceed) -> Reply:
        return refusal(call, "User is not authorized")

    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{service}",
        "Parameters": {"TableName": "t", "QueueUrl": "q", "TopicArn": "t"},
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2}],
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "caught"}],
        "End": True,
    }
    caught = {"Type": "Pass", "End": True}

    ended, counter, _ = execute({"StartAt": "t", "States": {"t": task, "caught": caught}}, [{}], deny)

    assert ended[0]["status"] == "SUCCEEDED"
    assert "User is not authorized" in json.loads(ended[0]["output"])["Cause"]
    assert counter.calls.total() == 3


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


UNANSWERED = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {}, "End": True}
REFUSED = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:putItem",
    "Parameters": {"TableName": "nothing", "Item": {}},
    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}],
    "End": True,
}
AWAITING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/tokens", "MessageBody": "m"},
    "End": True,
}
WAIT = {"Type": "Wait", "Seconds": 600, "End": True}


def around(state: dict[str, Any]) -> dict[str, Any]:
    """A definition of one state."""
    return {"StartAt": "t", "States": {"t": state}}


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(UNANSWERED, id="unanswered call"),
        pytest.param(UNANSWERED | {"TimeoutSeconds": 600}, id="unanswered call with a limit"),
        pytest.param(WAIT, id="wait"),
        pytest.param(REFUSED, id="retry"),
        pytest.param(REFUSED | {"TimeoutSeconds": 600}, id="retry with a limit"),
        pytest.param(AWAITING, id="token"),
        pytest.param(AWAITING | {"TimeoutSeconds": 600, "HeartbeatSeconds": 300}, id="token with limits"),
        pytest.param({"Type": "Pass", "Next": "t"}, id="loop"),
        pytest.param({"Type": "Parallel", "Branches": [around(WAIT), around(UNANSWERED)], "End": True}, id="parallel"),
        pytest.param({"Type": "Parallel", "Branches": [around(WAIT)] * 2, "End": True}, id="parallel waits"),
        pytest.param({"Type": "Map", "ItemProcessor": around(AWAITING), "End": True}, id="map"),
        pytest.param({"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": around(WAIT), "End": True}, id="map by one"),
    ],
)
def test_closing_ends_an_execution(state: dict[str, Any]) -> None:
    """Whatever it waits for or is about to do, its threads end, it makes no call more, and counts as over."""

    async def go() -> tuple[list[str], int]:
        clock, callers, counter = StandingClock(), Callers(account_id="123456789012", seed="0"), CallCounter()
        engine = Engine(account_id="123456789012", region="us-east-1")
        machines = StateMachines(clock=clock, callers=callers, role_names={ROLE: "Fulfilment"}, region="us-east-1")
        machines.install()
        asked = asyncio.Event()

        async def never(call: Call, proceed: Proceed) -> Reply:
            if call.operation == "GetItem":
                asked.set()
                await asyncio.Event().wait()
            return await proceed(call)

        machines.door = FrontDoor(engine, callers, clock, interceptors=[counter, never])
        engine.call("sqs", "CreateQueue", {"QueueName": "tokens"})
        machine = {"name": "m", "roleArn": ROLE, "definition": json.dumps(around(state))}
        arn = engine.call("stepfunctions", "CreateStateMachine", machine)["stateMachineArn"]
        before = set(threading.enumerate())
        with clock.activity("test"):  # or the clock would jump over what is waited for
            engine.call("stepfunctions", "StartExecution", {"stateMachineArn": arn, "input": "[1, 2]", "name": "e"})
            while state["Type"] != "Pass" and clock.busy_with.get("execution") and not asked.is_set():
                await asyncio.sleep(0)
            started = set(threading.enumerate()) - before
            machines.close()
            made = counter.calls.total()
        await asyncio.wait_for(clock.settled(), 60)
        for thread in started:
            await asyncio.to_thread(thread.join, 20)
        clock.close()
        return [thread.name for thread in started if thread.is_alive()], counter.calls.total() - made

    assert asyncio.run(go()) == ([], 0)


def test_thread_of_a_closed_application_leaves_the_next_one_alone() -> None:
    """What is left of an execution belongs to the application that it began in, and ends where it next asks it."""
    ended: list[threading.Thread] = []

    async def go() -> list[tuple[int, str]]:
        callers = Callers(account_id="123456789012", seed="0")
        Engine(account_id="123456789012", region="us-east-1").call("stepfunctions", "ListStateMachines", {})
        clocks = [StandingClock(), StandingClock()]
        first, second = (
            StateMachines(clock=clock, callers=callers, role_names={}, region="us-east-1") for clock in clocks
        )

        def go_on() -> None:
            with pytest.raises(SystemExit):
                retrier_decl.time.sleep(1)
            ended.append(threading.current_thread())

        first.install()
        thread = branch_worker.threading.Thread(target=go_on)
        first.close()
        second.install()
        thread.start()
        await asyncio.to_thread(thread.join, 20)
        assert ended == [thread]
        return clocks[1].pending

    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker

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


def one(state: dict[str, Any], **also: dict[str, Any]) -> dict[str, Any]:
    """A definition of one state, and of what follows it."""
    return {"StartAt": "t", "States": {"t": state, **also}}


def get(resource: str, **changes: Any) -> dict[str, Any]:
    """A task that reads from a table that is not there."""
    parameters = {"TableName": "nothing", "Key": {"k": {"S": "1"}}}
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **changes}


WAITING: dict[str, Any] = {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 600, "End": True}}}
CAUGHT = {"Type": "Pass", "Result": "caught", "End": True}


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ("arn:aws:states:::dynamodb:getItem", "DynamoDB.ResourceNotFoundException"),
        ("arn:aws:states:::aws-sdk:dynamodb:getItem", "DynamoDb.ResourceNotFoundException"),
    ],
)
def test_task_fails_by_the_name_of_the_exception(resource: str, error: str) -> None:
    """Optimized and SDK integrations spell the service differently, and the exception the same."""
    by_name = get(resource, Catch=[{"ErrorEquals": [error], "ResultPath": "$.e", "Next": "c"}])

    ended, _, _ = execute(one(by_name, c={"Type": "Pass", "End": True}), [{}])

    assert json.loads(ended[0]["output"])["e"]["Error"] == error


def test_any_failure_of_a_task_is_task_failed() -> None:
    """States.TaskFailed stands for each error of a task but a timeout."""
    task = get("arn:aws:states:::dynamodb:getItem", Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "c"}])

    ended, _, _ = execute(one(task, c=CAUGHT), [{}])

    assert json.loads(ended[0]["output"]) == "caught"


def test_retry_waits_at_most_the_maximum_delay() -> None:
    """Intervals grow by the rate up to MaxDelaySeconds."""
    retry = {"IntervalSeconds": 10, "MaxAttempts": 4, "BackoffRate": 10, "MaxDelaySeconds": 30}
    task = get("arn:aws:states:::dynamodb:getItem", Retry=[{"ErrorEquals": ["States.ALL"], **retry}])

    ended, counter, skipped_ms = execute(one(task), [{}])

    assert ended[0]["status"] == "FAILED"
    assert sum(counter.calls.values()) == 5
    assert 97_000 < skipped_ms < 106_000  # 10 + 30 + 30 + 30


def test_retry_with_full_jitter_waits_less() -> None:
    """With JitterStrategy FULL each wait is a random part of its interval."""
    retry = {"IntervalSeconds": 100, "MaxAttempts": 3, "BackoffRate": 1.0, "JitterStrategy": "FULL"}
    task = get("arn:aws:states:::dynamodb:getItem", Retry=[{"ErrorEquals": ["States.ALL"], **retry}])

    _, counter, skipped_ms = execute(one(task), [{}])

    assert sum(counter.calls.values()) == 4
    assert skipped_ms <= 303_000


def test_branches_wait_on_the_clock() -> None:
    """Waits of branches pass together, nested ones too, and what follows waits after them."""
    nested = one({"Type": "Parallel", "Branches": [WAITING, one(CAUGHT)], "End": True})
    parallel = {"Type": "Parallel", "Branches": [WAITING, nested], "Next": "w"}
    after = {"Type": "Wait", "Seconds": 100, "End": True}

    ended, _, skipped_ms = execute(one(parallel, w=after), [{"n": 1}, {"n": 2}])

    assert [json.loads(each["output"]) for each in ended] == [[{"n": n}, [{"n": n}, "caught"]] for n in (1, 2)]
    assert 695_000 < skipped_ms < 705_000


def test_iterations_wait_on_the_clock() -> None:
    """Items pass as many at a time as MaxConcurrency says; none at all is an empty result."""
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, **WAITING}
    state = {"Type": "Map", "ItemsPath": "$.i", "MaxConcurrency": 2, "ItemProcessor": processor, "End": True}

    ended, _, skipped_ms = execute(one(state), [{"i": [1, 2, 3]}, {"i": []}])

    assert [json.loads(each["output"]) for each in ended] == [[1, 2, 3], []]
    assert 1_195_000 < skipped_ms < 1_205_000


def test_failed_branch_ends_the_others() -> None:
    """When one branch fails, the state fails at once and nobody waits for the others."""
    failing = one({"Type": "Fail", "Error": "E"})
    parallel = {"Type": "Parallel", "Branches": [WAITING, failing], "End": True}
    parallel["Catch"] = [{"ErrorEquals": ["E"], "Next": "c"}]

    ended, _, skipped_ms = execute(one(parallel, c=CAUGHT), [{}])

    assert json.loads(ended[0]["output"]) == "caught"
    assert skipped_ms < 5_000


@pytest.mark.parametrize(
    "state", [{"Type": "Wait", "Seconds": 600, "End": True}, {"Type": "Parallel", "Branches": [WAITING], "End": True}]
)
def test_execution_times_out_at_its_time(state: dict[str, Any]) -> None:
    """TimeoutSeconds of a state machine ends its waits, those of branches too, when it is over."""
    ended, _, skipped_ms = execute({"TimeoutSeconds": 5, **one(state)}, [{}])

    assert ended[0]["status"] == "TIMED_OUT"
    assert 4_000 < skipped_ms < 6_000


def test_choice_without_a_match_fails_by_name() -> None:
    """A Choice that has no Default and matches nothing is States.NoChoiceMatched."""
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.x", "StringEquals": "a", "Next": "t"}]}

    ended, _, _ = execute(one(choice), [{"x": "b"}])

    assert (ended[0]["status"], ended[0]["error"]) == ("FAILED", "States.NoChoiceMatched")


def test_execution_is_described_by_the_clock() -> None:
    """Its dates are the clock's, its name is its own when it is given none, and its output is JSON."""
    ended, _, _ = execute(one({"Type": "Wait", "Seconds": 600, "Next": "c"}, c=CAUGHT), [{}, {}])

    assert len({each["name"] for each in ended}) == 2
    assert [each["output"] for each in ended] == ['"caught"'] * 2
    assert {round((each["stopDate"] - each["startDate"]).total_seconds() / 10) for each in ended} == {60}


def test_paths_are_read_from_each_execution_s_own_data() -> None:
    """What one execution put into its data is not in another's, though paths and programs are parsed once."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {
            "QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/done",
            "MessageBody.$": "$.n.x",
        },
        "ResultSelector": {"md5.$": "$.MD5OfMessageBody"},
        "ResultPath": "$.n.sent",
        "End": True,
    }

    ended, _, _ = execute({"StartAt": "t", "States": {"t": task}}, [{"n": {"x": text}} for text in "ab"])

    assert [json.loads(one["output"]) for one in ended] == [
        {"n": {"x": text, "sent": {"md5": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}}}
        for text in "ab"
    ]
