"""Keep the read model: the newest snapshot of each order of a known customer, one row each in CustomerOrders.

Source: the `replicate` queue, fed with OrderAccepted, OrderPacked and OrderShipped events of registered customers;
batches of up to 1,000 with a window of some seconds; unordered, repeated now and then.
Effect: one conditional write of each order in the batch, the newest snapshot only.
Key: customer and order; the version in the row is the fence.
Rung: fold to the newest per key, then a version fence in the target item.
Cost: 1 write unit an order and 1 call for 25 orders, less for a message that folds. An order that does not enter with
OrderAccepted, or that comes again with it, costs a unit more.
Retry: a snapshot that is there already, or older than what is there, changes nothing. Throttled rows are tried again
while there is time; when an order's row is not written, all its messages of this batch come back, those of other orders
are done.
Dead-letter queue: messages that cannot be read, and those that failed as often as the queue allows.
"""

import json
import os
import random
import time
from decimal import DecimalException
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.connection import CONNECTION
from effects.customer_orders_table import CustomerOrdersTable, row_of
from effects.fenced_table import FencedRow, Outcome
from effects.patience import Patience
from orders.snapshot import snapshot_from

logger = Logger()
metrics = Metrics()
table = CustomerOrdersTable(
    client=boto3.client("dynamodb", config=CONNECTION), name=os.environ["CUSTOMER_ORDERS_TABLE"]
)


def record_handler(record: dict[str, Any]) -> FencedRow | None:
    """Read the row that one message asks for; None when it cannot be read."""
    try:
        return row_of(snapshot_from(json.loads(record["body"])["detail"]))
    except (KeyError, TypeError, ValueError, DecimalException):
        logger.warning("message cannot be read", message_id=record["messageId"], exc_info=True)
        return None


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fold a batch and bring the rows up to it; the answer names the messages that failed."""
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(event["Records"]))
    patience = Patience(remaining_ms=context.get_remaining_time_in_millis, sleep=time.sleep, random=random.random)
    rows = {record["messageId"]: record_handler(record) for record in event["Records"]}
    readable = {message_id: row for message_id, row in rows.items() if row is not None}
    answers = dict(zip(readable, table.replicate(list(readable.values()), patience=patience), strict=True))
    failures = [message_id for message_id in rows if not isinstance(answers.get(message_id), Outcome)]
    reasons = sorted({str(answer) for answer in answers.values() if not isinstance(answer, Outcome)})
    metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=len(failures))
    logger.info("batch replicated", messages=len(rows), failed=len(failures), reasons=reasons)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}
