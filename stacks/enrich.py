"""From placed orders to accepted or rejected ones."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import Alarms
from stacks.attribute_conditions import only_attributes
from stacks.event_queue import EventQueue
from stacks.order_bus import OrderBus
from stacks.order_rule import OrderRule
from stacks.python_function import PythonFunction
from stacks.queue_mapping import QueueMapping
from stacks.stage_settings import StageSettings
from stacks.suppression import suppress

# The key and what a judgement changes; what the customer ordered is not among it.
_JUDGED = (
    "order_id", "status", "version", "total", "item_count", "distinct_products", "customer_kind", "reason",
    "payment_id",
)  # fmt: skip


class Enrich(Construct):
    """Defines the consumer of placed orders: rule, queue, function. It judges the order and updates it.

    Needs the Orders and Idempotency tables and the bus. Guarantees a queue of its own, so that a slow payment holds
    neither a shard nor another consumer.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        orders: dynamodb.ITable,
        idempotency: dynamodb.ITable,
        bus: OrderBus,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = EventQueue(
            self,
            "Queue",
            settings=settings,
            consumer=settings.enrich,
            mapping=settings.enrich_mapping,
            alarms=alarms,
        )
        OrderRule(self, "Rule", settings=settings, bus=bus, alarms=alarms, detail_types=["OrderPlaced"]).send_to(
            self.queue
        )
        self.function = PythonFunction(
            self,
            "Function",
            handler="enrich",
            settings=settings,
            alarms=alarms,
            environment={"ORDERS_TABLE": orders.table_name, "IDEMPOTENCY_TABLE": idempotency.table_name},
        )
        suppress(
            self.function.function,
            "PS502",
            "The chain ends: an update takes an order out of PLACED, and only PLACED orders come here. "
            "tests/stacks/test_chain_ends.py proves it.",
        )
        self.function.allow(["dynamodb:GetItem"], orders.table_arn)
        self.function.allow(["dynamodb:UpdateItem"], orders.table_arn, only_attributes(*_JUDGED))
        self.function.allow_idempotency(idempotency, effect="payment")
        self.messages = QueueMapping(
            self, "Messages", function=self.function, queue=self.queue, settings=settings.enrich_mapping
        )
