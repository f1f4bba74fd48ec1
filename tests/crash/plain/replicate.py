"""`replicate` as the documentation of Powertools shows it, for comparison: one put a record, once for each event."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

from benchmarks.ladder.functions.plain_row import row

client = boto3.client("dynamodb")
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=client)
config = IdempotencyConfig(event_key_jmespath="eventId")
processor = BatchProcessor(event_type=EventType.SQS)


@idempotent_function(  # type: ignore[untyped-decorator] # as Powertools types it
    data_keyword_argument="detail", config=config, persistence_store=persistence
)
def replicate(detail: dict[str, Any]) -> str:
    """Put the row of one event."""
    client.put_item(TableName=os.environ["CUSTOMER_ORDERS_TABLE"], Item=row(detail))
    return str(detail["orderId"])


def record_handler(record: SQSRecord) -> None:
    """Replicate one event."""
    replicate(detail=json.loads(record.body)["detail"])


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Replicate a batch."""
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
