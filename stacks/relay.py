"""From the Orders stream to the event bus."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import Alarms
from stacks.failure_bucket import FailureBucket
from stacks.order_bus import OrderBus
from stacks.python_function import PythonFunction
from stacks.stage_settings import StageSettings
from stacks.stream_mapping import StreamMapping

# What can be an event: an order that exists and has a status. A deletion is none.
_CHANGES_OF_STATUS = {
    "eventName": ["INSERT", "MODIFY"],
    "dynamodb": {"NewImage": {"status": {"S": ["PLACED", "ACCEPTED", "REJECTED", "PACKED", "SHIPPED"]}}},
}


class Relay(Construct):
    """Defines the first of the stream's two readers: it publishes each change of an order's status as an event.

    Needs the Orders table, the bus and the failure bucket. Guarantees that a failed record is retried alone and in
    its key's order, and that a batch cut short or bisected publishes the rest.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        orders: dynamodb.ITable,
        bus: OrderBus,
        failures: FailureBucket,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Function",
            handler="relay",
            settings=settings,
            alarms=alarms,
            environment={"EVENT_BUS_NAME": bus.bus.event_bus_name},
        )
        self.function.allow(["events:PutEvents"], bus.bus.event_bus_arn)
        self.stream = StreamMapping(
            self,
            "Stream",
            function=self.function,
            table=orders,
            settings=settings.relay_mapping,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            tumbling_window_seconds=None,
            filters=[_CHANGES_OF_STATUS],
            failures=failures,
            alarms=alarms,
        )
