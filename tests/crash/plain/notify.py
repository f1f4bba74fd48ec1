"""`notify` as the documentation of Powertools shows it, for comparison: the layer's and the decorator's defaults."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

from effects.topic import Topic
from orders.notification import compose
from orders.snapshot import snapshot_from

topic = Topic(client=boto3.client("sns"), arn=os.environ["TOPIC_ARN"])
persistence = DynamoDBPersistenceLayer(
    table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=boto3.client("dynamodb")
)
config = IdempotencyConfig(event_key_jmespath="eventId")
processor = BatchProcessor(event_type=EventType.SQS)


@idempotent_function(  # type: ignore[untyped-decorator] # as Powertools types it
    data_keyword_argument="detail", config=config, persistence_store=persistence
)
def tell(detail: dict[str, Any]) -> str:
    """Publish one notification."""
    return topic.publish(compose(snapshot_from(detail), event_id=detail["eventId"]))


def record_handler(record: SQSRecord) -> str:
    """Tell one event."""
    message_id: str = tell(detail=json.loads(record.body)["detail"])
    return message_id


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Tell a batch."""
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
