"""Topics and who subscribes: functions get SNS's event, whoever may not be reached gets nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.subscriptions import connect_subscriptions

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:worker"
PUBLISHED = {
    "Message": "hello",
    "Subject": "greeting",
    "MessageAttributes": {"status": {"DataType": "String", "StringValue": "ACCEPTED"}},
}


class Subscribers:
    """A topic, the function that subscribes to it, and what each of them does."""

    def __init__(self) -> None:
        self.engine = Engine(account_id=ACCOUNT, region="us-east-1")
        self.topic_arn: str = self.engine.call("sns", "CreateTopic", {"Name": "news"})["TopicArn"]
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self.forbidden: set[str] = set()
        self.refusal: EngineError | None = None
        connect_subscriptions(lambda _, endpoint: endpoint not in self.forbidden, self.invoke)

    def invoke(self, arn: str, event: str) -> None:
        """Take an event for the function, or refuse it."""
        if self.refusal is not None:
            raise self.refusal
        self.invoked.append((arn, json.loads(event)))

    def subscribe(self, protocol: str, endpoint: str, **attributes: str) -> str:
        """Subscribe an endpoint and give the subscription's ARN."""
        params = {"TopicArn": self.topic_arn, "Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes}
        return str(self.engine.call("sns", "Subscribe", params)["SubscriptionArn"])

    def queue(self, name: str) -> str:
        """Make a queue and give its URL."""
        return str(self.engine.call("sqs", "CreateQueue", {"QueueName": name})["QueueUrl"])

    def publish(self, **message: Any) -> str:
        """Publish a message and give its id."""
        return str(
            self.engine.call("sns", "Publish", {"TopicArn": self.topic_arn, **PUBLISHED, **message})["MessageId"]
        )

    def waiting(self, url: str) -> list[dict[str, Any]]:
        """The messages of a queue."""
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        return list(self.engine.call("sqs", "ReceiveMessage", asked).get("Messages", []))


@pytest.fixture
def subscribers(monkeypatch: pytest.MonkeyPatch) -> Subscribers:
    """A topic without subscriptions; what is done to moto is undone afterwards."""
    from moto.sns.models import Subscription

    monkeypatch.setattr(Subscription, "publish", Subscription.publish)
    return Subscribers()


def queue_arn(name: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def redrive(name: str) -> str:
    """A redrive policy."""
    return json.dumps({"deadLetterTargetArn": queue_arn(name)})


def test_function_gets_the_documented_event(subscribers: Subscribers) -> None:
    """Members, spelling and values of SNS's event, one record a message."""
    subscription_arn = subscribers.subscribe("lambda", FUNCTION)

    message_id = subscribers.publish()

    ((arn, event),) = subscribers.invoked
    (record,) = event["Records"]
    told = record.pop("Sns")
    assert arn == FUNCTION
    assert record == {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription_arn}
    assert {name: told[name] for name in ("Type", "MessageId", "TopicArn", "Subject", "Message")} == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscribers.topic_arn,
        "Subject": "greeting",
        "Message": "hello",
    }
    assert told["MessageAttributes"] == {"status": {"Type": "String", "Value": "ACCEPTED"}}
    assert set(told) - {"Type", "MessageId", "TopicArn", "Subject", "Message", "MessageAttributes"} == {
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertUrl",
        "UnsubscribeUrl",
    }


def test_message_without_subject_has_none(subscribers: Subscribers) -> None:
    """The members are there nevertheless; of a message by protocol the function gets its own part."""
    subscribers.subscribe("lambda", FUNCTION)

    parts = json.dumps({"default": "all", "lambda": "functions"})
    subscribers.engine.call(
        "sns", "Publish", {"TopicArn": subscribers.topic_arn, "Message": parts, "MessageStructure": "json"}
    )

    told = subscribers.invoked[0][1]["Records"][0]["Sns"]
    assert (told["Subject"], told["MessageAttributes"], told["Message"]) == (None, {}, "functions")


@pytest.mark.parametrize(("status", "invoked"), [("ACCEPTED", 1), ("REJECTED", 0)])
def test_filter_policy_holds_for_functions(subscribers: Subscribers, status: str, invoked: int) -> None:
    """A function gets what its subscription asks for."""
    subscribers.subscribe("lambda", FUNCTION, FilterPolicy=json.dumps({"status": ["ACCEPTED"]}))

    subscribers.publish(MessageAttributes={"status": {"DataType": "String", "StringValue": status}})

    assert len(subscribers.invoked) == invoked


def forbid_function(subscribers: Subscribers) -> str:
    """The function's policy does not let the topic in."""
    subscribers.forbidden.add(FUNCTION)
    subscribers.subscribe("lambda", FUNCTION, RedrivePolicy=redrive("dead"))
    return "AccessDenied"


def refuse_event(subscribers: Subscribers) -> str:
    """Lambda does not take the event."""
    subscribers.refusal = EngineError("RequestTooLargeException", "too large")
    subscribers.subscribe("lambda", FUNCTION, RedrivePolicy=redrive("dead"))
    return "RequestTooLargeException"


def forbid_queue(subscribers: Subscribers) -> str:
    """The queue's policy does not let the topic in."""
    subscribers.queue("orders")
    subscribers.forbidden.add(queue_arn("orders"))
    subscribers.subscribe("sqs", queue_arn("orders"), RedrivePolicy=redrive("dead"))
    return "AccessDenied"


@pytest.mark.parametrize("spoil", [forbid_function, refuse_event, forbid_queue])
def test_what_is_not_taken_goes_to_the_dead_letters(
    subscribers: Subscribers, spoil: Callable[[Subscribers], str]
) -> None:
    """The message in its envelope, with the reason; the publisher hears nothing."""
    dead = subscribers.queue("dead")
    code = spoil(subscribers)

    subscribers.publish()

    (letter,) = subscribers.waiting(dead)
    assert json.loads(letter["Body"])["Message"] == "hello"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == code
    assert subscribers.invoked == []


def test_dead_letter_queue_must_let_the_topic_in_too(subscribers: Subscribers) -> None:
    """Nothing goes where its policy forbids it."""
    dead = subscribers.queue("dead")
    forbid_function(subscribers)
    subscribers.forbidden.add(queue_arn("dead"))

    subscribers.publish()

    assert subscribers.waiting(dead) == []
