"""On-failure records: their exact text for queues, topics and buckets, and what follows their delivery."""

from __future__ import annotations

import json
import time

import pytest

from penstock.mapping.choices import Choices
from penstock.mapping.destination import destination_kind
from penstock.mapping.effects import CancelTimer, DeliverToDestination, RecordMetric
from penstock.mapping.inputs import DestinationAnswered, FunctionError, MappingDisabled, MappingEnabled
from tests.mapping.transcript import (
    FAILED_QUEUE,
    FUNCTION,
    STREAM,
    StreamTranscript,
    calls,
    checkpoint,
    counts,
    reads,
    record,
    waits,
)

TOPIC = "arn:aws:sns:eu-west-1:111111111111:failed"
BUCKET = "arn:aws:s3:::failed"

METADATA = (
    '{"requestContext":{"requestId":"request-1","functionArn":"' + FUNCTION + '",'
    '"condition":"RetryAttemptsExhausted","approximateInvokeCount":1},'
    '"responseContext":{"statusCode":200,"executedVersion":"7","functionError":"Unhandled"},'
    '"version":"1.0","timestamp":"2026-01-01T00:00:08.123Z",'
    '"DDBStreamBatchInfo":{"shardId":"shard","startSequenceNumber":"1","endSequenceNumber":"2",'
    '"approximateArrivalOfFirstRecord":"2026-01-01T00:00:00Z",'
    '"approximateArrivalOfLastRecord":"2026-01-01T00:00:01Z","batchSize":2,"streamArn":"' + STREAM + '"}'
)


def give_up(destination: str) -> tuple[StreamTranscript, DeliverToDestination]:
    """Play a mapping up to the discard of two records."""
    play = StreamTranscript(maximum_retry_attempts=0, on_failure_destination=destination, metrics=("EventCount",))
    play.starts()
    play.at = 8_123
    play.read("read-1", record(1, at_ms=999), record(2, at_ms=1_000))
    counted, delivery = play.ended("invocation-2", FunctionError(executed_version="7"))
    assert [counted] == counts(FailedInvoke=2)
    assert isinstance(delivery, DeliverToDestination)
    return play, delivery


def test_a_queue_gets_the_metadata_in_the_order_of_aws() -> None:
    """Key for key as recorded; the arrival times are whole seconds."""
    _, delivery = give_up(FAILED_QUEUE)

    assert delivery == DeliverToDestination(
        delivery_id="delivery-3",
        destination_arn=FAILED_QUEUE,
        kind="sqs",
        body=METADATA + "}",
        object_key=None,
        records=2,
    )


def test_a_topic_gets_the_same_as_a_queue() -> None:
    """The message is the JSON text."""
    _, delivery = give_up(TOPIC)

    assert (delivery.kind, delivery.body, delivery.object_key) == ("sns", METADATA + "}", None)


def test_a_bucket_gets_the_whole_event_as_text_under_a_dated_key() -> None:
    """Date and time of the key are those of the record's timestamp."""
    _, delivery = give_up(BUCKET)

    event = '{"Records":[' + record(1).encoded + "," + record(2).encoded + "]}"
    assert delivery.kind == "s3"
    assert delivery.body == METADATA + ',"payload":' + json.dumps(event) + "}"
    assert delivery.object_key == "aws/lambda/mapping/shard/2026/01/01/2026-01-01T00.00.08-request-2"


def test_the_shard_goes_on_when_the_destination_has_answered() -> None:
    """The records count as delivered, and the checkpoint passes them."""
    play, _ = give_up(FAILED_QUEUE)

    assert not play.mapping.idle
    assert play.delivered("delivery-3") == [
        *counts(OnFailureDestinationDelivered=2),
        checkpoint(2),
        reads("read-4", after="2"),
    ]


def test_records_that_the_destination_refuses_are_lost() -> None:
    """They count as dropped, the delivery as failed, and nothing is delivered again."""
    play, _ = give_up(FAILED_QUEUE)

    assert play.happens(DestinationAnswered(delivery_id="delivery-3", delivered=False, reason="denied")) == [
        RecordMetric(name="DestinationDeliveryFailures", value=1),
        *counts(Dropped=2),
        checkpoint(2),
        reads("read-4", after="2"),
    ]


def test_without_a_destination_the_records_are_dropped() -> None:
    """Whether DroppedEventCount tells so is a choice: the guide and a capture disagree."""
    for count_drops, expected in ((True, counts(Dropped=1)), (False, [])):
        play = StreamTranscript(
            maximum_retry_attempts=0,
            metrics=("EventCount",),
            choices=Choices(count_drops_without_destination=count_drops),
        )
        play.starts()
        play.read("read-1", record(1))

        assert play.failed("invocation-2") == [
            *counts(FailedInvoke=1),
            *expected,
            checkpoint(1),
            reads("read-3", after="1"),
        ]


def test_a_delivery_in_flight_ends_while_the_mapping_is_off() -> None:
    """The checkpoint passes the records; what follows waits."""
    play = StreamTranscript(maximum_retry_attempts=0, on_failure_destination=FAILED_QUEUE, batch_size=1)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)
    play.failed("invocation-2")
    play.happens(MappingDisabled())

    assert play.delivered("delivery-3") == [checkpoint(1)]
    assert play.happens(MappingEnabled()) == calls("invocation-4", two, request="request-2")


def test_what_was_too_old_is_settled_while_the_mapping_is_off() -> None:
    """The rest of the batch is put back and comes when it is on again."""
    play = StreamTranscript(maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE)
    one, two = record(1, at_ms=-61_000), record(2)
    play.starts()
    play.read("read-1", one, two)
    play.happens(MappingDisabled())

    assert play.delivered("delivery-2") == [checkpoint(1)]
    assert play.happens(MappingEnabled()) == calls("invocation-3", two, request="request-3")


def test_an_unanswered_invocation_counts_as_not_invoked() -> None:
    """With a deadline a lost answer costs no retry, and one that comes too late is ignored."""
    play = StreamTranscript(maximum_retry_attempts=0, choices=Choices(answer_deadline_ms=1_000))
    one = record(1)
    play.starts()

    assert play.read("read-1", one) == [*calls("invocation-2", one, request="request-1"), waits("timer-3", 1_000)]
    play.at = 1_000
    assert play.fired("timer-3") == [waits("timer-4", 1_200)]
    assert play.mapping.story()[-1] == "00:00:01.000 shard: the function was not invoked: no answer"
    assert play.returned("invocation-2") == []
    play.at = 1_200
    assert play.fired("timer-4") == [
        *calls("invocation-5", one, request="request-1", attempt=2, at_ms=1_200),
        waits("timer-6", 2_200),
    ]
    assert play.returned("invocation-5") == [CancelTimer(timer_id="timer-6"), checkpoint(1), reads("read-7", after="1")]


def test_an_unanswered_delivery_is_repeated() -> None:
    """Under the same id, until the destination answers."""
    play = StreamTranscript(
        maximum_retry_attempts=0, on_failure_destination=FAILED_QUEUE, choices=Choices(answer_deadline_ms=1_000)
    )
    play.starts()
    play.read("read-1", record(1))
    effects = play.failed("invocation-2")
    delivery = effects[1]

    assert effects == [CancelTimer(timer_id="timer-3"), delivery, waits("timer-5", 1_000)]
    play.at = 1_000
    assert play.fired("timer-5") == [delivery, waits("timer-6", 2_000)]
    assert play.delivered("delivery-4") == [CancelTimer(timer_id="timer-6"), checkpoint(1), reads("read-7", after="1")]


def test_a_destination_is_known_by_its_arn() -> None:
    """Queues, topics and buckets are told apart by the service."""
    assert [destination_kind(arn) for arn in (FAILED_QUEUE, TOPIC, BUCKET)] == ["sqs", "sns", "s3"]


def test_times_are_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the on-failure record nor its key nor the story follow the time zone of the machine."""
    with monkeypatch.context() as place:
        place.setenv("TZ", "JST-9")
        time.tzset()
        play, delivery = give_up(BUCKET)
        told_at_last = play.mapping.story()[-1]
    time.tzset()

    assert told_at_last == "00:00:08.123 shard: gives up after 1 calls"
    assert delivery.body.startswith(METADATA)
    assert delivery.object_key == "aws/lambda/mapping/shard/2026/01/01/2026-01-01T00.00.08-request-2"
