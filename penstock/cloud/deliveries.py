"""What services hand on to one another: events to the targets of rules, failed batches to their destinations.

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
from penstock.cloud.queues import Queues
from penstock.mapping.effects import DeliverToDestination
from penstock.template.models import Rule, RuleTarget

_EVENTS = "events.amazonaws.com"


class Deliveries:
    """The deliveries by services of one running application."""

    def __init__(self, engine: Engine, queues: Queues, guard: Guard, *, new_id: Callable[[], str]) -> None:
        """``new_id`` makes the names of executions."""
        self._engine = engine
        self._queues = queues
        self._guard = guard
        self._new_id = new_id

    async def to_queue(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Send what a rule passes on to a queue."""
        self._require("sqs:SendMessage", rule, target)
        self._queues.send(target.arn, payload, group=target.message_group_id)

    async def to_topic(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Publish what a rule passes on to a topic."""
        self._require("sns:Publish", rule, target)
        self._publish(target.arn, payload)

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
        arn = record.destination_arn
        match record.kind:
            case "sqs":
                self._queues.send(arn, record.body)
            case "sns":
                self._publish(arn, record.body)
            case "s3":
                bucket = arn.rpartition(":")[2]
                put: dict[str, Any] = {"Bucket": bucket, "Key": record.object_key, "Body": record.body.encode()}
                self._engine.call("s3", "PutObject", put)

    def _require(self, action: str, rule: Rule, target: RuleTarget) -> None:
        ask = Ask(action=action, resource=target.arn)
        self._guard.require(_EVENTS, ask, source_arn=rule.arn, role_arn=target.role_arn)

    def _publish(self, topic_arn: str, message: str) -> None:
        self._engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": message})
