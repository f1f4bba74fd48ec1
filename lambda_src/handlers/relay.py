"""Publish what happened to orders: the Orders stream, turned into domain events on the bus.

Source: the stream of the Orders table, filtered to inserts and changes of items that have a status; order per item is
kept.
Effect: PutEvents, up to 10 entries a call, never two of one order. A write that left `version` as it was publishes
nothing.
Key: `detail.eventId` is the record's `eventID`, the same however often it is published.
Rung: none, at least once. Consumers are exact by that id (`notify`) or by the version (`enrich`, `replicate`,
fulfilment).
Cost: 0.1 calls a record in a full batch of different orders.
Retry: Lambda begins again at the lowest record reported. What was published is skipped in the same execution
environment and published again, with the same event id, in another. After a failure later changes of that order wait,
other orders go on.
On-failure destination: records that cannot be read, or whose publishing failed, when retries or age run out; the
mapping bisects, so that each goes alone.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from effects.connection import CONNECTION
from effects.event_bus import MAX_ENTRIES, EventBus
from effects.order_item import snapshot_of, version_of
from effects.ordered_batch import OrderedBatchProcessor
from orders.change import change_between

logger = Logger()
metrics = Metrics()
bus = EventBus(client=boto3.client("events", config=CONNECTION), name=os.environ["EVENT_BUS_NAME"])
processor = OrderedBatchProcessor(perform=bus.publish, group_size=MAX_ENTRIES, logger=logger)


def record_handler(record: DynamoDBRecord) -> dict[str, str] | None:
    """Turn one stream record into an entry for the bus, or None when it changed nothing that others should hear of."""
    images = record.raw_event["dynamodb"]
    if "NewImage" not in images:
        return None
    snapshot = snapshot_of(images["NewImage"])
    change = change_between(version_of(images.get("OldImage")), snapshot, event_id=record.raw_event["eventID"])
    return None if change is None else bus.entry(change)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Publish a batch in order per order; the answer names the first failed record of each order."""
    metrics.add_metric(name="Records", unit=MetricUnit.Count, value=len(event["Records"]))
    answer = process_partial_response(event, record_handler, processor, context)
    failed, finished = len(processor.fail_messages), len(processor.success_messages)
    metrics.add_metric(name="RecordsFailed", unit=MetricUnit.Count, value=failed)
    logger.info("batch relayed", records=len(event["Records"]), relayed=finished, failed=failed)
    return answer
