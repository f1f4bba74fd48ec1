"""A rule on the event bus: which order events go to which consumer."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms
from stacks.dead_letter_queue import DeadLetterQueue
from stacks.event_queue import EventQueue
from stacks.order_bus import ORDER_EVENT_SOURCE, OrderBus
from stacks.stage_settings import StageSettings

DETAIL_TYPES = ("OrderPlaced", "OrderAccepted", "OrderRejected", "OrderPacked", "OrderShipped")


class OrderRule(Construct):
    """Defines a rule for some order events, and connects its one target.

    Needs the bus, the detail types and, when only some of those events count, what their details must carry.
    Guarantees that delivery is retried as the stage says, that what cannot be delivered lands, whole, in a dead-letter
    queue, and that an alarm tells of either failing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bus: OrderBus,
        alarms: Alarms,
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
        self._define_alarms(bus, alarms)

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

    def _define_alarms(self, bus: OrderBus, alarms: Alarms) -> None:
        # `Ref` of a rule on a bus of its own is "<bus>|<rule>" (CloudFormation, AWS::Events::Rule, return values).
        rule_name = Fn.select(1, Fn.split("|", self._rule.rule_name))
        for alarm_id, metric_name, means, first in (
            (
                "Undelivered",
                "FailedInvocations",
                "The rule could not deliver an event and has stopped trying.",
                "find the event in the dead-letter queue of the rule's target, read ERROR_CODE in its attributes, and "
                "mend the policy, the key or the target that it names; the queue's alarm says how to go on.",
            ),
            (
                "Lost",
                "InvocationsFailedToBeSentToDlq",
                "The rule could deliver an event neither to its target nor to the dead-letter queue: it is gone.",
                "mend the policy or the key of the dead-letter queue; then find the orders that are late by their "
                "status in the table, and publish their events again.",
            ),
        ):
            alarms.add(
                self,
                alarm_id,
                metric=cloudwatch.Metric(
                    namespace="AWS/Events",
                    metric_name=metric_name,
                    dimensions_map={"EventBusName": bus.bus.event_bus_name, "RuleName": rule_name},
                    period=PERIOD,
                    statistic="Sum",
                ),
                threshold=1,
                means=means,
                first=first,
                missing=NOTHING_HAPPENED,
            )
