"""The queue of one consumer of the event bus."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import Alarms
from stacks.dead_letter_queue import DeadLetterQueue
from stacks.function_settings import FunctionSettings
from stacks.mapping_settings import QueueMappingSettings, visibility_timeout_seconds
from stacks.stage_settings import StageSettings


class EventQueue(Construct):
    """Defines an encrypted queue and its dead-letter queue, timed for the function that reads it.

    Needs the settings of that function and of its mapping. Guarantees that a message becomes visible again only when
    no invocation can still hold it, and that one received too often ends, whole, in the dead-letter queue. The rule
    in front sends there, too, what it cannot deliver: both are the event as the bus carried it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        consumer: FunctionSettings,
        mapping: QueueMappingSettings,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(
            self,
            "DeadLetters",
            settings=settings,
            alarms=alarms,
            means="Events that the function failed on too often, or that could not be delivered, lie in the "
            "dead-letter queue: their effect is missing.",
            first="read the errors in the function's log group and mend the cause; then move the messages back "
            "with StartMessageMoveTask: each one is the whole event, and handling it twice does no harm.",
        )
        self.queue = sqs.Queue(
            self,
            "Resource",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(visibility_timeout_seconds(consumer, mapping)),
            retention_period=Duration.days(settings.queue_retention_days),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters.queue, max_receive_count=mapping.max_receive_count
            ),
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
