"""What services hand on to one another: events to the targets of rules, records to the destinations of functions.

A delivery is made by a service, so it does not pass the front door; what the service may do is asked here: of the
receiver's policy, or of the role that the service acts as. Each delivery raises `EngineError` when it is not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.cloud.doings import made
from penstock.cloud.engine import Engine
from penstock.cloud.policies.access import Ask
from penstock.cloud.policies.guard import Guard
from penstock.cloud.policies.mapping_rights import MappingRights
from penstock.cloud.queues import Queues, message_attributes
from penstock.mapping.effects import DeliverToDestination
from penstock.template.models import Rule, RuleTarget

_EVENTS = "events.amazonaws.com"

InvokeAsynchronously = Callable[[str, str], object]
"""Put an event (JSON text) into the queue of a function (ARN); raises `EngineError` as Invoke refuses it."""


class Deliveries:
    """The deliveries by services of one running application."""

    def __init__(
        self, engine: Engine, queues: Queues, guard: Guard, *, invoke: InvokeAsynchronously, new_id: Callable[[], str]
    ) -> None:
        """``new_id`` makes the names of executions."""
        self._engine = engine
        self._queues = queues
        self._guard = guard
        self._invoke = invoke
        self._new_id = new_id

    async def to_queue(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Send what a rule passes on to a queue."""
        self._require("sqs:SendMessage", rule, target)
        self._queues.send(target.arn, payload, group=target.message_group_id)

    async def to_topic(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Publish what a rule passes on to a topic."""
        self._require("sns:Publish", rule, target)
        self.hand_over(target.arn, payload)

    async def to_function(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Put what a rule passes on into the queue of a function; what becomes of it there is no affair of the rule."""
        self._require("lambda:InvokeFunction", rule, target)
        self.hand_over(target.arn, payload)

    async def to_state_machine(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Start an execution with what a rule passes on."""
        self._require("states:StartExecution", rule, target)
        start = {"stateMachineArn": target.arn, "input": payload, "name": self._new_id()}
        self._engine.call("stepfunctions", "StartExecution", start)
        made(start["name"])

    async def to_dead_letters(self, queue_arn: str, payload: str, attributes: Mapping[str, str]) -> None:
        """Send what a target of a rule never took to the target's dead-letter queue, with the reason."""
        ask = Ask(action="sqs:SendMessage", resource=queue_arn)
        self._guard.require(_EVENTS, ask, source_arn=attributes["RULE_ARN"])
        self._queues.send(queue_arn, payload, attributes=attributes)

    async def to_destination(self, rights: MappingRights, record: DeliverToDestination) -> None:
        """Write a mapping's on-failure record to its queue, topic or bucket."""
        rights.require_delivery(record)
        self.hand_over(record.destination_arn, record.body, object_key=record.object_key)

    def hand_over(
        self,
        arn: str,
        text: str,
        *,
        attributes: Mapping[str, str | int] | None = None,
        subject: str | None = None,
        object_key: str | None = None,
    ) -> None:
        """Give a text to a queue, a topic (both with message attributes), a bucket (under a key) or a function."""
        match arn.split(":")[2]:
            case "sqs":
                self._queues.send(arn, text, attributes=attributes)
            case "sns":
                message = {"TopicArn": arn, "Message": text, "MessageAttributes": message_attributes(attributes or {})}
                self._engine.call("sns", "Publish", message | ({"Subject": subject} if subject else {}))
            case "s3":
                put: dict[str, Any] = {"Bucket": arn.rpartition(":")[2], "Key": object_key, "Body": text.encode()}
                self._engine.call("s3", "PutObject", put)
            case "lambda":
                self._invoke(arn, text)
            case service:
                raise AssertionError(f"nothing is handed over to {service}")

    def _require(self, action: str, rule: Rule, target: RuleTarget) -> None:
        ask = Ask(action=action, resource=target.arn)
        self._guard.require(_EVENTS, ask, source_arn=rule.arn, role_arn=target.role_arn)
