"""Tumbling windows: state, final calls, early termination, the end of a shard."""

from __future__ import annotations

from typing import Any

from penstock.mapping.choices import Choices
from penstock.mapping.effects import CancelRead, CancelTimer, InvokeFunction
from penstock.mapping.event import encode_event
from penstock.mapping.inputs import MappingDisabled, MappingEnabled, ReadFailed
from tests.mapping.transcript import (
    FAILED_QUEUE,
    STREAM,
    StreamTranscript,
    calls,
    checkpoint,
    counts,
    reads,
    record,
    told,
    waits,
)


def window(state: Any, *, second: int = 0, final: bool = False, early: bool = False) -> dict[str, Any]:
    """Give what the event of a ten-second window has beside its records."""
    return {
        "window": {"start": f"2026-01-01T00:00:{second:02}Z", "end": f"2026-01-01T00:00:{second + 10:02}Z"},
        "state": state,
        "shardId": "shard",
        "eventSourceARN": STREAM,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def test_state_is_carried_through_a_window_and_the_next_begins_empty() -> None:
    """A record of a later window brings the final call, whose answer is thrown away."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    one, two, three = record(1), record(2, at_ms=9_999), record(3, at_ms=10_000)
    play.starts()

    assert play.read("read-1", one) == calls("invocation-2", one, request="request-1", extras=window({}))
    assert play.returned("invocation-2", {"state": {"n": 1}}) == [
        waits("timer-3", 10_000),
        checkpoint(1),
        reads("read-4", after="1"),
    ]
    play.at = 10_000
    assert play.read("read-4", two, three) == calls(
        "invocation-5", two, request="request-2", extras=window({"n": 1}), at_ms=10_000
    )
    assert play.returned("invocation-5", {"state": {"n": 2}}) == [
        *calls("invocation-6", request="request-3", extras=window({"n": 2}, final=True)),
        checkpoint(2),
    ]
    assert play.returned("invocation-6", {"state": {"n": 99}}) == [
        CancelTimer(timer_id="timer-3"),
        *calls("invocation-7", three, request="request-4", extras=window({}, second=10), at_ms=10_000),
    ]


def test_an_idle_window_is_closed_when_it_is_over_and_nothing_more_is_there() -> None:
    """At its end the shard is read once more without waiting; an empty answer brings the final call."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})

    assert not play.mapping.idle
    play.at = 10_000
    assert play.fired("timer-3") == [CancelRead(read_id="read-4"), reads("read-5", after="1", wait=False)]
    assert play.read("read-5") == calls("invocation-6", request="request-2", extras=window(1, final=True))
    assert play.mapping.story()[-1] == "00:00:10.000 shard: makes the final call of its window, attempt 1"
    assert play.returned("invocation-6") == [reads("read-7", after="1")]
    assert play.mapping.idle


def test_a_last_record_found_at_the_end_of_a_window_still_counts_in_it() -> None:
    """The final call follows it."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    two = record(2, at_ms=9_990)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})
    play.at = 10_000
    play.fired("timer-3")

    assert play.read("read-5", two) == calls("invocation-6", two, request="request-2", extras=window(1), at_ms=10_000)
    assert play.returned("invocation-6", {"state": 2}) == [checkpoint(2), reads("read-7", after="2", wait=False)]
    assert play.read("read-7") == calls("invocation-8", request="request-3", extras=window(2, final=True))


def test_the_grace_delays_the_end_of_an_idle_window() -> None:
    """Grace is an injected value."""
    play = StreamTranscript(tumbling_window_in_seconds=10, choices=Choices(window_grace_ms=500))
    play.starts()
    play.read("read-1", record(1))

    assert play.returned("invocation-2", {"state": 1}) == [
        waits("timer-3", 10_500),
        checkpoint(1),
        reads("read-4", after="1"),
    ]
    play.at = 10_499
    assert play.fired("timer-3") == [waits("timer-5", 10_500)]


def test_a_window_is_not_closed_while_its_source_cannot_be_read() -> None:
    """Records of it may still be there: the final call waits until the shard was read."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    two = record(2, at_ms=9_000)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})
    play.at = 9_000
    play.happens(ReadFailed(read_id="read-4", reason="throttled"))

    play.at = 10_000
    assert play.fired("timer-3") == []
    assert play.fired("timer-5") == [reads("read-6", after="1", wait=False)]
    assert play.read("read-6", two) == calls("invocation-7", two, request="request-2", extras=window(1), at_ms=10_000)


def test_a_switched_off_mapping_keeps_the_state_of_its_window() -> None:
    """Its timer is cancelled; switched on after the end, it reads to the tip and makes the final call."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})

    assert play.happens(MappingDisabled()) == [CancelRead(read_id="read-4"), CancelTimer(timer_id="timer-3")]
    assert play.mapping.idle
    play.at = 20_000
    assert play.happens(MappingEnabled()) == [reads("read-5", after="1", wait=False)]
    assert play.read("read-5") == calls("invocation-6", request="request-2", extras=window(1, final=True))


def test_a_window_is_watched_again_after_a_pause() -> None:
    """Switched on before the end, the mapping has a timer for it, and one only."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})
    play.happens(MappingDisabled())

    assert play.happens(MappingEnabled()) == [waits("timer-5", 10_000), reads("read-6", after="1")]
    assert play.read("read-6") == [reads("read-7", after="1")]
    assert play.happens(MappingDisabled()) == [CancelRead(read_id="read-7"), CancelTimer(timer_id="timer-5")]


def test_the_end_of_a_shard_closes_its_window() -> None:
    """It does not wait for the clock."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    one = record(1)
    play.starts()

    assert play.read("read-1", one, ended=True) == calls("invocation-2", one, request="request-1", extras=window({}))
    assert play.returned("invocation-2", {"state": 1}) == [
        *calls("invocation-3", request="request-2", extras=window(1, final=True)),
        checkpoint(1),
    ]
    assert play.mapping.story()[-1] == "00:00:00.000 shard: makes the final call of its window, attempt 1"
    assert play.returned("invocation-3") == []
    assert play.mapping.idle


def test_a_repeated_call_is_given_the_same_state() -> None:
    """A failed answer changes nothing, and an answer without state is one."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one)
    play.returned("invocation-2", {"state": 1})
    play.read("read-4", two)

    for invocation, timer, payload in ((5, 6, {}), (7, 8, [1]), (9, 10, None)):
        effects = play.returned(f"invocation-{invocation}", payload)
        assert [type(effect).__name__ for effect in effects] == ["StartTimer"]
        play.at += 1_000
        (_, invoke) = play.fired(f"timer-{timer}")
        assert isinstance(invoke, InvokeFunction)
        assert invoke.extras == window(1)


def test_a_discarded_batch_leaves_the_state_as_it_was() -> None:
    """The window goes on without it."""
    play = StreamTranscript(tumbling_window_in_seconds=10, maximum_retry_attempts=0, batch_size=1)
    one, two, three = record(1), record(2), record(3)
    play.starts()
    play.read("read-1", one, two, three)
    play.returned("invocation-2", {"state": 1})

    assert play.failed("invocation-3") == [
        *calls("invocation-4", three, request="request-3", extras=window(1)),
        checkpoint(2),
    ]


def test_a_failing_final_call_is_repeated_and_then_given_up() -> None:
    """The destination learns of a window without records; the next window begins empty."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10,
        maximum_retry_attempts=1,
        on_failure_destination=FAILED_QUEUE,
        metrics=("EventCount",),
    )
    one, two = record(1), record(2, at_ms=12_000)
    play.at = 12_000
    play.starts()
    play.read("read-1", one, two)
    play.returned("invocation-2", {"state": {"n": 1}})

    assert play.failed("invocation-3") == [waits("timer-4", 12_200)]
    play.at = 12_200
    assert play.fired("timer-4") == calls(
        "invocation-5", request="request-2", attempt=2, extras=window({"n": 1}, final=True)
    )
    (delivery,) = play.failed("invocation-5")
    document = told(delivery)
    assert document["DDBStreamBatchInfo"] == {"shardId": "shard", "streamArn": STREAM}
    assert document["timeWindowInfo"] == {
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:10Z"},
        "isFinalInvokeForWindow": True,
        "isWindowTerminatedEarly": False,
    }
    assert play.mapping.story()[-3:] == [
        "00:00:12.200 shard: makes the final call of its window, attempt 2",
        "00:00:12.200 shard: the function failed: Unhandled",
        "00:00:12.200 shard: gives up after 2 calls",
    ]
    assert play.delivered("delivery-6") == [
        *counts(OnFailureDestinationDelivered=0),
        *calls("invocation-7", two, request="request-3", extras=window({}, second=10), at_ms=12_200, counted=True),
    ]


def test_a_final_call_without_a_destination_is_given_up_silently() -> None:
    """There are no records to count as dropped."""
    play = StreamTranscript(tumbling_window_in_seconds=10, maximum_retry_attempts=0, metrics=("EventCount",))
    play.starts()
    play.read("read-1", record(1), ended=True)
    play.returned("invocation-2", {"state": 1})

    assert play.failed("invocation-3") == []
    assert play.mapping.idle


def test_a_final_call_may_grow_too_old() -> None:
    """Its age counts from when it became due, and it is reported with the calls made and one more."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10, maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE
    )
    play.starts()
    play.read("read-1", record(1), ended=True)
    play.returned("invocation-2", {"state": 1})
    play.failed("invocation-3")
    play.at = 60_001

    (delivery,) = play.fired("timer-4")
    assert told(delivery)["requestContext"]["condition"] == "RecordAgeExceeded"
    assert told(delivery)["requestContext"]["approximateInvokeCount"] == 2
    assert told(delivery)["DDBStreamBatchInfo"] == {"shardId": "shard", "streamArn": STREAM}


def test_a_failing_final_call_is_put_off_with_the_mapping() -> None:
    """Switched on again the window still gets its final call, as a new one."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    play.starts()
    play.read("read-1", record(1), ended=True)
    play.returned("invocation-2", {"state": 1})
    play.happens(MappingDisabled())

    assert play.failed("invocation-3") == []
    assert play.happens(MappingEnabled()) == calls("invocation-4", request="request-3", extras=window(1, final=True))


def test_a_state_that_is_too_large_ends_the_window_early() -> None:
    """A call without records is given all of it at once; the same span then begins anew."""
    play = StreamTranscript(tumbling_window_in_seconds=10, batch_size=1, choices=Choices(state_limit_bytes=10))
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)

    assert play.returned("invocation-2", {"state": "x" * 9}) == [
        *calls("invocation-3", request="request-2", extras=window("x" * 9, final=True, early=True)),
        checkpoint(1),
    ]
    assert play.returned("invocation-3", {"state": "y"}) == calls(
        "invocation-4", two, request="request-3", extras=window({})
    )
    assert play.returned("invocation-4", {"state": "x" * 8}) == [
        waits("timer-5", 10_000),
        checkpoint(2),
        reads("read-6", after="2"),
    ]


def test_a_window_that_ended_early_between_two_halves_begins_anew_with_the_second() -> None:
    """The right half of a bisected batch waits for the early call."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10, bisect_batch_on_function_error=True, choices=Choices(state_limit_bytes=5)
    )
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)
    play.failed("invocation-2")

    assert play.returned("invocation-3", {"state": "xxxxxx"}) == [
        *calls("invocation-4", request="request-4", extras=window("xxxxxx", final=True, early=True)),
        checkpoint(1),
    ]
    assert play.returned("invocation-4") == calls("invocation-5", two, request="request-2", extras=window({}))


def test_the_state_of_a_partial_answer_is_taken() -> None:
    """The rest of the batch is called with it."""
    play = StreamTranscript(tumbling_window_in_seconds=10, function_response_types=("ReportBatchItemFailures",))
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)

    assert play.returned("invocation-2", {"state": 1, "batchItemFailures": [{"itemIdentifier": "2"}]}) == [
        *calls("invocation-3", two, request="request-2", extras=window(1)),
        checkpoint(1),
    ]


def test_records_of_old_windows_are_caught_up_window_by_window() -> None:
    """A batch never mixes windows, and windows long over need no timer."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    one, two = record(1, at_ms=1_000), record(2, at_ms=25_000)
    play.at = 100_000
    play.starts()

    assert play.read("read-1", one, two) == calls(
        "invocation-2", one, request="request-1", extras=window({}), at_ms=100_000
    )
    play.returned("invocation-2", {"state": 1})
    assert play.returned("invocation-3") == calls(
        "invocation-4", two, request="request-3", extras=window({}, second=20), at_ms=100_000
    )
    assert play.returned("invocation-4", {"state": 1}) == [checkpoint(2), reads("read-5", after="2", wait=False)]


def test_a_record_that_comes_late_counts_in_the_open_window() -> None:
    """A window never opens backwards."""
    play = StreamTranscript(tumbling_window_in_seconds=10, batch_size=1)
    one, late = record(1, at_ms=10_000), record(2, at_ms=9_000)
    play.at = 10_000
    play.starts()
    play.read("read-1", one, late)

    assert play.returned("invocation-2", {"state": 1}) == [
        *calls("invocation-3", late, request="request-2", extras=window(1, second=10), at_ms=10_000),
        checkpoint(1),
    ]


def test_a_batch_closes_with_its_tumbling_window() -> None:
    """The batching window is cut short where the tumbling window ends, but not where that is long over."""
    play = StreamTranscript(tumbling_window_in_seconds=10, maximum_batching_window_in_seconds=20)
    one = record(1, at_ms=1_000)
    play.at = 1_000
    play.starts()

    assert play.read("read-1", one) == [waits("timer-2", 10_000), reads("read-3", after="1")]
    play.at = 10_000
    assert play.fired("timer-2") == [
        *calls("invocation-4", one, request="request-1", extras=window({}), at_ms=10_000),
        CancelRead(read_id="read-3"),
    ]
    play.returned("invocation-4", {"state": 1})
    assert play.read("read-5", record(2, at_ms=2_000)) == [waits("timer-6", 30_000), reads("read-7", after="2")]


def test_a_batch_of_a_window_leaves_room_for_its_state() -> None:
    """The six megabytes hold the whole event, what the window adds included."""
    extras = window({"n": "x" * 200})
    one, two, three = record(1, size=100), record(2, size=100), record(3, size=100)
    (_, whole) = calls("", two, three, request="", extras=extras)
    assert isinstance(whole, InvokeFunction)
    for spare, expected in ((0, [two, three]), (-1, [two])):
        play = StreamTranscript(
            tumbling_window_in_seconds=10, choices=Choices(event_limit_bytes=whole.event_bytes + spare)
        )
        play.starts()
        play.read("read-1", one)
        play.returned("invocation-2", {"state": {"n": "x" * 200}})

        assert play.read("read-4", two, three) == calls("invocation-5", *expected, request="request-2", extras=extras)


def test_records_too_old_for_any_call_open_no_window() -> None:
    """Their on-failure record still names the window that they belong to."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10, maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE
    )
    play.at = 100_000
    play.starts()

    (delivery,) = play.read("read-1", record(1, at_ms=1_000))
    assert told(delivery)["timeWindowInfo"]["window"] == {
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-01T00:00:10Z",
    }
    assert play.delivered("delivery-2") == [checkpoint(1), reads("read-3", after="1")]
    assert play.mapping.idle


def test_a_discarded_batch_names_its_window_and_a_bucket_gets_its_event() -> None:
    """The flags are those of the call that failed, and the payload is what the function was given."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10, maximum_retry_attempts=0, on_failure_destination="arn:aws:s3:::failed"
    )
    one = record(1)
    play.starts()
    play.read("read-1", one)

    (delivery,) = play.failed("invocation-2")
    assert told(delivery)["timeWindowInfo"] == {
        "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:10Z"},
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }
    assert told(delivery)["payload"] == encode_event((one,), window({}))


def test_a_failing_early_call_is_given_up_as_one() -> None:
    """Its on-failure record says that the window was terminated early, and holds the state that was too large."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10,
        maximum_retry_attempts=0,
        on_failure_destination="arn:aws:s3:::failed",
        choices=Choices(state_limit_bytes=5),
    )
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": "xxxxxx"})
    assert play.mapping.story()[-1] == "00:00:00.000 shard: makes the early call of its window, attempt 1"

    (delivery,) = play.failed("invocation-3")
    assert told(delivery)["timeWindowInfo"]["isFinalInvokeForWindow"] is True
    assert told(delivery)["timeWindowInfo"]["isWindowTerminatedEarly"] is True
    assert told(delivery)["payload"] == encode_event((), window("xxxxxx", final=True, early=True))


def test_each_record_too_old_names_the_window_of_its_own() -> None:
    """As long as none is open, a record that comes late does not count in the window of the one before it."""
    play = StreamTranscript(
        tumbling_window_in_seconds=10, maximum_record_age_in_seconds=60, on_failure_destination=FAILED_QUEUE
    )
    play.at = 100_000
    play.starts()

    effects = play.read("read-1", record(1, at_ms=10_000), record(2, at_ms=9_000))
    starts = [told(delivery)["timeWindowInfo"]["window"]["start"] for delivery in effects]
    assert starts == ["2026-01-01T00:00:10Z", "2026-01-01T00:00:00Z"]


def test_an_empty_answer_to_a_held_read_is_no_proof_of_the_tip() -> None:
    """It may have been under way since before the window was over: the shard is read once more."""
    play = StreamTranscript(tumbling_window_in_seconds=10)
    play.starts()
    play.read("read-1", record(1))
    play.returned("invocation-2", {"state": 1})

    play.at = 10_000
    assert play.read("read-4") == [reads("read-5", after="1", wait=False)]
    assert play.read("read-5") == calls("invocation-6", request="request-2", extras=window(1, final=True))
