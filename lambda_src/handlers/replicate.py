"""Keep the read model: the newest snapshot of each order of a known customer, one row each in CustomerOrders.

Source: the `replicate` queue, fed with OrderAccepted, OrderPacked and OrderShipped events of registered customers;
batches of up to 100 with a window of some seconds; unordered, repeated now and then.
Effect: one conditional update of each order in the batch, the newest snapshot only.
Key: customer and order; the version in the row is the fence.
Rung: fold to the newest per key, then a version fence in the target item. Cost: at most 1 call and 1 write unit a
message.
Retry: a snapshot that is there already, or older than what is there, changes nothing. When an order's update fails, all
its messages of this batch come back; the messages of other orders are done.
Dead-letter queue: messages that cannot be read, and those that failed as often as the queue allows.
"""

import json
import os
from decimal import DecimalException
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from effects.connection import CONNECTION
from effects.customer_orders_table import CustomerOrdersTable
from orders.snapshot import Snapshot, newest_per_order, snapshot_from

logger = Logger()
metrics = Metrics()
rows = CustomerOrdersTable(client=boto3.client("dynamodb", config=CONNECTION), name=os.environ["CUSTOMER_ORDERS_TABLE"])


def record_handler(record: dict[str, Any]) -> Snapshot | None:
    """Read the snapshot of one message; None when it cannot be read."""
    try:
        return snapshot_from(json.loads(record["body"])["detail"])
    except (KeyError, TypeError, ValueError, DecimalException):
        logger.warning("message cannot be read", message_id=record["messageId"], exc_info=True)
        return None


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Fold a batch and bring the rows up to it; the answer names the messages that failed."""
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(event["Records"]))
    snapshots = {record["messageId"]: record_handler(record) for record in event["Records"]}
    newest = newest_per_order([snapshot for snapshot in snapshots.values() if snapshot is not None])
    failed = {snapshot.order_id for snapshot in newest if not _replicated(snapshot)}
    failures = [name for name, snapshot in snapshots.items() if snapshot is None or snapshot.order_id in failed]
    metrics.add_metric(name="RowsReplicated", unit=MetricUnit.Count, value=len(newest) - len(failed))
    metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=len(failures))
    logger.info("batch replicated", messages=len(snapshots), orders=len(newest), failed=len(failures))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _replicated(snapshot: Snapshot) -> bool:
    try:
        rows.replicate(snapshot)
    except (BotoCoreError, ClientError, ValueError) as error:
        logger.warning("order not replicated", order_id=snapshot.order_id, error=repr(error))
        return False
    return True
