"""`replicate` as Powertools' documentation shows it: batch processing with an idempotent record handler.

Source: "Idempotency" of Powertools for AWS Lambda (Python), "Integrating with batch processing": the layer's and the
decorator's defaults, the key from the event by JMESPath, the context registered.
"""

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


@idempotent_function(  # type: ignore[untyped-decorator]
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
    """Handle a batch."""
    config.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
