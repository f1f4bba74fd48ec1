"""Judge placed orders: accept or reject each, with totals, and have accepted ones paid for.

Source: the `enrich` queue, fed with OrderPlaced events from the bus; no window; unordered, repeated now and then.
Effect: the payment is authorized through a port, then the order is updated: status, version + 1, totals, reason.
Key: the order's id for the payment; status PLACED and the version that was read for the update.
Rung: Powertools idempotency for the payment, which is outside DynamoDB; for the update a condition, by design.
Cost: 2 calls an order (read, update), 4 when there is something to pay.
Retry: an order that has left PLACED is done and left alone. A payment authorized before a crash is found by its
idempotency record; after a crash between payment and completion it is authorized again once the lock has run out, with
the same order id for the provider to recognize. A failed message comes back alone (partial batch response).
Dead-letter queue: messages that cannot be read, and those that failed as often as the queue allows.
"""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.connection import CONNECTION
from effects.idempotency import once_only
from effects.local_payments import LocalPayments
from effects.orders_table import OrdersTable
from effects.queue_batch import QueueBatchProcessor
from orders.judgement import judge
from orders.payment import PaymentRequest, Payments

logger = Logger()
metrics = Metrics()
client = boto3.client("dynamodb", config=CONNECTION)
orders = OrdersTable(client=client, name=os.environ["ORDERS_TABLE"])
payments: Payments = LocalPayments()
authorize = once_only(
    payments.authorize,
    key=lambda request: request.order_id,
    name="payment",
    client=client,
    table=os.environ["IDEMPOTENCY_TABLE"],
)
processor = QueueBatchProcessor(logger=logger)


def record_handler(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Judge the order of one message, unless it is judged already."""
    order_id = json.loads(record.body)["detail"]["orderId"]
    placed = orders.read(order_id)
    if placed is None or placed.is_judged:
        logger.info("order not waiting for judgement", order_id=order_id)
        return
    judgement = judge(placed.order)
    payment_id = None
    if judgement.payment_due:
        payment_id = authorize(PaymentRequest(order_id=order_id, amount=judgement.total), lambda_context)
    if orders.conclude(placed, judgement, payment_id=payment_id):
        metrics.add_metric(name=f"Orders{judgement.status.title()}", unit=MetricUnit.Count, value=1)
        logger.info("order judged", order_id=order_id, status=judgement.status, reason=judgement.reason)
    else:
        logger.info("order judged elsewhere", order_id=order_id)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Judge a batch; the answer names the messages that failed."""
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(event["Records"]))
    answer = process_partial_response(event, record_handler, processor, context)
    metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=len(processor.fail_messages))
    return answer
