"""From judged orders to a notification."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarms import Alarms
from stacks.event_queue import EventQueue
from stacks.order_bus import OrderBus
from stacks.order_rule import OrderRule
from stacks.python_function import PythonFunction
from stacks.queue_mapping import QueueMapping
from stacks.stage_settings import StageSettings


class Notify(Construct):
    """Defines the topic and the consumer that publishes to it: one notification for each acceptance and rejection.

    Needs the Idempotency table and the bus. Guarantees at least one notification each. The topic refuses plain text
    connections and is encrypted with AWS's key for topics, which whoever may publish here may use.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        idempotency: dynamodb.ITable,
        bus: OrderBus,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self, "Topic", enforce_ssl=True, master_key=kms.Alias.from_alias_name(self, "SnsKey", "alias/aws/sns")
        )
        self.queue = EventQueue(
            self,
            "Queue",
            settings=settings,
            consumer=settings.notify,
            mapping=settings.notify_mapping,
            alarms=alarms,
        )
        OrderRule(
            self, "Rule", settings=settings, bus=bus, alarms=alarms, detail_types=["OrderAccepted", "OrderRejected"]
        ).send_to(self.queue)
        self.function = PythonFunction(
            self,
            "Function",
            handler="notify",
            settings=settings,
            alarms=alarms,
            environment={"TOPIC_ARN": self.topic.topic_arn, "IDEMPOTENCY_TABLE": idempotency.table_name},
        )
        self.function.allow(["sns:Publish"], self.topic.topic_arn)
        self.function.allow_idempotency(idempotency, effect="notification")
        self.messages = QueueMapping(
            self, "Messages", function=self.function, queue=self.queue, settings=settings.notify_mapping
        )
