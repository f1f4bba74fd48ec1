"""The stack of what moves: everything between the API and the tables."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.account_alarms import AccountAlarms
from stacks.alarms import Alarms
from stacks.data_stack import DataStack
from stacks.encryption import encrypt
from stacks.enrich import Enrich
from stacks.failure_bucket import FailureBucket
from stacks.fulfilment import Fulfilment
from stacks.notify import Notify
from stacks.operations_dashboard import OperationsDashboard
from stacks.order_bus import OrderBus
from stacks.orders_api import OrdersApi
from stacks.relay import Relay
from stacks.replicate import Replicate
from stacks.stage_settings import StageSettings
from stacks.summarize import Summarize
from stacks.table_alarms import TableAlarms


class PipelineStack(cdk.Stack):
    """API, stream readers, bus, consumers and fulfilment, deployed together.

    One unit because a change of an event changes who publishes and who consumes it at once. Nothing in it is needed
    to know an order: that is in the tables. Its Outputs, with those of the data stack, are what a caller, an operator
    or the demo needs to find it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, data: DataStack) -> None:
        super().__init__(
            scope, construct_id, description="Penstock: the pipeline",
            termination_protection=settings.deletion_protection,
        )  # fmt: skip
        orders, customers, statistics, idempotency = (
            data.orders, data.customer_orders, data.statistics, data.idempotency,
        )  # fmt: skip
        alarms = Alarms(self, "Alarms", settings=settings)
        failures = FailureBucket(self, "Failures", settings=settings, alarms=alarms)
        bus = OrderBus(self, "Bus")
        api = OrdersApi(
            self, "Api", settings=settings, orders=orders, customer_orders=customers, statistics=statistics,
            alarms=alarms,
        )  # fmt: skip
        relay = Relay(self, "Relay", settings=settings, orders=orders, bus=bus, failures=failures, alarms=alarms)
        summarize = Summarize(
            self, "Summarize", settings=settings, orders=orders, statistics=statistics, failures=failures, alarms=alarms
        )
        enrich = Enrich(
            self, "Enrich", settings=settings, orders=orders, idempotency=idempotency, bus=bus, alarms=alarms
        )
        notify = Notify(self, "Notify", settings=settings, idempotency=idempotency, bus=bus, alarms=alarms)
        replicate = Replicate(self, "Replicate", settings=settings, customer_orders=customers, bus=bus, alarms=alarms)
        fulfilment = Fulfilment(self, "Fulfilment", settings=settings, orders=orders, bus=bus, alarms=alarms)
        tables = {"Orders": orders, "CustomerOrders": customers, "Statistics": statistics, "Idempotency": idempotency}
        TableAlarms(self, "Tables", tables=tables, alarms=alarms)
        AccountAlarms(self, "Account", account_concurrency=settings.account_concurrency, alarms=alarms)
        alarms.combine()
        dashboard = OperationsDashboard(
            self, "Dashboard", settings=settings, alarms=alarms, api=api, readers=[relay, summarize],
            consumers=[enrich, notify, replicate], fulfilment=fulfilment, failures=failures, tables=tables,
        )  # fmt: skip
        encrypt(self, data.key)

        cdk.CfnOutput(self, "ApiUrl", value=api.url)
        cdk.CfnOutput(self, "NotificationTopicArn", value=notify.topic.topic_arn)
        cdk.CfnOutput(self, "EventBusName", value=bus.bus.event_bus_name)
        cdk.CfnOutput(self, "FulfilmentStateMachineArn", value=fulfilment.state_machine.state_machine_arn)
        cdk.CfnOutput(self, "FailureBucketName", value=failures.bucket.bucket_name)
        cdk.CfnOutput(self, "DashboardName", value=dashboard.dashboard.dashboard_name)
        cdk.CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn)
