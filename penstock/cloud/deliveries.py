"""What services hand on to one another: events to the targets of rules, failed batches to their destinations.

A delivery is made in the name of a service, not of a function, so it does not pass the front door. Each raises
`EngineError` when the receiving service does not take it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.cloud.engine import Engine
from penstock.cloud.queues import Queues
from penstock.mapping.effects import DeliverToDestination
from penstock.template.models import RuleTarget


class Deliveries:
    """The deliveries by services of one running application."""

    def __init__(self, engine: Engine, queues: Queues, *, new_id: Callable[[], str]) -> None:
        """``new_id`` makes the names of executions."""
        self._engine = engine
        self._queues = queues
        self._new_id = new_id

    async def to_queue(self, target: RuleTarget, payload: str) -> None:
        """Send what a rule passes on to a queue."""
        self._queues.send(target.arn, payload, group=target.message_group_id)

    async def to_topic(self, target: RuleTarget, payload: str) -> None:
        """Publish what a rule passes on to a topic."""
        self._publish(target.arn, payload)

    async def to_state_machine(self, target: RuleTarget, payload: str) -> None:
        """Start an execution with what a rule passes on."""
        start = {"stateMachineArn": target.arn, "input": payload, "name": self._new_id()}
        self._engine.call("stepfunctions", "StartExecution", start)

    async def to_dead_letters(self, queue_arn: str, payload: str, attributes: Mapping[str, str]) -> None:
        """Send what a target of a rule never took to the target's dead-letter queue, with the reason."""
        self._queues.send(queue_arn, payload, attributes=attributes)

    async def to_destination(self, record: DeliverToDestination) -> None:
        """Write a mapping's on-failure record to its queue, topic or bucket."""
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

    def _publish(self, topic_arn: str, message: str) -> None:
        self._engine.call("sns", "Publish", {"TopicArn": topic_arn, "Message": message})
