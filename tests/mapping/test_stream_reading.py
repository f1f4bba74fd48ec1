"""How a stream mapping reads: positions, shards and their parents, failures of the source, on and off."""

from __future__ import annotations

from penstock.mapping.choices import Choices
from penstock.mapping.effects import CancelRead, CancelTimer
from penstock.mapping.inputs import (
    MappingDisabled,
    MappingEnabled,
    ReadFailed,
    ReadTrimmed,
    RecordsRead,
    Shard,
    ShardsDiscovered,
)
from tests.mapping.transcript import StreamTranscript, calls, checkpoint, counts, reads, record, waits


def test_an_idle_mapping_holds_one_read_and_no_timer() -> None:
    """What is read is handed over at once, and when it is done the next read waits behind it."""
    play = StreamTranscript()
    one, two = record(1), record(2)

    assert play.mapping.idle
    assert play.starts() == [reads("read-1")]
    assert play.mapping.idle
    assert play.read("read-1", one, two) == calls("invocation-2", one, two, request="request-1")
    assert not play.mapping.idle
    assert play.returned("invocation-2") == [checkpoint(2), reads("read-3", after="2")]
    assert play.mapping.idle
    assert play.mapping.last_processing_result == "OK"


def test_an_empty_answer_is_asked_again() -> None:
    """A read that finds nothing is repeated from the same position, and counts as a poll of no records."""
    play = StreamTranscript(metrics=("EventCount",))
    play.starts()

    assert play.read("read-1") == [*counts(Polled=0), reads("read-2")]
    assert play.mapping.last_processing_result == "No records processed"


def test_latest_begins_at_the_tip_and_keeps_it() -> None:
    """The tip that the first answer names is where reading goes on, also after a pause."""
    play = StreamTranscript(starting_position="LATEST")

    assert play.starts() == [reads("read-1", position="LATEST")]
    assert play.happens(RecordsRead(read_id="read-1", records=(), position="7")) == [
        reads("read-2", after="7", position="LATEST")
    ]
    assert play.happens(MappingDisabled()) == [CancelRead(read_id="read-2")]
    assert play.happens(MappingEnabled()) == [reads("read-3", after="7", position="LATEST")]


def test_a_shard_that_appears_later_is_read_from_its_start() -> None:
    """LATEST holds for the shards of the beginning alone."""
    play = StreamTranscript(starting_position="LATEST")
    play.starts()

    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="shard"), Shard(shard_id="new")))) == [
        reads("read-2", shard="new")
    ]


def test_the_tip_is_taken_when_the_mapping_is_switched_on() -> None:
    """Shards that appear while the mapping is still off belong to its beginning."""
    play = StreamTranscript(starting_position="LATEST")

    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="first"),))) == []
    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="second"),))) == []
    assert play.happens(MappingEnabled()) == [
        reads("read-1", shard="first", position="LATEST"),
        reads("read-2", shard="second", position="LATEST"),
    ]
    assert play.happens(MappingEnabled()) == []


def test_a_mapping_enabled_before_its_shards_are_known_begins_with_them() -> None:
    """The starting position holds for the first shards whichever comes first."""
    play = StreamTranscript(starting_position="LATEST")

    assert play.happens(MappingEnabled()) == []
    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="shard"),))) == [reads("read-1", position="LATEST")]
    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="new"),))) == [reads("read-2", shard="new")]


def test_children_wait_for_their_parent() -> None:
    """A child is read when everything in its parent is finished; other shards do not wait."""
    family = (
        Shard(shard_id="child", parent_shard_id="parent"),
        Shard(shard_id="parent"),
        Shard(shard_id="orphan", parent_shard_id="trimmed long ago"),
    )
    play = StreamTranscript(shards=family)
    one = record(1)

    assert play.starts() == [reads("read-1", shard="parent"), reads("read-2", shard="orphan")]
    assert play.read("read-1", one, ended=True) == calls("invocation-3", one, request="request-1", shard="parent")
    assert play.returned("invocation-3") == [checkpoint(1, "parent"), reads("read-4", shard="child")]


def test_a_child_that_is_found_after_its_parent_finished_is_read_at_once() -> None:
    """A shard that is closed and empty is finished as soon as it is read."""
    play = StreamTranscript(shards=(Shard(shard_id="parent"),))
    play.starts()

    assert play.read("read-1", ended=True) == []
    assert play.happens(ShardsDiscovered(shards=(Shard(shard_id="child", parent_shard_id="parent"),))) == [
        reads("read-2", shard="child")
    ]


def test_a_merged_shard_waits_for_both_parents() -> None:
    """With two parents the later of them lets the child begin."""
    family = (
        Shard(shard_id="left"),
        Shard(shard_id="right"),
        Shard(shard_id="merged", parent_shard_id="left", adjacent_parent_shard_id="right"),
    )
    play = StreamTranscript(shards=family)
    play.starts()

    assert play.read("read-1", ended=True) == []
    assert play.read("read-2", ended=True) == [reads("read-3", shard="merged")]


def test_a_source_that_cannot_be_read_is_tried_again() -> None:
    """The mapping stays enabled, keeps its position, waits a moment and says why."""
    play = StreamTranscript()
    one = record(1)
    play.starts()
    play.read("read-1", one)
    play.returned("invocation-2")

    assert play.happens(ReadFailed(read_id="read-3", reason="PROBLEM: access denied")) == [waits("timer-4", 250)]
    assert play.mapping.last_processing_result == "PROBLEM: access denied"
    assert not play.mapping.idle
    play.at = 250
    assert play.fired("timer-4") == [reads("read-5", after="1")]
    assert play.read("read-5") == [reads("read-6", after="1")]
    assert play.mapping.last_processing_result == "OK"


def test_a_mapping_switched_off_stops_trying_a_source() -> None:
    """The pause after a failure is cancelled with everything else."""
    play = StreamTranscript()
    play.starts()
    play.happens(ReadFailed(read_id="read-1", reason="throttled"))

    assert play.happens(MappingDisabled()) == [CancelTimer(timer_id="timer-2")]
    assert play.happens(MappingDisabled()) == []
    assert play.happens(MappingEnabled()) == [reads("read-3")]


def test_a_position_lost_to_retention_is_replaced_by_the_oldest_record() -> None:
    """A mapping that was off for a day goes on at the trim horizon."""
    play = StreamTranscript(starting_position="LATEST")
    play.starts()
    play.happens(RecordsRead(read_id="read-1", records=(), position="7"))

    assert play.happens(ReadTrimmed(read_id="read-2")) == [reads("read-3")]


def test_late_and_doubled_answers_are_ignored() -> None:
    """An answer that nobody awaits changes nothing."""
    play = StreamTranscript(maximum_retry_attempts=0, on_failure_destination="arn:aws:sqs:eu-west-1:1:failed")
    one = record(1)
    play.starts()
    play.read("read-1", one)

    assert play.read("read-1", one) == []
    assert play.happens(ReadFailed(read_id="read-1", reason="late")) == []
    assert play.happens(ReadTrimmed(read_id="read-1")) == []
    assert play.returned("invocation-9") == []
    assert play.fired("timer-9") == []
    play.failed("invocation-2")
    assert play.failed("invocation-2") == []
    assert play.delivered("delivery-3") == [checkpoint(1), reads("read-4", after="1")]
    assert play.delivered("delivery-3") == []


def test_a_mapping_switched_off_ends_what_is_in_flight_and_keeps_its_place() -> None:
    """What was read behind the batch in flight is taken afresh, not read again."""
    play = StreamTranscript(batch_size=1, metrics=("EventCount",))
    one, two = record(1), record(2)
    play.starts()

    assert play.read("read-1", one, two) == [
        *counts(Polled=2),
        *calls("invocation-2", one, request="request-1", counted=True),
    ]
    assert play.happens(MappingDisabled()) == []
    assert not play.mapping.idle
    assert play.returned("invocation-2") == [checkpoint(1)]
    assert play.mapping.idle
    assert play.happens(MappingEnabled()) == [
        *counts(Polled=1),
        *calls("invocation-3", two, request="request-2", counted=True),
    ]


def test_a_batch_that_fails_while_the_mapping_is_off_comes_afresh_when_it_is_on() -> None:
    """Retries are counted anew under a request id of its own."""
    play = StreamTranscript(maximum_retry_attempts=5)
    one, two = record(1), record(2)
    play.starts()
    play.read("read-1", one, two)
    play.happens(MappingDisabled())

    assert play.failed("invocation-2") == []
    assert play.happens(MappingEnabled()) == calls("invocation-3", one, two, request="request-2")


def test_a_backing_off_batch_is_put_back_when_the_mapping_is_switched_off() -> None:
    """Its timer is cancelled; switched on again, it is called at once."""
    play = StreamTranscript()
    one = record(1)
    play.starts()
    play.read("read-1", one)
    play.failed("invocation-2")

    assert play.happens(MappingDisabled()) == [CancelTimer(timer_id="timer-3")]
    assert play.happens(MappingEnabled()) == calls("invocation-4", one, request="request-2")


def test_the_parts_of_a_bisected_batch_keep_their_order_over_a_pause() -> None:
    """The half in flight, the half that waits and what follows them come back in order."""
    play = StreamTranscript(batch_size=2, bisect_batch_on_function_error=True)
    one, two, three = record(1), record(2), record(3)
    play.starts()
    play.read("read-1", one, two, three)
    play.failed("invocation-2")
    play.happens(MappingDisabled())

    assert play.failed("invocation-3") == []
    assert play.happens(MappingEnabled()) == calls("invocation-4", one, two, request="request-4")


def test_the_story_tells_of_a_source_that_cannot_be_read() -> None:
    """Failures and lost positions are steps like others."""
    play = StreamTranscript()
    play.starts()
    play.happens(ReadFailed(read_id="read-1", reason="access denied"))
    play.fired("timer-2")
    play.happens(ReadTrimmed(read_id="read-3"))

    assert play.mapping.story() == [
        "00:00:00.000 shard: cannot be read: access denied",
        "00:00:00.000 shard: lost its position to retention and goes on at the oldest record",
    ]


def test_the_story_tells_each_step_of_a_shard() -> None:
    """Every line has its instant and its shard, in the order of time."""
    family = (Shard(shard_id="a"), Shard(shard_id="b"))
    play = StreamTranscript(shards=family)
    play.starts()
    play.at = 1_500
    play.read("read-2", record(4))
    play.read("read-1", ended=True)
    play.at = 61_000
    play.failed("invocation-3")

    assert play.mapping.story("b") == [
        "00:00:01.500 b: reads 1 records up to 4",
        "00:00:01.500 b: calls with 1 records 4..4, attempt 1",
        "00:01:01.000 b: the function failed: Unhandled",
    ]
    assert play.mapping.story() == [
        "00:00:01.500 a: is closed and read to its end",
        "00:00:01.500 b: reads 1 records up to 4",
        "00:00:01.500 b: calls with 1 records 4..4, attempt 1",
        "00:01:01.000 b: the function failed: Unhandled",
    ]


def test_a_mapping_that_has_read_nothing_has_processed_nothing() -> None:
    """LastProcessingResult before the first answer of the source."""
    play = StreamTranscript()
    play.starts()

    assert play.mapping.last_processing_result == "No records processed"


def test_a_shard_remembers_only_the_last_of_its_steps() -> None:
    """How many is a choice."""
    play = StreamTranscript(choices=Choices(story_length=2))
    play.starts()
    for number in range(1, 5):
        play.read(f"read-{2 * number - 1}", record(number))
        play.returned(f"invocation-{2 * number}")

    assert play.mapping.story() == [
        "00:00:00.000 shard: calls with 1 records 4..4, attempt 1",
        "00:00:00.000 shard: the function returned",
    ]
