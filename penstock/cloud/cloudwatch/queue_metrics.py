"""What queues add to the metrics: the namespace ``AWS/SQS``.

Source: *Available CloudWatch metrics for Amazon SQS*. What a redrive policy moves to a dead-letter queue is not sent
to it by this count, and its age there is counted from the move; elsewhere a message that came back more than three
times no longer counts for the age. The ``Approximate…`` metrics are samples: one each minute of the application's
clock, and one when the metrics are asked for.
"""

from __future__ import annotations

from typing import Any, Final

from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.moto.queues import held

NAMESPACE: Final = "AWS/SQS"
POISON_RECEIVES: Final = 3


def measure_sent(metrics: Metrics, queue_name: str, message: Any, *, now_ms: int) -> None:
    """Add a message of moto's that came into a queue, unless it was moved there: then remember when."""
    if message.approximate_receive_count:
        message.moved_at_ms = now_ms
        return
    dimensions = {"QueueName": queue_name}
    metrics.add(NAMESPACE, "NumberOfMessagesSent", 1, dimensions)
    metrics.add(NAMESPACE, "SentMessageSize", len(message.body.encode()), dimensions, unit="Bytes")


def measure_count(metrics: Metrics, name: str, queue_name: str, messages: int) -> None:
    """Add messages received or deleted."""
    if messages:
        metrics.add(NAMESPACE, name, messages, {"QueueName": queue_name})


def sample(metrics: Metrics, queue: Any, *, now_ms: int) -> None:
    """Add how many messages a queue of moto's holds now, and the age of the oldest in seconds, if there is any."""
    messages, dimensions = held(queue), {"QueueName": queue.name}
    delayed = sum(message.delayed for message in messages)
    hidden = sum(not message.visible and not message.delayed for message in messages)
    visible = len(messages) - delayed - hidden
    metrics.add(NAMESPACE, "ApproximateNumberOfMessagesVisible", visible, dimensions)
    metrics.add(NAMESPACE, "ApproximateNumberOfMessagesNotVisible", hidden, dimensions)
    metrics.add(NAMESPACE, "ApproximateNumberOfMessagesDelayed", delayed, dimensions)
    came = [at_ms for message in messages if (at_ms := _came_at_ms(message)) is not None]
    if came:
        age_seconds = int(now_ms - min(came)) // 1000
        metrics.add(NAMESPACE, "ApproximateAgeOfOldestMessage", age_seconds, dimensions, unit="Seconds")


def _came_at_ms(message: Any) -> float | None:
    moved_at_ms: float | None = getattr(message, "moved_at_ms", None)
    if moved_at_ms is not None:
        return moved_at_ms
    return float(message.sent_timestamp) if message.approximate_receive_count <= POISON_RECEIVES else None
