"""The stack of what must survive: the tables."""

from __future__ import annotations

from functools import partial

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.customer_key import CustomerKey
from stacks.encryption import encrypt
from stacks.item_table import ItemTable
from stacks.stage_settings import StageSettings


class DataStack(cdk.Stack):
    """The four tables and the key of the stage, deployed together and apart from everything else.

    One unit because they hold the state that all the rest is derived from: the pipeline can be torn down and built
    anew on top of them. Its exports hold the tables fast while a pipeline stands on them.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Penstock: the tables",
            termination_protection=settings.deletion_protection,
        )
        table, capacity = partial(ItemTable, self, settings=settings), settings.tables
        self.orders = table(
            "Orders",
            capacity=capacity.orders,
            partition_key="order_id",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        ).table
        self.customer_orders = table(
            "CustomerOrders", capacity=capacity.customer_orders, partition_key="customer_id", sort_key="order_id"
        ).table
        self.statistics = table(
            "Statistics", capacity=capacity.statistics, partition_key="day", sort_key="window"
        ).table
        self.idempotency = table(
            "Idempotency", capacity=capacity.idempotency, partition_key="id", time_to_live_attribute="expiration"
        ).table

        self.key = CustomerKey(self, "Key", settings=settings).key if settings.customer_managed_key else None
        encrypt(self, self.key)

        # Here and not beside the pipeline's Outputs, which could only repeat an import.
        cdk.CfnOutput(self, "OrdersTableName", value=self.orders.table_name)
        cdk.CfnOutput(self, "CustomerOrdersTableName", value=self.customer_orders.table_name)
        cdk.CfnOutput(self, "StatisticsTableName", value=self.statistics.table_name)
