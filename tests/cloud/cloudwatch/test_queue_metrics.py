"""What queues add to the metrics."""

import asyncio
from collections.abc import Callable
from typing import Any

from penstock.cloud.clock import JumpingClock
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import Engine
from penstock.cloud.queues import Queues
from tests.standing_clock import StandingClock

ARN = "arn:aws:sqs:us-east-1:123456789012:q"
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"


def with_queue(use: Callable[[Engine, Queues, JumpingClock], None]) -> Metrics:
    """A queue ``q`` that gives its messages to ``dead`` after one receive, and the metrics of what was done to it."""

    async def go() -> Metrics:
        clock = StandingClock()
        metrics = Metrics(now_ms=clock.now_ms)
        engine = Engine(account_id="123456789012", region="us-east-1")
        queues = Queues(engine, clock, metrics)
        engine.call("sqs", "CreateQueue", {"QueueName": "dead"})
        redrive = '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dead", "maxReceiveCount": 1}'
        engine.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"RedrivePolicy": redrive}})
        use(engine, queues, clock)
        clock.close()
        return metrics

    return asyncio.run(go())


def receive(engine: Engine, **more: Any) -> list[dict[str, Any]]:
    """Receive up to ten messages."""
    asked = {"QueueUrl": URL + "q", "MaxNumberOfMessages": 10, **more}
    messages: list[dict[str, Any]] = engine.call("sqs", "ReceiveMessage", asked).get("Messages", [])
    return messages


def test_messages_are_counted_as_they_pass() -> None:
    """Sent by a call or by a service, received, deleted one by one or in a batch."""

    def use(engine: Engine, queues: Queues, clock: JumpingClock) -> None:
        engine.call("sqs", "SendMessage", {"QueueUrl": URL + "q", "MessageBody": "é"})
        queues.send(ARN, "by a service")
        first, second = receive(engine)
        engine.call("sqs", "DeleteMessage", {"QueueUrl": URL + "q", "ReceiptHandle": first["ReceiptHandle"]})
        entries = [{"Id": "1", "ReceiptHandle": second["ReceiptHandle"]}]
        engine.call("sqs", "DeleteMessageBatch", {"QueueUrl": URL + "q", "Entries": entries})

    metrics = with_queue(use)

    counts = [
        metrics.sum("AWS/SQS", f"NumberOfMessages{what}", QueueName="q") for what in ("Sent", "Received", "Deleted")
    ]
    assert counts == [2, 2, 2]
    assert metrics.sum("AWS/SQS", "SentMessageSize", QueueName="q") == 14


def test_redriven_message_was_not_sent_to_its_dead_letter_queue() -> None:
    """It lies there, as old as its stay, and no send is counted."""

    def use(engine: Engine, queues: Queues, clock: JumpingClock) -> None:
        queues.send(ARN, "poison")
        clock.skipped_ms += 100_000
        receive(engine, VisibilityTimeout=0)
        receive(engine)
        clock.skipped_ms += 7_000
        queues.sample()

    metrics = with_queue(use)

    assert metrics.sum("AWS/SQS", "NumberOfMessagesSent", QueueName="dead") == 0
    assert metrics.statistic("Maximum", "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="dead") == 1
    assert metrics.statistic("Maximum", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="dead") == 7
    assert metrics.statistic("Maximum", "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="q") == 0
    assert metrics.statistic("SampleCount", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="q") is None


def test_sample_tells_visible_hidden_and_delayed_apart() -> None:
    """Each message is in one of the three."""

    def use(engine: Engine, queues: Queues, clock: JumpingClock) -> None:
        for body in "ab":
            queues.send(ARN, body)
        receive(engine, MaxNumberOfMessages=1)
        engine.call("sqs", "SendMessage", {"QueueUrl": URL + "q", "MessageBody": "c", "DelaySeconds": 60})
        clock.skipped_ms += 5_000
        queues.sample()

    metrics = with_queue(use)

    names = [f"ApproximateNumberOfMessages{what}" for what in ("Visible", "NotVisible", "Delayed")]
    assert [metrics.sum("AWS/SQS", name, QueueName="q") for name in names] == [1, 1, 1]
    assert metrics.statistic("Maximum", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="q") == 5
