"""Records that grow too old: by MaximumRecordAgeInSeconds, which is reported, and by retention, which is not."""

from __future__ import annotations

from penstock.mapping.choices import Choices
from tests.mapping.transcript import (
    FAILED_QUEUE,
    StreamTranscript,
    calls,
    checkpoint,
    counts,
    reads,
    record,
    told,
    waits,
)


def test_records_that_are_too_old_are_reported_one_by_one_before_the_first_call() -> None:
    """The fresh ones are delivered when the destination has answered for each of the old."""
    play = StreamTranscript(maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE)
    one, two, three = record(1, at_ms=-70_000), record(2, at_ms=-60_001), record(3, at_ms=-60_000)
    play.starts()

    first, second = play.read("read-1", one, two, three)
    for delivery, number in ((first, "1"), (second, "2")):
        document = told(delivery)
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"
        assert document["requestContext"]["approximateInvokeCount"] == 1
        assert "responseContext" not in document
        assert document["DDBStreamBatchInfo"]["startSequenceNumber"] == number
        assert document["DDBStreamBatchInfo"]["endSequenceNumber"] == number
    assert not play.mapping.idle
    assert play.delivered("delivery-3") == []
    assert play.delivered("delivery-2") == [*calls("invocation-4", three, request="request-1"), checkpoint(2)]


def test_a_batch_that_grows_too_old_while_it_is_repeated_is_reported_as_one() -> None:
    """The back-off ends where the oldest record grows too old; the count is one more than the calls."""
    play = StreamTranscript(maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE)
    one, two = record(1, at_ms=-59_900), record(2, at_ms=-59_900)
    play.starts()
    play.read("read-1", one, two)

    assert play.failed("invocation-2") == [waits("timer-3", 101)]
    play.at = 101
    (delivery,) = play.fired("timer-3")
    assert told(delivery)["requestContext"] == {
        "requestId": "request-1",
        "functionArn": "arn:aws:lambda:eu-west-1:111111111111:function:relay:live",
        "condition": "RecordAgeExceeded",
        "approximateInvokeCount": 2,
    }
    assert told(delivery)["DDBStreamBatchInfo"]["batchSize"] == 2
    assert "responseContext" not in told(delivery)
    assert play.delivered("delivery-4") == [checkpoint(2), reads("read-5", after="2")]


def test_younger_records_of_the_batch_keep_their_back_off() -> None:
    """Only the expired front leaves the item; the rest is called when its time has come."""
    play = StreamTranscript(maximum_record_age_in_seconds=60)
    one, two = record(1, at_ms=-59_900), record(2, at_ms=-59_000)
    play.starts()
    play.read("read-1", one, two)

    assert play.failed("invocation-2") == [waits("timer-3", 101)]
    play.at = 101
    assert play.fired("timer-3") == [waits("timer-4", 200), checkpoint(1)]
    play.at = 200
    assert play.fired("timer-4") == calls("invocation-5", two, request="request-1", attempt=2, at_ms=200)


def test_throttles_end_with_the_age_of_the_record() -> None:
    """A function that never runs holds its shard no longer than the record may live."""
    play = StreamTranscript(maximum_record_age_in_seconds=60, metrics=("EventCount",))
    one = record(1, at_ms=-59_950)
    play.starts()
    play.read("read-1", one)

    assert play.throttled("invocation-2") == [*counts(FailedInvoke=1), waits("timer-3", 51)]
    play.at = 51
    assert play.fired("timer-3") == [*counts(Dropped=1), checkpoint(1), reads("read-4", after="1")]


def test_expiry_before_the_first_call_leaves_no_processing_result() -> None:
    """Nothing was processed."""
    play = StreamTranscript(maximum_record_age_in_seconds=60)
    play.starts()

    assert play.read("read-1", record(1, at_ms=-61_000)) == [checkpoint(1), reads("read-2", after="1")]
    assert play.mapping.last_processing_result == "No records processed"


def test_retention_takes_a_record_that_is_never_done_and_tells_nobody() -> None:
    """After 24 hours the shard goes on: no on-failure record, no dropped event."""
    play = StreamTranscript(on_failure_destination=FAILED_QUEUE, metrics=("EventCount",))
    one, two = record(1, at_ms=-86_399_950), record(2)
    play.starts()
    play.read("read-1", one, two)

    assert play.failed("invocation-2") == [*counts(FailedInvoke=2), waits("timer-3", 51)]
    play.at = 51
    assert play.fired("timer-3") == [waits("timer-4", 200), checkpoint(1)]
    play.at = 200
    assert play.fired("timer-4") == calls("invocation-5", two, request="request-1", attempt=2, at_ms=200, counted=True)


def test_an_age_beyond_retention_has_no_effect() -> None:
    """The stream has lost the record first; at exactly 24 hours it is reported."""
    for seconds, expected in ((604_800, False), (86_400, True)):
        play = StreamTranscript(maximum_record_age_in_seconds=seconds, on_failure_destination=FAILED_QUEUE)
        play.starts()
        effects = play.read("read-1", record(1, at_ms=-86_400_001))

        assert ("DeliverToDestination" in {type(effect).__name__ for effect in effects}) is expected


def test_the_age_of_a_short_retention_is_told_by_the_choices() -> None:
    """Retention is an injected value like the others."""
    play = StreamTranscript(choices=Choices(retention_ms=1_000))
    one = record(1, at_ms=-1_001)
    play.starts()

    assert play.read("read-1", one) == [checkpoint(1), reads("read-2", after="1")]
