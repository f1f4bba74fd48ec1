"""What services hand on, and what they must be allowed for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.cloud.deliveries import Deliveries
from penstock.cloud.engine import Engine, EngineError
from penstock.cloud.policies.access import Ask
from penstock.cloud.queues import Queues
from penstock.template.models import Rule, RuleTarget
from tests.cloud.orders_bus import RULE, TARGET
from tests.standing_clock import StandingClock

ACCOUNT = "123456789012"
QUEUE, TOPIC = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders", f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:worker"

Deliver = Callable[[Deliveries], Callable[[Rule, RuleTarget, str], Awaitable[None]]]


class Post:
    """A queue that subscribes to a topic, a function, and a guard that lets nobody in but who is allowed."""

    def __init__(self) -> None:
        self.allowed: set[tuple[str, str, str]] = set()
        self.invoked: list[tuple[str, str]] = []
        self.engine = Engine(account_id=ACCOUNT, region="us-east-1")
        self.url = self.engine.call("sqs", "CreateQueue", {"QueueName": "orders"})["QueueUrl"]
        self.engine.call("sns", "CreateTopic", {"Name": "news"})
        subscription = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE}
        self.engine.call("sns", "Subscribe", {**subscription, "Attributes": {"RawMessageDelivery": "true"}})

    def require(self, service: str, ask: Ask, *, source_arn: str, role_arn: str | None = None) -> None:
        """See `Guard`."""
        if (service, ask.action, source_arn) not in self.allowed:
            raise EngineError("AccessDeniedException", f"{service} may not {ask.action} on {ask.resource}")

    def invoke(self, arn: str, event: str) -> None:
        """Take an event for the function."""
        self.invoked.append((arn, event))

    def deliver(self, which: Deliver, arn: str) -> None:
        """Deliver what the rule passes on."""
        queues = Queues(self.engine, StandingClock())
        deliveries = Deliveries(self.engine, queues, self, invoke=self.invoke, new_id=str)  # type: ignore[arg-type]

        async def go() -> None:
            await which(deliveries)(RULE, replace(TARGET, arn=arn), '{"a": 1}')

        asyncio.run(go())

    def taken(self) -> list[Any]:
        """What came to the function or into the queue."""
        received = self.engine.call("sqs", "ReceiveMessage", {"QueueUrl": self.url}).get("Messages", [])
        return [json.loads(event) for event in [*(e for _, e in self.invoked), *(m["Body"] for m in received)]]


KINDS: list[tuple[Deliver, str, str]] = [
    (lambda deliveries: deliveries.to_function, FUNCTION, "lambda:InvokeFunction"),
    (lambda deliveries: deliveries.to_queue, QUEUE, "sqs:SendMessage"),
    (lambda deliveries: deliveries.to_topic, TOPIC, "sns:Publish"),
]


@pytest.mark.parametrize(("which", "arn", "action"), KINDS)
def test_target_gets_what_its_policy_lets_the_rule_send(which: Deliver, arn: str, action: str) -> None:
    """The bus asks in the name of the rule."""
    post = Post()
    post.allowed = {("events.amazonaws.com", action, RULE.arn)}

    post.deliver(which, arn)

    assert post.taken() == [{"a": 1}]


@pytest.mark.parametrize(("which", "arn", "action"), KINDS)
def test_fails_when_the_target_does_not_let_the_rule_in(which: Deliver, arn: str, action: str) -> None:
    """Another rule's permission does not help."""
    post = Post()
    post.allowed = {("events.amazonaws.com", action, RULE.arn + "-other")}

    with pytest.raises(EngineError, match=f"AccessDeniedException: events.amazonaws.com may not {action}"):
        post.deliver(which, arn)

    assert post.taken() == []
