"""Processes killed on purpose: what the service has done by then, and the function error that is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.cloud.callers import Callers
from penstock.cloud.clock import WallClock
from penstock.cloud.engine import Engine
from penstock.cloud.faults import Faults, FaultScript
from penstock.cloud.faults.kinds import Fault, InvocationFailed, ProcessKilled, When
from penstock.cloud.front_door import FrontDoor
from penstock.runtime.functions import Answer, Failure, Functions
from penstock.template.models import Function
from tests.runtime.workshop import Workshop

SENDER = """
    import boto3, os
    sqs = boto3.client("sqs")
    def lambda_handler(event, context):
        for body in event["bodies"]:
            sqs.send_message(QueueUrl=event["url"], MessageBody=body)
            print("sent", body)
        return os.getpid()
"""


def send(workshop: Workshop, *faults: Fault, times: int = 2) -> tuple[list[Any], list[str], Faults]:
    """Have a function send the messages a and b, so many times: its results, what the queue holds, the faults."""
    workshop.function(SENDER, timeout_seconds=60)  # boto3 may have to be compiled first
    armed: list[Faults] = []

    async def scenario(functions: Functions) -> tuple[list[Any], list[str], Faults]:
        clock = WallClock()
        engine = Engine(account_id="123456789012", region="eu-west-1")
        callers = Callers(account_id="123456789012", seed="0")
        faulty = Faults(FaultScript(faults=faults), clock=clock, process_of=functions.environment, key_names={})
        armed.append(faulty)
        door = FrontDoor(engine, callers, clock, interceptors=[faulty.calls])
        await door.start()

        def environment_of(_: Function, environment_id: str) -> dict[str, str]:
            role = callers.register("Worker", "arn:aws:iam::123456789012:role/worker", session=environment_id)
            return {
                "AWS_ACCESS_KEY_ID": role.access_key,
                "AWS_SECRET_ACCESS_KEY": role.secret_key,
                "AWS_ENDPOINT_URL": door.endpoint,
            }

        workshop.environment_of = environment_of
        url = engine.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
        event = json.dumps({"url": url, "bodies": ["a", "b"]}).encode()
        try:
            results = [await functions.invoke("worker", event, request_id=f"r-{n}") for n in range(times)]
        finally:
            await door.close()
        messages = [message.body for message in engine.backend("sqs").queues["q"]._messages]
        return results, messages, faulty

    return workshop.run(
        scenario, failure_of=lambda function, *event: armed[0].invocations.failure(function.label, *event)
    )


@pytest.mark.parametrize(
    ("moment", "sent", "said"), [("before", [], []), ("during", ["a"], []), ("after", ["a"], ["sent a"])]
)
def test_process_dies_at_its_call(workshop: Workshop, moment: Any, sent: list[str], said: list[str]) -> None:
    """AWS's own words for a killed process, exactly as much done as the moment says, and a new process after it."""
    (failed, answer), messages, faults = send(workshop, ProcessKilled(caller="Worker", moment=moment, when=When(nth=1)))

    assert isinstance(failed, Failure)
    assert failed.error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-0 Error: Runtime exited with error: signal: killed",
    }
    assert isinstance(answer, Answer)
    assert messages == [*sent, "a", "b"]
    assert [text for request_id, text in workshop.log() if request_id == "r-0"] == said
    assert [(strike.moment, strike.request_id, strike.operation) for strike in faults.log] == [
        (moment, "r-0", "SendMessage")
    ]
    assert json.loads(faults.log[0].batch)["bodies"] == ["a", "b"]
    first, second = workshop.invocations
    assert first.environment_id != second.environment_id


def test_process_killed_after_its_last_call_returns_nothing(workshop: Workshop) -> None:
    """The handler came to its end, and its result never left the process."""
    fault = ProcessKilled(caller="Worker", moment="after", call=2, when=When(nth=1))

    (failed, _), messages, _ = send(workshop, fault)

    assert isinstance(failed, Failure)
    assert failed.error["errorType"] == "Runtime.ExitError"
    assert messages == ["a", "b", "a", "b"]


@pytest.mark.parametrize(("how", "error_type"), [("raises", "FaultScriptError"), ("exits", "Runtime.ExitError")])
def test_function_cannot_process_one_event(workshop: Workshop, how: Any, error_type: str) -> None:
    """Whatever holds the text fails, each time, before it did anything."""
    fault = InvocationFailed(function="Worker", matching='"b"', how=how)

    results, messages, faults = send(workshop, fault)

    assert [result.error["errorType"] for result in results] == [error_type, error_type]
    assert messages == []
    assert [(strike.kind, strike.request_id) for strike in faults.log] == [
        ("invocation-failed", "r-0"),
        ("invocation-failed", "r-1"),
    ]
