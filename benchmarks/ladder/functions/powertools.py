"""`replicate` on rung 4: Powertools idempotency as `effects.idempotency` sets it up, around a plain PutItem."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from benchmarks.ladder.functions.plain_row import row
from effects.connection import CONNECTION
from effects.idempotency import once_only
from effects.queue_batch import QueueBatchProcessor

client = boto3.client("dynamodb", config=CONNECTION)
processor = QueueBatchProcessor(logger=Logger())


def put(detail: dict[str, Any]) -> str:
    """Put one row over what is there."""
    client.put_item(TableName=os.environ["CUSTOMER_ORDERS_TABLE"], Item=row(detail))
    return str(detail["orderId"])


put_once = once_only(
    put,
    key=lambda detail: str(detail["eventId"]),
    name="row",
    client=client,
    table=os.environ["IDEMPOTENCY_TABLE"],
)


def record_handler(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Replicate one event."""
    put_once(json.loads(record.body)["detail"], lambda_context)


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle a batch."""
    return process_partial_response(event, record_handler, processor, context)
