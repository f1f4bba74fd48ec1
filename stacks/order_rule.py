"""A rule on the event bus: which order events go to which consumer."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from stacks.dead_letter_queue import DeadLetterQueue
from stacks.event_queue import EventQueue
from stacks.order_bus import ORDER_EVENT_SOURCE, OrderBus
from stacks.stage_settings import StageSettings

DETAIL_TYPES = ("OrderPlaced", "OrderAccepted", "OrderRejected", "OrderPacked", "OrderShipped")


class OrderRule(Construct):
    """Defines a rule for some order events, and connects its one target.

    Needs the bus, the detail types and, when only some of those events count, what their details must carry.
    Guarantees that delivery is retried as the stage says and that what cannot be delivered lands, whole, in a
    dead-letter queue.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bus: OrderBus,
        detail_types: Sequence[str],
        detail: dict[str, list[str]] | None = None,
    ) -> None:
        unknown = sorted(set(detail_types) - set(DETAIL_TYPES))
        if unknown or not detail_types:
            raise ValueError(
                f"detail types {list(detail_types)} would match nothing: take some of {', '.join(DETAIL_TYPES)}"
            )
        super().__init__(scope, construct_id)
        self._retry_attempts = settings.rule_retry_attempts
        self._max_event_age = Duration.seconds(settings.rule_max_event_age_seconds)
        self._rule = events.Rule(
            self,
            "Resource",
            event_bus=bus.bus,
            event_pattern=events.EventPattern(
                source=[ORDER_EVENT_SOURCE], detail_type=list(detail_types), detail=detail
            ),
        )

    def send_to(self, queue: EventQueue) -> None:
        """Send the whole event to the queue; what cannot be delivered goes to the queue's dead-letter queue."""
        self._rule.add_target(
            targets.SqsQueue(
                queue.queue,
                dead_letter_queue=queue.dead_letters.queue,
                retry_attempts=self._retry_attempts,
                max_event_age=self._max_event_age,
            )
        )

    def start(self, state_machine: stepfunctions.IStateMachine, *, undelivered: DeadLetterQueue) -> None:
        """Start an execution with the whole event as its input."""
        self._rule.add_target(
            targets.SfnStateMachine(
                state_machine,
                dead_letter_queue=undelivered.queue,
                retry_attempts=self._retry_attempts,
                max_event_age=self._max_event_age,
            )
        )
