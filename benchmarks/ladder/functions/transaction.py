"""Rung 3: an effect that has no fence, one more order in its country's counter, with its marker in one transaction."""

import json
import os
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from effects.connection import CONNECTION
from effects.queue_batch import QueueBatchProcessor
from effects.together import MarkerTable

markers = MarkerTable(
    client=boto3.client("dynamodb", config=CONNECTION),
    name=os.environ["IDEMPOTENCY_TABLE"],
    kept_seconds=14 * 24 * 60 * 60,
)
processor = QueueBatchProcessor(logger=Logger())


def record_handler(record: SQSRecord) -> None:
    """Count one event, unless it was counted."""
    detail = json.loads(record.body)["detail"]
    update = {
        "TableName": os.environ["COUNTERS_TABLE"],
        "Key": {"id": {"S": detail["country"]}},
        "UpdateExpression": "ADD amount :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    markers.once(detail["eventId"], [{"Update": update}], now=int(time.time()))


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle a batch."""
    return process_partial_response(event, record_handler, processor, context)
