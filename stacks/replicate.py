"""From events to the read model of a customer's orders."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import Alarms
from stacks.event_queue import EventQueue
from stacks.order_bus import OrderBus
from stacks.order_rule import OrderRule
from stacks.python_function import PythonFunction
from stacks.queue_mapping import QueueMapping
from stacks.stage_settings import StageSettings


class Replicate(Construct):
    """Defines the consumer that keeps CustomerOrders: the orders of registered customers, from acceptance on.

    Needs the CustomerOrders table and the bus. Guarantees that the read model can be rebuilt and torn down without
    touching an order: the function may write the read model and nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        customer_orders: dynamodb.ITable,
        bus: OrderBus,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = EventQueue(
            self,
            "Queue",
            settings=settings,
            consumer=settings.replicate,
            mapping=settings.replicate_mapping,
            alarms=alarms,
        )
        OrderRule(
            self,
            "Rule",
            settings=settings,
            bus=bus,
            alarms=alarms,
            detail_types=["OrderAccepted", "OrderPacked", "OrderShipped"],
            # A guest has no customer id, hence no row.
            detail={"customerKind": ["registered"]},
        ).send_to(self.queue)
        self.function = PythonFunction(
            self,
            "Function",
            handler="replicate",
            settings=settings,
            alarms=alarms,
            environment={"CUSTOMER_ORDERS_TABLE": customer_orders.table_name},
        )
        # Each statement of a BatchExecuteStatement call is authorized by its kind.
        self.function.allow(["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"], customer_orders.table_arn)
        self.messages = QueueMapping(
            self, "Messages", function=self.function, queue=self.queue, settings=settings.replicate_mapping
        )
