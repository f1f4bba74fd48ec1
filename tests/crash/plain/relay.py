"""`relay` as the documentation of Powertools shows it, for comparison: `BatchProcessor`, one call a record."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from effects.order_item import snapshot_of, version_of
from orders.change import SOURCE, change_between

client = boto3.client("events")
processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def record_handler(record: DynamoDBRecord) -> None:
    """Publish one change."""
    images = record.raw_event["dynamodb"]
    snapshot = snapshot_of(images["NewImage"])
    change = change_between(version_of(images.get("OldImage")), snapshot, event_id=record.raw_event["eventID"])
    if change is None:
        return
    entry = {
        "EventBusName": os.environ["EVENT_BUS_NAME"],
        "Source": SOURCE,
        "DetailType": change.name,
        "Detail": json.dumps(change.detail()),
    }
    answer = client.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError(answer["Entries"][0]["ErrorCode"])


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Publish a batch."""
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
