"""`replicate` on rung 1, singly: a version fence in the row, one UpdateItem a message."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from effects.connection import CONNECTION
from effects.customer_orders_table import CustomerOrdersTable, row_of
from effects.queue_batch import QueueBatchProcessor
from orders.snapshot import snapshot_from

table = CustomerOrdersTable(
    client=boto3.client("dynamodb", config=CONNECTION), name=os.environ["CUSTOMER_ORDERS_TABLE"]
)
processor = QueueBatchProcessor(logger=Logger())


def record_handler(record: SQSRecord) -> None:
    """Bring the table up to one event."""
    table._fenced.write(row_of(snapshot_from(json.loads(record.body)["detail"])))


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle a batch."""
    return process_partial_response(event, record_handler, processor, context)
