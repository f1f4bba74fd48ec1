"""Where records and dead letters of functions go, in which form, and with whose rights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.function_destinations import FunctionDestinations
from penstock.cloud.policies.access import Ask
from penstock.cloud.queues import Queues
from penstock.template.models import Function
from tests.standing_clock import StandingClock

ACCOUNT = "123456789012"
RECORD = json.dumps({"requestContext": {"condition": "RetriesExhausted", "functionArn": "arn:f:$LATEST"}})
QUEUE, TOPIC = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead", f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
OTHER, BUS = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b"


def function(dead_letter_target_arn: str = QUEUE) -> Function:
    """A function with a dead-letter queue."""
    return Function(
        logical_id="Worker",
        stack="App",
        path="",
        name="worker",
        arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:worker",
        handler="index.handler",
        runtime="python3.13",
        code=Path("code"),
        timeout_seconds=3,
        memory_mb=128,
        environment={},
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/worker",
        reserved_concurrency=None,
        log_group="worker",
        aliases={},
        dead_letter_target_arn=dead_letter_target_arn,
    )


class Surroundings:
    """A queue behind a topic, a bucket; a guard that notes what is asked for; what functions and the bus get."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.denial: str | None = None
        self.refused: list[tuple[str, str]] = []
        self.invoked: list[tuple[str, str]] = []
        self.emitted: list[tuple[Mapping[str, Any], str]] = []
        self.engine = Engine(account_id=ACCOUNT, region="us-east-1")
        self.engine.call("s3", "CreateBucket", {"Bucket": "failures"})
        self.url = self.engine.call("sqs", "CreateQueue", {"QueueName": "dead"})["QueueUrl"]
        self.engine.call("sns", "CreateTopic", {"Name": "news"})
        raw = {"RawMessageDelivery": "true"}
        subscription = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE, "Attributes": raw}
        self.engine.call("sns", "Subscribe", subscription)

    def function_denial(self, function: Function, asks: Sequence[Ask]) -> str | None:
        """See `Guard`."""
        self.asked += [(ask.action, ask.resource) for ask in asks]
        return self.denial

    def invoke(self, arn: str, event: str) -> None:
        """Take an event for a function."""
        self.invoked.append((arn, event))

    def emit(self, entry: Mapping[str, Any], caller: str) -> None:
        """Take an entry for the bus."""
        self.emitted.append((entry, caller))

    def messages(self) -> list[dict[str, Any]]:
        """What came into the queue."""
        asked = {"QueueUrl": self.url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        return list(self.engine.call("sqs", "ReceiveMessage", asked).get("Messages", []))

    def deliver(self, arn: str) -> None:
        """Deliver the record."""
        asyncio.run(self._destinations().deliver(function(), arn, RECORD))

    def bury(self, arn: str) -> None:
        """Bury an event."""
        attributes: Mapping[str, str | int] = {"RequestID": "r-1", "ErrorCode": 200}
        asyncio.run(self._destinations().bury(function(arn), "{}", attributes))

    def refuses(self, label: str, text: str) -> bool:
        """Whether the fault script has something refused."""
        return (label, text) in self.refused

    def _destinations(self) -> FunctionDestinations:
        queues = Queues(self.engine, StandingClock())
        deliveries = Deliveries(self.engine, queues, self, invoke=self.invoke, new_id=str)  # type: ignore[arg-type]
        return FunctionDestinations(
            deliveries,
            self,  # type: ignore[arg-type]
            emit=self.emit,
            object_key=lambda _: "a/key",
            refuses=self.refuses,
        )


@pytest.fixture
def surroundings() -> Surroundings:
    """Empty surroundings."""
    return Surroundings()


@pytest.mark.parametrize(("arn", "action"), [(QUEUE, "sqs:SendMessage"), (TOPIC, "sns:Publish")])
def test_record_is_the_message(surroundings: Surroundings, arn: str, action: str) -> None:
    """A queue and a topic get the record as it is, which the role must be allowed to send."""
    surroundings.deliver(arn)

    assert [message["Body"] for message in surroundings.messages()] == [RECORD]
    assert surroundings.asked == [(action, arn)]


def test_record_is_the_event_of_another_function(surroundings: Surroundings) -> None:
    """Invoked asynchronously, by the role's permission to invoke."""
    surroundings.deliver(OTHER)

    assert surroundings.invoked == [(OTHER, RECORD)]
    assert surroundings.asked == [("lambda:InvokeFunction", OTHER)]


def test_record_is_an_object_of_a_bucket(surroundings: Surroundings) -> None:
    """Put under its key; Lambda wants to list the bucket as well."""
    surroundings.deliver("arn:aws:s3:::failures")

    body = surroundings.engine.backend("s3").get_object("failures", "a/key").value
    assert body.decode() == RECORD
    assert surroundings.asked == [
        ("s3:PutObject", "arn:aws:s3:::failures/a/key"),
        ("s3:ListBucket", "arn:aws:s3:::failures"),
    ]


def test_record_is_the_detail_of_an_event(surroundings: Surroundings) -> None:
    """With source, type and resources as documented."""
    surroundings.deliver(BUS)

    assert surroundings.emitted == [
        (
            {
                "EventBusName": BUS,
                "Source": "lambda",
                "DetailType": "Lambda Function Invocation Result - Failure",
                "Detail": RECORD,
                "Resources": [BUS, "arn:f:$LATEST"],
            },
            "Worker",
        )
    ]
    assert surroundings.asked == [("events:PutEvents", BUS)]


@pytest.mark.parametrize("arn", [QUEUE, TOPIC])
def test_dead_letter_has_attributes(surroundings: Surroundings, arn: str) -> None:
    """The event as it came, texts and numbers beside it."""
    surroundings.bury(arn)

    (message,) = surroundings.messages()
    assert message["Body"] == "{}"
    attributes = message["MessageAttributes"]
    assert attributes["RequestID"] == {"DataType": "String", "StringValue": "r-1"}
    assert attributes["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}


@pytest.mark.parametrize("arn", [QUEUE, OTHER, BUS, "arn:aws:s3:::failures"])
def test_fails_when_the_role_may_not(surroundings: Surroundings, arn: str) -> None:
    """Nothing is handed over without the permission."""
    surroundings.denial = "User: worker is not authorized"

    with pytest.raises(EngineError, match="AccessDeniedException: User: worker"):
        surroundings.deliver(arn)
    with pytest.raises(EngineError, match="AccessDeniedException: User: worker"):
        surroundings.bury(QUEUE)

    assert (surroundings.messages(), surroundings.invoked, surroundings.emitted) == ([], [], [])


def test_fails_when_the_fault_script_says_so(surroundings: Surroundings) -> None:
    """A record and a dead letter of a function are refused on purpose."""
    surroundings.refused = [("Worker", RECORD), ("Worker", "{}")]

    with pytest.raises(EngineError, match="InternalError: refused by the fault script"):
        surroundings.deliver(BUS)
    with pytest.raises(EngineError, match="InternalError: refused by the fault script"):
        surroundings.bury(QUEUE)

    assert (surroundings.messages(), surroundings.emitted) == ([], [])
