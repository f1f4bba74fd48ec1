"""How records become batches: batch size, batching window, the 6 MB of an event, filters."""

from __future__ import annotations

import json

from penstock.mapping.choices import Choices
from penstock.mapping.effects import CancelRead, CancelTimer
from penstock.mapping.inputs import MappingDisabled, MappingEnabled
from tests.mapping.transcript import StreamTranscript, calls, checkpoint, counts, reads, record, waits

INSERTS = (json.dumps({"eventName": ["INSERT"]}),)


def test_without_a_window_the_batch_is_what_one_read_gave() -> None:
    """Full batches first, then the rest, and only then the next read."""
    play = StreamTranscript(batch_size=2)
    one, two, three = record(1), record(2), record(3)
    play.starts()

    assert play.read("read-1", one, two, three) == calls("invocation-2", one, two, request="request-1")
    assert play.returned("invocation-2") == [*calls("invocation-3", three, request="request-2"), checkpoint(2)]
    assert play.returned("invocation-3") == [checkpoint(3), reads("read-4", after="3")]


def test_a_window_gathers_until_the_batch_is_full() -> None:
    """The window opens with the first record and closes early when the batch is full."""
    play = StreamTranscript(batch_size=3, maximum_batching_window_in_seconds=5)
    one, two, three, four = record(1), record(2), record(3, at_ms=1_000), record(4, at_ms=1_000)
    play.starts()

    assert play.read("read-1", one) == [waits("timer-2", 5_000), reads("read-3", after="1")]
    assert not play.mapping.idle
    assert play.read("read-3", two) == [reads("read-4", after="2")]
    play.at = 1_000
    assert play.read("read-4", three, four) == [
        CancelTimer(timer_id="timer-2"),
        *calls("invocation-5", one, two, three, request="request-1", at_ms=1_000),
    ]


def test_a_window_closes_with_what_it_has() -> None:
    """At its end the held read is given up, so that the next batch begins with all that is readable then."""
    play = StreamTranscript(batch_size=3, maximum_batching_window_in_seconds=5)
    one = record(1)
    play.starts()
    play.read("read-1", one)

    play.at = 5_000
    assert play.fired("timer-2") == [
        *calls("invocation-4", one, request="request-1", at_ms=5_000),
        CancelRead(read_id="read-3"),
    ]


def test_the_window_of_what_is_left_over_opens_as_the_invocation_ends() -> None:
    """BatchSize 2 and five records: two at once, two at once, and the last after a whole window."""
    play = StreamTranscript(batch_size=2, maximum_batching_window_in_seconds=5)
    records = [record(number) for number in range(1, 6)]
    play.starts()

    assert play.read("read-1", *records) == calls("invocation-2", *records[:2], request="request-1")
    play.at = 100
    assert play.returned("invocation-2") == [
        *calls("invocation-3", *records[2:4], request="request-2", at_ms=100),
        checkpoint(2),
    ]
    play.at = 200
    assert play.returned("invocation-3") == [waits("timer-4", 5_200), checkpoint(4), reads("read-5", after="5")]
    play.at = 5_200
    assert play.fired("timer-4") == [
        *calls("invocation-6", records[4], request="request-3", at_ms=5_200),
        CancelRead(read_id="read-5"),
    ]


def test_a_window_timer_that_fires_too_early_is_started_again() -> None:
    """A clock that is off by a millisecond does not cut the window short."""
    play = StreamTranscript(batch_size=3, maximum_batching_window_in_seconds=5)
    play.starts()
    play.read("read-1", record(1))

    play.at = 4_999
    assert play.fired("timer-2") == [waits("timer-4", 5_000)]


def test_a_window_that_is_over_closes_with_the_next_input() -> None:
    """A batch does not depend on its timer being on time."""
    play = StreamTranscript(batch_size=3, maximum_batching_window_in_seconds=5)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one)

    play.at = 5_000
    assert play.read("read-3", two) == [
        CancelTimer(timer_id="timer-2"),
        *calls("invocation-4", one, two, request="request-1", at_ms=5_000),
    ]


def test_an_open_batch_is_put_back_when_the_mapping_is_switched_off() -> None:
    """Switched on again, its window opens anew."""
    play = StreamTranscript(batch_size=3, maximum_batching_window_in_seconds=5)
    play.starts()
    play.read("read-1", record(1))

    assert play.happens(MappingDisabled()) == [CancelRead(read_id="read-3"), CancelTimer(timer_id="timer-2")]
    play.at = 60_000
    assert play.happens(MappingEnabled()) == [waits("timer-4", 65_000), reads("read-5", after="1")]


def test_a_large_batch_is_read_in_several_parts() -> None:
    """A window goes on reading while the batch has room, a thousand records at most at once."""
    play = StreamTranscript(
        batch_size=5, maximum_batching_window_in_seconds=1, choices=Choices(read_limit=2), metrics=("EventCount",)
    )
    records = [record(number) for number in range(1, 7)]
    play.starts()

    assert play.read("read-1", *records[:2]) == [
        *counts(Polled=2),
        waits("timer-2", 1_000),
        reads("read-3", after="2", limit=2),
    ]
    assert play.read("read-3", *records[2:4]) == [*counts(Polled=2), reads("read-4", after="4", limit=2)]
    assert play.read("read-4", *records[4:]) == [
        *counts(Polled=2),
        CancelTimer(timer_id="timer-2"),
        *calls("invocation-5", *records[:5], request="request-1", counted=True),
    ]


def test_a_batch_closes_before_the_record_that_would_be_too_much() -> None:
    """The event with its envelope may have the limit exactly, and not a byte more."""
    limit = len('{"Records":[]}') + 50 + 1 + 60
    play = StreamTranscript(choices=Choices(event_limit_bytes=limit))
    one, two, three = record(1, size=50), record(2, size=60), record(3, size=50)
    four = record(4, size=61)
    play.starts()

    assert play.read("read-1", one, two, three, four) == calls("invocation-2", one, two, request="request-1")
    assert play.returned("invocation-2") == [*calls("invocation-3", three, request="request-2"), checkpoint(2)]
    assert play.returned("invocation-3") == [*calls("invocation-4", four, request="request-3"), checkpoint(3)]


def test_the_size_limit_closes_a_batch_before_its_window() -> None:
    """A batch that holds all it can is not kept waiting."""
    play = StreamTranscript(maximum_batching_window_in_seconds=5, choices=Choices(event_limit_bytes=100))
    one, two = record(1, size=60), record(2, size=60)
    play.starts()

    assert play.read("read-1", one, two) == calls("invocation-2", one, request="request-1")
    assert play.returned("invocation-2") == [waits("timer-3", 5_000), checkpoint(1), reads("read-4", after="2")]


def test_a_record_larger_than_any_event_goes_alone() -> None:
    """It is for Invoke to refuse it."""
    play = StreamTranscript(choices=Choices(event_limit_bytes=100))
    one, two = record(1, size=200), record(2)
    play.starts()

    assert play.read("read-1", one, two) == calls("invocation-2", one, request="request-1")


def test_records_that_pass_no_filter_are_dropped_when_read() -> None:
    """Only those that pass count for BatchSize; the checkpoint passes all of them."""
    play = StreamTranscript(batch_size=2, filters=INSERTS, metrics=("EventCount",))
    records = [record(number) for number in range(1, 7)]
    play.starts()

    assert play.read("read-1", *records) == [
        *counts(Polled=6, FilteredOut=3),
        *calls("invocation-2", records[0], records[2], request="request-1", counted=True),
    ]
    assert play.returned("invocation-2") == [
        *calls("invocation-3", records[4], request="request-2", counted=True),
        checkpoint(3),
    ]
    assert play.returned("invocation-3") == [checkpoint(6), reads("read-4", after="6")]


def test_the_checkpoint_moves_though_nothing_passes() -> None:
    """A run of dropped records neither calls the function nor opens the batching window."""
    play = StreamTranscript(filters=INSERTS, maximum_batching_window_in_seconds=5)
    play.starts()

    assert play.read("read-1", record(2), record(4)) == [checkpoint(4), reads("read-2", after="4")]
    play.at = 3_000
    assert play.read("read-2", record(5, at_ms=3_000)) == [waits("timer-3", 8_000), reads("read-4", after="5")]
    assert play.read("read-4", record(6, at_ms=3_000)) == [reads("read-5", after="6")]


def test_a_read_that_passes_whole_counts_nothing_as_filtered_out() -> None:
    """Counts of zero are emitted for polls alone."""
    play = StreamTranscript(filters=INSERTS, metrics=("EventCount",))
    one = record(1)
    play.starts()

    assert play.read("read-1", one) == [
        *counts(Polled=1),
        *calls("invocation-2", one, request="request-1", counted=True),
    ]
