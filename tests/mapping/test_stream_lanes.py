"""Parallelization factor: several batches of a shard at once, the records of an item in order."""

from __future__ import annotations

from penstock.mapping.choices import Choices, crc32_lane
from penstock.mapping.effects import CancelRead, InvokeFunction
from penstock.mapping.inputs import MappingDisabled, MappingEnabled
from tests.mapping.transcript import FAILED_QUEUE, StreamTranscript, calls, checkpoint, counts, reads, record, waits

BY_NAME = Choices(lane_of=lambda item, factor: "abc".index(item) % factor)
"""Items a, b and c have lanes 0, 1 and 2."""


def test_lanes_work_side_by_side_and_the_checkpoint_waits_for_the_slowest() -> None:
    """It is the last record before the lowest unfinished one, and moves over what others finished meanwhile."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME)
    a1, b2, b3, a4 = record(1, item="a"), record(2, item="b"), record(3, item="b"), record(4, item="a")
    play.starts()

    assert play.read("read-1", a1, b2, b3, a4) == [
        *calls("invocation-2", a1, a4, request="request-1"),
        *calls("invocation-3", b2, b3, request="request-2"),
    ]
    assert play.returned("invocation-3") == [reads("read-4", after="4")]
    assert play.returned("invocation-2") == [checkpoint(4)]


def test_a_failing_lane_holds_up_no_other() -> None:
    """New records of other items pass it; its own wait behind the failure."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME, batch_size=1)
    a1, b2, a3, b4 = record(1, item="a"), record(2, item="b"), record(3, item="a"), record(4, item="b")
    play.starts()
    play.read("read-1", a1, b2)

    assert play.failed("invocation-2") == [waits("timer-4", 200)]
    assert play.returned("invocation-3") == [reads("read-5", after="2")]
    assert play.read("read-5", a3, b4) == calls("invocation-6", b4, request="request-3")
    assert play.returned("invocation-6") == [reads("read-7", after="4")]
    play.at = 200
    assert play.fired("timer-4") == calls("invocation-8", a1, request="request-1", attempt=2, at_ms=200)
    assert play.returned("invocation-8") == [
        *calls("invocation-9", a3, request="request-4", at_ms=200),
        checkpoint(2),
    ]
    assert play.returned("invocation-9") == [checkpoint(4)]


def test_no_more_is_read_while_every_lane_is_busy() -> None:
    """A read is asked for as long as one lane is free, and no longer."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME)
    play.starts()

    assert play.read("read-1", record(1, item="a")) == [
        *calls("invocation-2", record(1, item="a"), request="request-1"),
        reads("read-3", after="1"),
    ]
    assert play.read("read-3", record(2, item="b")) == calls("invocation-4", record(2, item="b"), request="request-2")


def test_reading_pauses_when_too_much_waits_behind_a_failing_lane() -> None:
    """One blocked item does not fill the memory."""
    play = StreamTranscript(
        parallelization_factor=2, choices=Choices(lane_of=BY_NAME.lane_of, read_ahead_limit=2), batch_size=1
    )
    a1, a2, a3, b4 = record(1, item="a"), record(2, item="a"), record(3, item="a"), record(4, item="b")
    play.starts()

    assert play.read("read-1", a1) == [*calls("invocation-2", a1, request="request-1"), reads("read-3", after="1")]
    assert play.read("read-3", a2) == [reads("read-4", after="2")]
    assert play.read("read-4", a3) == []
    assert play.returned("invocation-2") == [
        *calls("invocation-5", a2, request="request-2"),
        checkpoint(1),
        reads("read-6", after="3"),
    ]
    assert play.read("read-6", b4) == calls("invocation-7", b4, request="request-3")


def test_a_lane_with_a_window_gathers_for_itself() -> None:
    """Each lane has its own batching window; one held read serves both."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME, maximum_batching_window_in_seconds=5)
    a1, b2, a3 = record(1, item="a"), record(2, item="b"), record(3, item="a")
    play.starts()

    assert play.read("read-1", a1) == [waits("timer-2", 5_000), reads("read-3", after="1")]
    play.at = 1_000
    assert play.read("read-3", b2) == [waits("timer-4", 6_000), reads("read-5", after="2")]
    assert play.read("read-5", a3) == [reads("read-6", after="3")]
    play.at = 5_000
    assert play.fired("timer-2") == calls("invocation-7", a1, a3, request="request-1", at_ms=5_000)
    play.at = 6_000
    assert play.fired("timer-4") == [
        *calls("invocation-8", b2, request="request-2", at_ms=6_000),
        CancelRead(read_id="read-6"),
    ]


def test_the_story_of_a_shard_names_its_lanes() -> None:
    """With one lane there is nothing to name."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME)
    play.starts()
    play.read("read-1", record(1, item="b"))

    assert play.mapping.story("shard")[1] == "00:00:00.000 shard: lane 1 calls with 1 records 1..1, attempt 1"


def test_a_lane_takes_its_backlog_as_one_read() -> None:
    """Records are counted as polled when their lane takes them, a thousand at most at once."""
    play = StreamTranscript(
        parallelization_factor=2,
        choices=Choices(lane_of=BY_NAME.lane_of, read_limit=2),
        metrics=("EventCount",),
    )
    records = [record(number, item="a") for number in range(1, 5)]
    play.starts()

    assert play.read("read-1", records[0]) == [
        *counts(Polled=1),
        *calls("invocation-2", records[0], request="request-1", counted=True),
        reads("read-3", after="1", limit=2),
    ]
    assert play.read("read-3", *records[1:3]) == [reads("read-4", after="3", limit=2)]
    assert play.read("read-4", records[3]) == [reads("read-5", after="4", limit=2)]
    assert play.returned("invocation-2") == [
        *counts(Polled=2),
        *calls("invocation-6", *records[1:3], request="request-2", counted=True),
        checkpoint(1),
    ]


def test_lanes_that_finished_out_of_order_repeat_nothing_after_a_pause() -> None:
    """What is finished stays finished though the checkpoint lies before it."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME, on_failure_destination=FAILED_QUEUE)
    a1, b2 = record(1, item="a"), record(2, item="b")
    play.starts()
    play.read("read-1", a1, b2)
    play.returned("invocation-3")
    play.happens(MappingDisabled())

    assert play.failed("invocation-2") == []
    assert play.happens(MappingEnabled()) == [
        *calls("invocation-5", a1, request="request-3"),
        reads("read-6", after="2"),
    ]
    assert play.returned("invocation-5") == [checkpoint(2)]


def test_the_default_hash_is_stable_and_spreads() -> None:
    """The same item always has the same lane, and every lane has items."""
    lanes = [crc32_lane(f'{{"id":{{"S":"{number}"}}}}', 10) for number in range(200)]

    assert lanes[:5] == [crc32_lane(f'{{"id":{{"S":"{number}"}}}}', 10) for number in range(5)]
    assert set(lanes) == set(range(10))


def test_each_lane_closes_a_window_of_its_own() -> None:
    """AWS refuses a factor beside a window; the core does what it is told."""
    play = StreamTranscript(parallelization_factor=2, tumbling_window_in_seconds=10, choices=BY_NAME)
    play.starts()
    play.read("read-1", record(1, item="a"))
    play.returned("invocation-2", {"state": 1})
    play.at = 10_000
    play.fired("timer-4")

    (final,) = play.read("read-5")[:1]
    assert isinstance(final, InvokeFunction)
    assert (final.records, final.extras["isFinalInvokeForWindow"]) == ((), True)


def test_the_checkpoint_waits_for_a_destination() -> None:
    """A record is not finished before its on-failure record is answered for, whatever other lanes do."""
    play = StreamTranscript(
        parallelization_factor=2, choices=BY_NAME, on_failure_destination=FAILED_QUEUE, maximum_retry_attempts=0
    )
    play.starts()
    play.read("read-1", record(1, item="a"), record(2, item="b"))
    play.failed("invocation-2")

    assert play.returned("invocation-3") == [reads("read-5", after="2")]
    assert play.delivered("delivery-4") == [checkpoint(2)]


def test_what_one_read_gave_is_not_filled_up_with_the_next() -> None:
    """Without a window a batch is the rest of its read, however much waits behind."""
    play = StreamTranscript(parallelization_factor=2, choices=BY_NAME, batch_size=2)
    records = [record(number, item="a") for number in range(1, 6)]
    play.starts()
    play.read("read-1", *records[:3])
    play.read("read-3", *records[3:])

    assert play.returned("invocation-2") == [
        *calls("invocation-5", records[2], request="request-2"),
        checkpoint(2),
    ]
    assert play.returned("invocation-5") == [
        *calls("invocation-6", *records[3:], request="request-3"),
        checkpoint(3),
    ]


def test_a_full_batch_takes_nothing_more_from_the_backlog() -> None:
    """With a window, too, a batch that is full closes before more is taken and counted as polled."""
    play = StreamTranscript(
        parallelization_factor=2,
        maximum_batching_window_in_seconds=5,
        batch_size=2,
        choices=Choices(lane_of=BY_NAME.lane_of, read_limit=2),
        metrics=("EventCount",),
    )
    records = [record(number, item="a") for number in range(1, 6)]
    play.starts()
    play.read("read-1", *records[:2])
    play.read("read-3", *records[2:4])
    play.read("read-4", records[4])

    assert play.returned("invocation-2") == [
        *counts(Polled=2),
        *calls("invocation-6", *records[2:4], request="request-2", counted=True),
        checkpoint(2),
    ]
