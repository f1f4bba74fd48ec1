"""What follows when the function fails: repeats, back-off, bisect, partial answers, throttles, refused payloads."""

from __future__ import annotations

import pytest

from penstock.mapping.inputs import FunctionError, Shard
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


def test_a_failing_batch_is_repeated_under_its_request_id_and_given_up() -> None:
    """MaximumRetryAttempts 2 means three calls; the back-off doubles."""
    play = StreamTranscript(maximum_retry_attempts=2)
    one = record(1)
    play.starts()

    assert play.read("read-1", one) == calls("invocation-2", one, request="request-1")
    assert play.failed("invocation-2") == [waits("timer-3", 200)]
    assert play.mapping.last_processing_result == "PROBLEM: Function call failed"
    play.at = 200
    assert play.fired("timer-3") == calls("invocation-4", one, request="request-1", attempt=2, at_ms=200)
    assert play.failed("invocation-4") == [waits("timer-5", 600)]
    play.at = 600
    assert play.fired("timer-5") == calls("invocation-6", one, request="request-1", attempt=3, at_ms=600)
    assert play.failed("invocation-6") == [checkpoint(1), reads("read-7", after="1")]


def test_no_retry_means_one_call() -> None:
    """MaximumRetryAttempts 0 discards at the first failure."""
    play = StreamTranscript(maximum_retry_attempts=0)
    play.starts()
    play.read("read-1", record(1))

    assert play.failed("invocation-2") == [checkpoint(1), reads("read-3", after="1")]


def test_without_a_limit_the_batch_is_repeated_on_and_on() -> None:
    """The back-off stays at a minute."""
    play = StreamTranscript()
    one = record(1)
    play.starts()
    play.read("read-1", one)
    timer = 3
    for wait_ms in [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000]:
        assert play.failed(f"invocation-{timer - 1}") == [waits(f"timer-{timer}", play.at + wait_ms)]
        play.at += wait_ms
        play.fired(f"timer-{timer}")
        timer += 2

    assert not play.mapping.idle


def test_a_timer_that_fires_too_early_is_started_again() -> None:
    """The back-off is never shorter than chosen."""
    play = StreamTranscript()
    play.starts()
    play.read("read-1", record(1))
    play.failed("invocation-2")

    play.at = 199
    assert play.fired("timer-3") == [waits("timer-4", 200)]


def test_a_throttled_call_spends_no_retry() -> None:
    """With no retry allowed, throttles are waited out and one failure still discards."""
    play = StreamTranscript(maximum_retry_attempts=0, on_failure_destination=FAILED_QUEUE)
    one = record(1)
    play.starts()
    play.read("read-1", one)

    assert play.throttled("invocation-2") == [waits("timer-3", 200)]
    play.at = 200
    assert play.fired("timer-3") == calls("invocation-4", one, request="request-1", attempt=2, at_ms=200)
    assert play.throttled("invocation-4") == [waits("timer-5", 600)]
    play.at = 600
    play.fired("timer-5")
    (delivery,) = play.failed("invocation-6")
    assert told(delivery)["requestContext"]["approximateInvokeCount"] == 1


def test_a_throttled_batch_is_not_bisected() -> None:
    """Only a failure of the function itself halves a batch."""
    play = StreamTranscript(bisect_batch_on_function_error=True)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)

    assert play.throttled("invocation-2") == [waits("timer-3", 200)]


def test_a_refused_payload_spends_its_retries_and_is_reported_without_response() -> None:
    """A record too large for any event is refused R + 1 times; then the shard goes on."""
    play = StreamTranscript(maximum_retry_attempts=1, on_failure_destination=FAILED_QUEUE)
    play.starts()
    play.read("read-1", record(1))

    assert play.refused("invocation-2") == [waits("timer-3", 200)]
    play.at = 200
    play.fired("timer-3")
    (delivery,) = play.refused("invocation-4")
    assert told(delivery)["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told(delivery)["requestContext"]["approximateInvokeCount"] == 2
    assert "responseContext" not in told(delivery)
    assert play.delivered("delivery-5") == [checkpoint(1), reads("read-6", after="1")]


def test_bisect_halves_at_once_and_finishes_the_left_half_first() -> None:
    """Record 2 of four is bad: only alone does it spend its retry; the checkpoint moves with each half."""
    play = StreamTranscript(bisect_batch_on_function_error=True, maximum_retry_attempts=1)
    one, two, three, four = (record(number) for number in range(1, 5))
    play.starts()

    assert play.read("read-1", one, two, three, four) == calls(
        "invocation-2", one, two, three, four, request="request-1"
    )
    assert play.failed("invocation-2") == calls("invocation-3", one, two, request="request-3")
    assert play.failed("invocation-3") == calls("invocation-4", one, request="request-5")
    assert play.returned("invocation-4") == [*calls("invocation-5", two, request="request-4"), checkpoint(1)]
    assert play.failed("invocation-5") == [waits("timer-6", 200)]
    play.at = 200
    assert play.fired("timer-6") == calls("invocation-7", two, request="request-4", attempt=2, at_ms=200)
    assert play.failed("invocation-7") == [
        *calls("invocation-8", three, four, request="request-2", at_ms=200),
        checkpoint(2),
    ]
    assert play.returned("invocation-8") == [checkpoint(4), reads("read-9", after="4")]


def test_an_odd_batch_has_the_smaller_half_first() -> None:
    """Three records are halved into one and two."""
    play = StreamTranscript(bisect_batch_on_function_error=True)
    one, two, three = record(1), record(2), record(3)
    play.starts()
    play.read("read-1", one, two, three)

    assert play.failed("invocation-2") == calls("invocation-3", one, request="request-3")
    assert play.returned("invocation-3") == [*calls("invocation-4", two, three, request="request-2"), checkpoint(1)]


def test_bisect_without_retries_still_goes_down_to_single_records() -> None:
    """A batch of two that fails is two batches of one, each called once."""
    play = StreamTranscript(bisect_batch_on_function_error=True, maximum_retry_attempts=0)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)

    assert play.failed("invocation-2") == calls("invocation-3", one, request="request-3")
    assert play.failed("invocation-3") == [*calls("invocation-4", two, request="request-2"), checkpoint(1)]
    assert play.failed("invocation-4") == [checkpoint(2), reads("read-5", after="2")]


def test_a_partial_answer_goes_on_at_the_earliest_record_reported() -> None:
    """What precedes it is done; the rest is a new batch, called at once."""
    play = StreamTranscript(function_response_types=("ReportBatchItemFailures",), metrics=("EventCount",))
    records = [record(number) for number in range(1, 6)]
    play.starts()
    play.read("read-1", *records)

    assert play.reported("invocation-2", 4, 3, 4) == [
        *counts(FailedInvoke=5),
        *calls("invocation-3", *records[2:], request="request-2", counted=True),
        checkpoint(2),
    ]
    assert play.mapping.last_processing_result == "OK"


def test_the_rest_of_a_partial_answer_has_retries_of_its_own_and_is_given_up_whole() -> None:
    """Progress renews the budget; good records behind the bad one go with it."""
    play = StreamTranscript(
        function_response_types=("ReportBatchItemFailures",),
        maximum_retry_attempts=1,
        on_failure_destination=FAILED_QUEUE,
    )
    one, two, three, four = (record(number) for number in range(1, 5))
    play.starts()
    play.read("read-1", one, two, three, four)

    assert play.reported("invocation-2", 2) == [
        *calls("invocation-3", two, three, four, request="request-2"),
        checkpoint(1),
    ]
    assert play.reported("invocation-3", 2) == [waits("timer-4", 200)]
    play.at = 200
    assert play.fired("timer-4") == calls("invocation-5", two, three, four, request="request-2", attempt=2, at_ms=200)
    (delivery,) = play.reported("invocation-5", 2)
    assert told(delivery)["requestContext"]["requestId"] == "request-2"
    assert told(delivery)["requestContext"]["approximateInvokeCount"] == 2
    assert told(delivery)["DDBStreamBatchInfo"]["batchSize"] == 3
    assert told(delivery)["responseContext"]["functionError"] is None
    assert play.mapping.last_processing_result == "OK"


def test_a_partial_answer_with_bisect_cuts_first_and_halves_when_there_is_no_progress() -> None:
    """[1..4] reporting 2, then [2,3,4] reporting 2, then its halves."""
    play = StreamTranscript(
        function_response_types=("ReportBatchItemFailures",),
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=0,
    )
    one, two, three, four = (record(number) for number in range(1, 5))
    play.starts()
    play.read("read-1", one, two, three, four)

    assert play.reported("invocation-2", 2) == [
        *calls("invocation-3", two, three, four, request="request-2"),
        checkpoint(1),
    ]
    assert play.reported("invocation-3", 2) == calls("invocation-4", two, request="request-4")
    assert play.reported("invocation-4", 2) == [
        *calls("invocation-5", three, four, request="request-3"),
        checkpoint(2),
    ]


@pytest.mark.parametrize("payload", [{"batchItemFailures": [{"itemIdentifier": "9"}]}, "no object"])
def test_an_answer_that_names_nothing_of_the_batch_fails_it_whole(payload: object) -> None:
    """An unknown identifier and an unreadable answer spend a retry."""
    play = StreamTranscript(function_response_types=("ReportBatchItemFailures",))
    play.starts()
    play.read("read-1", record(1), record(2))

    assert play.returned("invocation-2", payload) == [waits("timer-3", 200)]
    assert play.mapping.last_processing_result == "PROBLEM: Function call failed"


def test_a_list_of_failures_is_ignored_while_the_feature_is_off() -> None:
    """Without ReportBatchItemFailures any answer is success."""
    play = StreamTranscript()
    play.starts()
    play.read("read-1", record(1), record(2))

    assert play.reported("invocation-2", 2) == [checkpoint(2), reads("read-3", after="2")]


def test_a_failure_in_one_shard_leaves_another_alone() -> None:
    """Each shard has its own batch in flight, its own retries and its own checkpoint."""
    play = StreamTranscript(shards=(Shard(shard_id="a"), Shard(shard_id="b")))
    one, two = record(1), record(2)
    play.starts()

    assert play.read("read-1", one) == calls("invocation-3", one, request="request-1", shard="a")
    assert play.read("read-2", two) == calls("invocation-4", two, request="request-2", shard="b")
    assert play.ended("invocation-3", FunctionError()) == [waits("timer-5", 200)]
    assert play.returned("invocation-4") == [checkpoint(2, "b"), reads("read-6", shard="b", after="2")]


def test_a_call_that_was_not_made_is_a_problem_of_the_mapping() -> None:
    """LastProcessingResult says so as long as nothing better is known."""
    play = StreamTranscript()
    play.starts()
    play.read("read-1", record(1))
    play.throttled("invocation-2")

    assert play.mapping.last_processing_result == "PROBLEM: Function call failed"


def test_the_story_tells_why_a_batch_failed() -> None:
    """A refused payload, a report of the first record and a report that cannot be read are told apart."""
    play = StreamTranscript(function_response_types=("ReportBatchItemFailures",))
    play.starts()
    play.read("read-1", record(1))

    play.refused("invocation-2")
    assert play.mapping.story()[-1] == "00:00:00.000 shard: the payload was refused"
    play.at = 200
    play.fired("timer-3")
    play.reported("invocation-4", 1)
    assert play.mapping.story()[-1] == "00:00:00.200 shard: the function reported its first record"
    play.at = 600
    play.fired("timer-5")
    play.reported("invocation-6", 9)
    assert play.mapping.story()[-1] == "00:00:00.600 shard: the function's answer fails the whole batch"
