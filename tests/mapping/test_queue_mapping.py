"""The mapping of a queue: batches, leases, partial answers, groups, concurrency."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.errors import BrokenInvariant
from penstock.mapping.choices import Choices
from penstock.mapping.configuration import QueueConfiguration
from penstock.mapping.effects import CancelReceive, CancelTimer, ChangeVisibility, DeleteMessages
from penstock.mapping.inputs import (
    FunctionError,
    MappingDisabled,
    MappingEnabled,
    MessagesReceived,
    NotInvoked,
    PayloadRefused,
    ReceiveFailed,
)
from tests.mapping.transcript import FUNCTION, NOW, QUEUE, QueueTranscript, counts, handles, message, receives, waits

REPORT = ("ReportBatchItemFailures",)


def on(**properties: Any) -> QueueTranscript:
    """Give a queue mapping that is switched on."""
    play = QueueTranscript(**properties)
    play.happens(MappingEnabled())
    return play


def deletes(*messages: Any) -> DeleteMessages:
    """Give the effect of deleting messages."""
    return DeleteMessages(messages=messages)


def test_an_idle_mapping_holds_one_receive_and_no_timer() -> None:
    """What is received is handed over, deleted when the function returns, and received no more."""
    play = QueueTranscript()
    one, two = message(1), message(2)

    assert play.mapping.idle
    assert play.happens(MappingEnabled()) == [receives("receive-1")]
    assert play.mapping.idle
    assert play.received("receive-1", one, two) == [
        handles("invocation-2", one, two, request="request-1"),
        receives("receive-3"),
    ]
    assert not play.mapping.idle
    assert play.returned("invocation-2") == [deletes(one, two)]
    assert play.mapping.idle


def test_an_empty_receive_is_repeated() -> None:
    """It counts as a poll of no messages."""
    play = on(metrics=("EventCount",))

    assert play.received("receive-1") == [*counts(Polled=0), receives("receive-2")]


@pytest.mark.parametrize("outcome", [FunctionError(), PayloadRefused()])
def test_a_failed_batch_is_left_to_come_back(outcome: Any) -> None:
    """Nothing is deleted; the visibility timeout brings the messages back."""
    play = on(metrics=("EventCount",))
    one = message(1)
    play.received("receive-1", one)

    assert play.ended("invocation-2", outcome) == counts(FailedInvoke=1)


def test_a_partial_answer_deletes_the_others() -> None:
    """The messages that it names stay in the queue."""
    play = on(function_response_types=REPORT, metrics=("EventCount",))
    one, two, three = message(1), message(2), message(3)
    play.received("receive-1", one, two, three)

    assert play.returned("invocation-2", {"batchItemFailures": [{"itemIdentifier": "m2"}]}) == [
        deletes(one, three),
        *counts(Deleted=2, FailedInvoke=3),
    ]


def test_an_answer_that_names_every_message_deletes_none() -> None:
    """Like a failure of the function."""
    play = on(function_response_types=REPORT)
    play.received("receive-1", message(1))

    assert play.returned("invocation-2", {"batchItemFailures": [{"itemIdentifier": "m1"}]}) == []


def test_an_unknown_identifier_fails_the_whole_batch() -> None:
    """The good names beside it do not count."""
    play = on(function_response_types=REPORT)
    play.received("receive-1", message(1), message(2))

    failures = [{"itemIdentifier": "m1"}, {"itemIdentifier": "nope"}]
    assert play.returned("invocation-2", {"batchItemFailures": failures}) == []


def test_an_entry_without_content_is_a_matter_of_choice() -> None:
    """The guide says that it fails the batch, one capture that it succeeds."""
    for fails, expected in ((True, []), (False, [deletes(message(1))])):
        play = on(function_response_types=REPORT, choices=Choices(empty_queue_entry_fails=fails))
        play.received("receive-1", message(1))

        assert play.returned("invocation-2", {"batchItemFailures": [{}]}) == expected


def test_a_list_of_failures_is_ignored_while_the_feature_is_off() -> None:
    """Any answer is success."""
    play = on()
    play.received("receive-1", message(1))

    assert play.returned("invocation-2", {"batchItemFailures": [{"itemIdentifier": "m1"}]}) == [deletes(message(1))]


def test_a_throttled_batch_is_tried_again_under_the_same_lease() -> None:
    """The messages are not received again; nothing is deleted before the function ran."""
    play = on(metrics=("EventCount",))
    one = message(1)
    play.received("receive-1", one)

    assert play.throttled("invocation-2") == [*counts(FailedInvoke=1), waits("timer-4", 200)]
    assert not play.mapping.idle
    play.at = 200
    assert play.fired("timer-4") == [
        *counts(Invoked=1),
        handles("invocation-5", one, request="request-1", attempt=2),
    ]
    assert play.returned("invocation-5") == [deletes(one), *counts(Deleted=1)]


def test_a_throttled_batch_is_left_when_its_lease_would_be_over() -> None:
    """No attempt is made with messages that somebody else may have."""
    play = on(visibility_timeout_seconds=1)
    play.received("receive-1", message(1))
    play.throttled("invocation-2")
    play.at = 500
    play.fired("timer-4")

    play.at = 600
    assert play.throttled("invocation-5") == []
    assert play.mapping.idle


def test_a_batch_whose_timer_is_late_is_left() -> None:
    """Its lease is over."""
    play = on(visibility_timeout_seconds=1)
    play.received("receive-1", message(1))
    play.throttled("invocation-2")

    play.at = 1_000
    assert play.fired("timer-4") == []


def test_filtered_messages_are_deleted_at_once() -> None:
    """They call nobody."""
    play = on(filters=(json.dumps({"body": {"number": [1]}}),), metrics=("EventCount",))
    one, two = message(1), message(2)

    assert play.received("receive-1", one, two) == [
        *counts(Polled=2, FilteredOut=1),
        deletes(two),
        *counts(Deleted=1, Invoked=1),
        handles("invocation-2", one, request="request-1"),
        receives("receive-3"),
    ]
    again = message(1, receives=2)
    assert play.received("receive-3", again) == [
        *counts(Polled=1, Invoked=1),
        handles("invocation-4", again, request="request-2"),
        receives("receive-5"),
    ]


def test_a_window_gathers_until_the_batch_is_full() -> None:
    """A receive asks for no more than there is room for."""
    play = on(batch_size=3, maximum_batching_window_in_seconds=5)
    one, two, three = message(1), message(2), message(3)

    assert play.received("receive-1", one, two) == [waits("timer-2", 5_000), receives("receive-3", 1)]
    assert not play.mapping.idle
    play.at = 1_000
    assert play.received("receive-3", three) == [
        CancelTimer(timer_id="timer-2"),
        handles("invocation-4", one, two, three, request="request-1"),
        receives("receive-5", 3),
    ]


def test_a_window_closes_with_what_it_has() -> None:
    """The next one opens with the next message."""
    play = on(batch_size=3, maximum_batching_window_in_seconds=5)
    one = message(1)
    play.received("receive-1", one)

    play.at = 4_999
    assert play.fired("timer-2") == [waits("timer-4", 5_000)]
    play.at = 5_000
    assert play.fired("timer-4") == [handles("invocation-5", one, request="request-1")]
    assert play.received("receive-3", message(2)) == [waits("timer-6", 10_000), receives("receive-7", 2)]


def test_messages_stay_hidden_long_enough_for_window_and_function() -> None:
    """Where both together exceed the queue's visibility timeout, theirs and 30 seconds more hold."""
    short = QueueConfiguration(
        maximum_batching_window_in_seconds=20, function_timeout_seconds=11, visibility_timeout_seconds=30
    )
    enough = QueueConfiguration(
        maximum_batching_window_in_seconds=20, function_timeout_seconds=10, visibility_timeout_seconds=30
    )
    shortest = QueueConfiguration(maximum_batching_window_in_seconds=1, function_timeout_seconds=30)
    no_window = QueueConfiguration(function_timeout_seconds=60, visibility_timeout_seconds=30)

    assert short.effective_visibility_timeout_seconds == 61
    assert enough.effective_visibility_timeout_seconds == 30
    assert shortest.effective_visibility_timeout_seconds == 61
    assert no_window.effective_visibility_timeout_seconds == 30
    play = QueueTranscript(maximum_batching_window_in_seconds=20, function_timeout_seconds=11)
    assert play.happens(MappingEnabled()) == [receives("receive-1", hidden_for=61)]


def test_no_more_batches_are_in_flight_than_allowed() -> None:
    """Five by default; a batch that backs off counts; the held receive is given up."""
    play = on(batch_size=1, choices=Choices(queue_concurrency=2))
    one, two, three = message(1), message(2), message(3)
    play.received("receive-1", one)

    assert play.received("receive-3", two) == [handles("invocation-4", two, request="request-2")]
    assert play.throttled("invocation-4") == [waits("timer-5", 200)]
    assert play.returned("invocation-2") == [deletes(one), receives("receive-6", 1)]
    play.at = 200
    assert play.fired("timer-5") == [handles("invocation-7", two, request="request-2", attempt=2)]
    assert play.received("receive-6", three) == [handles("invocation-8", three, request="request-3")]


def test_maximum_concurrency_caps_the_batches_in_flight() -> None:
    """It cannot raise what the choices allow."""
    for maximum, expected in ((2, 2), (1_000, 5), (None, 5)):
        play = on(batch_size=1, maximum_concurrency=maximum)
        receive_id, running = "receive-1", 0
        while receive_id:
            effects = play.received(receive_id, message(running))
            running += 1
            receive_id = effects[1].receive_id if len(effects) > 1 else ""  # type: ignore[union-attr]

        assert running == expected


def test_a_held_receive_is_cancelled_when_the_last_slot_is_taken() -> None:
    """A window that closes by its timer may take it."""
    play = on(batch_size=2, maximum_batching_window_in_seconds=5, choices=Choices(queue_concurrency=1))
    one = message(1)
    play.received("receive-1", one)

    play.at = 5_000
    assert play.fired("timer-2") == [
        handles("invocation-4", one, request="request-1"),
        CancelReceive(receive_id="receive-3"),
    ]
    assert play.returned("invocation-4") == [deletes(one), receives("receive-5", 2)]


def test_a_batch_closes_before_the_message_that_would_be_too_much() -> None:
    """What does not fit is the next batch, and a message larger than any event goes alone."""
    limit = len('{"Records":[]}') + 50 + 1 + 60
    play = on(choices=Choices(event_limit_bytes=limit))
    one, two, three, four = (message(number, size=size) for number, size in ((1, 50), (2, 60), (3, 1), (4, 500)))

    assert play.received("receive-1", one, two, three, four) == [
        handles("invocation-2", one, two, request="request-1"),
        handles("invocation-3", three, request="request-2"),
        handles("invocation-4", four, request="request-3"),
        receives("receive-5"),
    ]


def test_a_batch_is_not_a_byte_too_large() -> None:
    """The envelope and the commas count."""
    play = on(choices=Choices(event_limit_bytes=len('{"Records":[]}') + 50 + 60))
    one, two = message(1, size=50), message(2, size=60)

    assert play.received("receive-1", one, two)[0] == handles("invocation-2", one, request="request-1")


def test_what_did_not_fit_waits_for_a_free_slot() -> None:
    """No batch more than allowed is in flight, and nothing is received meanwhile."""
    play = on(choices=Choices(event_limit_bytes=100, queue_concurrency=1))
    one, two = message(1, size=60), message(2, size=60)

    assert play.received("receive-1", one, two) == [handles("invocation-2", one, request="request-1")]
    assert play.returned("invocation-2") == [deletes(one), handles("invocation-3", two, request="request-2")]


def test_a_mapping_knows_its_names() -> None:
    """For those who list mappings."""
    mapping = QueueTranscript().mapping

    assert (mapping.uuid, mapping.function_arn, mapping.event_source_arn) == ("mapping", FUNCTION, QUEUE)


def test_what_did_not_fit_waits_for_its_group() -> None:
    """The messages of a group are never in two batches; others pass them."""
    play = on(fifo=True, choices=Choices(event_limit_bytes=100))
    one, two, three = message(1, group="g", size=60), message(2, group="g", size=60), message(3, group="h", size=60)

    assert play.received("receive-1", one, two, three) == [
        handles("invocation-2", one, request="request-1"),
        handles("invocation-3", three, request="request-2"),
    ]
    assert play.returned("invocation-2") == [
        deletes(one),
        handles("invocation-4", two, request="request-3"),
        receives("receive-5"),
    ]


def test_what_waits_behind_a_failed_message_of_its_group_is_left_to_come_back() -> None:
    """Else it would overtake it."""
    play = on(fifo=True, choices=Choices(event_limit_bytes=100), function_response_types=REPORT)
    one, two = message(1, group="g", size=60), message(2, group="g", size=60)
    play.received("receive-1", one, two)

    assert play.failed("invocation-2") == [receives("receive-3")]
    assert play.mapping.idle


def test_only_what_waits_behind_the_failed_messages_is_left() -> None:
    """The other groups of the batch are done, and what waits for them goes on."""
    play = on(fifo=True, choices=Choices(event_limit_bytes=100), function_response_types=REPORT)
    g1, h1 = message(1, group="g", size=30), message(2, group="h", size=30)
    g2, h2 = message(3, group="g", size=30), message(4, group="h", size=30)
    play.received("receive-1", g1, h1, g2, h2)

    assert play.returned("invocation-2", {"batchItemFailures": [{"itemIdentifier": "m1"}]}) == [
        deletes(h1),
        handles("invocation-3", h2, request="request-2"),
        receives("receive-4"),
    ]


def test_what_waits_behind_a_batch_that_never_ran_is_left_with_it() -> None:
    """When the lease is over, the whole group comes back in order."""
    play = on(fifo=True, choices=Choices(event_limit_bytes=100), visibility_timeout_seconds=1)
    play.received("receive-1", message(1, group="g", size=60), message(2, group="g", size=60))
    play.at = 900

    assert play.throttled("invocation-2") == [receives("receive-3", hidden_for=1)]
    assert play.mapping.idle


def test_what_waits_is_forgotten_with_its_lease() -> None:
    """The queue gives it to somebody again."""
    play = on(fifo=True, choices=Choices(event_limit_bytes=100), visibility_timeout_seconds=5)
    one, two = message(1, group="g", size=60), message(2, group="g", size=60)
    play.received("receive-1", one, two)

    play.at = 5_000
    assert play.returned("invocation-2") == [deletes(one), receives("receive-3", hidden_for=5)]


def test_a_queue_that_cannot_be_read_is_tried_again() -> None:
    """After a pause, and not while the mapping is off."""
    play = on()

    assert play.happens(ReceiveFailed(receive_id="receive-1", reason="denied")) == [waits("timer-2", 250)]
    assert not play.mapping.idle
    play.at = 250
    assert play.fired("timer-2") == [receives("receive-3")]
    play.happens(ReceiveFailed(receive_id="receive-3", reason="denied"))
    assert play.happens(MappingDisabled()) == [CancelTimer(timer_id="timer-4")]


def test_late_and_doubled_answers_are_ignored() -> None:
    """An answer that nobody awaits changes nothing."""
    play = on()
    one = message(1)
    play.received("receive-1", one)

    assert play.happens(MessagesReceived(receive_id="receive-1", messages=(message(2),))) == []
    assert play.happens(ReceiveFailed(receive_id="receive-1", reason="late")) == []
    assert play.returned("invocation-9") == []
    assert play.fired("timer-9") == []
    assert play.returned("invocation-2") == [deletes(one)]
    assert play.returned("invocation-2") == []


def test_a_mapping_switched_off_ends_what_runs_and_releases_what_waits() -> None:
    """What it holds is visible again at once; what runs is deleted when it is done."""
    play = on(batch_size=2, maximum_batching_window_in_seconds=5)
    one, two, three = message(1), message(2), message(3)
    play.received("receive-1", one, two)
    play.received("receive-3", three)

    assert play.happens(MappingDisabled()) == [
        CancelReceive(receive_id="receive-5"),
        CancelTimer(timer_id="timer-4"),
        ChangeVisibility(messages=(three,), visibility_timeout_seconds=0),
    ]
    assert play.returned("invocation-2") == [deletes(one, two)]
    assert play.mapping.idle
    assert play.happens(MappingEnabled()) == [receives("receive-6", 2)]


def test_a_backing_off_batch_is_released_when_the_mapping_is_switched_off() -> None:
    """One that is throttled afterwards is released then."""
    play = on(batch_size=1)
    one, two = message(1), message(2)
    play.received("receive-1", one)
    play.received("receive-3", two)
    play.throttled("invocation-2")

    assert play.happens(MappingDisabled()) == [
        CancelReceive(receive_id="receive-5"),
        CancelTimer(timer_id="timer-6"),
        ChangeVisibility(messages=(one,), visibility_timeout_seconds=0),
    ]
    assert play.ended("invocation-4", NotInvoked(reason="429")) == [
        ChangeVisibility(messages=(two,), visibility_timeout_seconds=0)
    ]
    assert play.happens(MappingDisabled()) == []


def test_an_unanswered_invocation_counts_as_not_invoked() -> None:
    """With a deadline a lost answer keeps the lease; one that comes too late is ignored."""
    play = on(choices=Choices(answer_deadline_ms=1_000))
    one = message(1)

    assert play.received("receive-1", one) == [
        handles("invocation-2", one, request="request-1"),
        waits("timer-3", 1_000),
        receives("receive-4"),
    ]
    assert play.happens(MappingDisabled()) == [CancelReceive(receive_id="receive-4")]
    play.happens(MappingEnabled())
    play.at = 1_000
    assert play.fired("timer-3") == [waits("timer-6", 1_200)]
    assert play.returned("invocation-2") == []
    play.at = 1_200
    assert play.fired("timer-6") == [
        handles("invocation-7", one, request="request-1", attempt=2),
        waits("timer-8", 2_200),
    ]
    assert play.returned("invocation-7") == [CancelTimer(timer_id="timer-8"), deletes(one)]


def test_the_story_tells_each_step() -> None:
    """Every line has its instant."""
    play = on(function_response_types=REPORT)
    play.received("receive-1", message(1), message(2))
    play.at = 1_000
    play.returned("invocation-2", {"batchItemFailures": [{"itemIdentifier": "m2"}]})

    assert play.mapping.story() == [
        "00:00:00.000 queue: receives 2 messages, 2 pass the filters",
        "00:00:00.000 queue: calls with 2 messages, attempt 1",
        "00:00:01.000 queue: the function reported 1 messages",
    ]
    assert play.mapping.story("orders")[2] == "00:00:01.000 orders: the function reported 1 messages"


def test_a_broken_invariant_carries_the_story() -> None:
    """Each statement is told when it does not hold."""
    play = on(batch_size=1, fifo=True, choices=Choices(queue_concurrency=1))
    play.received("receive-1", message(1, group="g"))
    mapping: Any = play.mapping
    (batch,) = mapping._in_flight.values()

    mapping._in_flight["invocation-98"] = batch
    with pytest.raises(BrokenInvariant, match="than the concurrency allows") as broken:
        mapping.check()
    assert broken.value.story == tuple(mapping.story())
    mapping._concurrency = 5
    with pytest.raises(BrokenInvariant, match="a received message is in one batch alone"):
        mapping.check()
    mapping._in_flight["invocation-98"] = replace(batch, messages=(message(2, group="g"),))
    with pytest.raises(BrokenInvariant, match="a message group is in one batch alone"):
        mapping.check()
    del mapping._in_flight["invocation-98"]
    mapping._enabled = False
    mapping._receive_id = "receive-99"
    with pytest.raises(BrokenInvariant, match="holds only what runs"):
        mapping.check()
    mapping._receive_id = None
    mapping.check()
    mapping._open.add((message(3),), lease_ends_at_ms=NOW + 30_000)
    with pytest.raises(BrokenInvariant, match="holds only what runs"):
        mapping.check()


def test_every_backing_off_batch_is_released_when_the_mapping_is_switched_off() -> None:
    """None of them is left hidden until its lease ends."""
    play = on(batch_size=1)
    one, two = message(1), message(2)
    play.received("receive-1", one)
    play.received("receive-3", two)
    play.throttled("invocation-2")
    play.throttled("invocation-4")

    released = [effect for effect in play.happens(MappingDisabled()) if isinstance(effect, ChangeVisibility)]
    assert released == [ChangeVisibility(messages=(one, two), visibility_timeout_seconds=0)]


def test_the_story_tells_why_nothing_was_received_or_invoked() -> None:
    """A queue that could not be read and an answer that never came, as far back as the choices say."""
    play = on(choices=Choices(answer_deadline_ms=1_000, story_length=2))
    play.received("receive-1", message(1))
    play.happens(ReceiveFailed(receive_id="receive-4", reason="denied"))
    play.at = 1_000
    play.fired("timer-3")

    assert play.mapping.story() == [
        "00:00:00.000 queue: cannot be read: denied",
        "00:00:01.000 queue: the function was not invoked: no answer",
    ]


def test_a_mapping_receives_nothing_before_it_is_switched_on() -> None:
    """Whatever else happens to it."""
    play = QueueTranscript()

    assert play.fired("timer-1") == []
