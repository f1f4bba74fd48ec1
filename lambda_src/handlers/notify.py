"""Tell the world what became of an order: one SNS message for each acceptance and each rejection.

Source: the `notify` queue, fed with OrderAccepted and OrderRejected events from the bus; no window; unordered, repeated
now and then.
Effect: one SNS publish.
Key: `detail.eventId`, the `eventID` of the stream record behind the event.
Rung: Powertools idempotency, as a topic knows no key of its own.
Cost: 3 calls and 2 write units a message, 1 and 1 for a repeat.
Retry: a message whose event was told is answered from its idempotency record. After a crash between publish and
completion the event is told again once the lock has run out (at most once more a crash), and messages of different
events may overtake each other: subscribers go by `version`.
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
from effects.queue_batch import QueueBatchProcessor
from effects.topic import Topic
from orders.notification import compose
from orders.snapshot import snapshot_from

logger = Logger()
metrics = Metrics()
topic = Topic(client=boto3.client("sns", config=CONNECTION), arn=os.environ["TOPIC_ARN"])
publish = once_only(
    topic.publish,
    key=lambda notification: notification.event_id,
    name="notification",
    client=boto3.client("dynamodb", config=CONNECTION),
    table=os.environ["IDEMPOTENCY_TABLE"],
)
processor = QueueBatchProcessor(logger=logger)


def record_handler(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Tell one event, unless it was told already."""
    detail = json.loads(record.body)["detail"]
    notification = compose(snapshot_from(detail), event_id=detail["eventId"])
    message_id = publish(notification, lambda_context)
    logger.info("order told", order_id=detail["orderId"], event_id=notification.event_id, message_id=message_id)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Tell a batch; the answer names the messages that failed."""
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(event["Records"]))
    answer = process_partial_response(event, record_handler, processor, context)
    metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=len(processor.fail_messages))
    return answer
