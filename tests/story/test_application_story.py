"""The stories of an application that cannot bear poison: each way in which a mapping deals with it is told."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from penstock.application import Application
from penstock.errors import EnvironmentProblem
from penstock.story.step import Step
from penstock.story.way import find

TEMPLATE = Path(__file__).parent / "poison.yaml"
ITEMS = {"a": "job", "b": "other", "bad": "job", "d": "job"}
"""Id → kind of the jobs that one call writes, in this order; ``bad`` is poison, ``b`` passes no filter."""


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    """The application, after the poison has been dealt with."""
    with Application.start(TEMPLATE, clock="jumping") as running:
        (table,) = running.template.tables
        puts = [{"PutRequest": {"Item": {"id": {"S": key}, "kind": {"S": kind}}}} for key, kind in ITEMS.items()]
        with running.hold():
            running.client("dynamodb").batch_write_item(RequestItems={table.name: puts})
            (work,) = (queue for queue in running.template.queues if queue.logical_id == "Work")
            running.client("sqs").send_message(QueueUrl=work.url, MessageBody='{"job": "bad"}')
        running.settle()
        yield running


def reading(application: Application, key: str, function: str) -> Step:
    """What the mapping of a function did with the record of an item."""
    (story,) = find(application.journal.facts(), key)
    (found,) = (step for step in story.steps if step.function == function)
    return found


def told(steps: Sequence[Step]) -> list[tuple[str, str, str]]:
    """(kind, reason or text, outcome) of steps."""
    return [(step.kind, step.reason or step.text, step.outcome) for step in steps]


def test_bisected_batch_is_told_to_its_end(application: Application) -> None:
    """Each half with its size, the repeats of the last one, and the destination that the poison reached."""
    failed = reading(application, "bad", "Bisecting")

    assert told(failed.steps) == [
        ("attempt", "first", "failed"),
        ("attempt", "half of a batch of 4, bisected after ValueError", "failed"),
        ("attempt", "half of a batch of 2, bisected after ValueError", "failed"),
        ("attempt", "retry after ValueError", "failed"),
        ("destination", "RetryAttemptsExhausted", "taken"),
    ]
    assert [step.text.partition(" (")[0] for step in failed.steps[:4]] == [
        f"attempt {number}" for number in range(1, 5)
    ]
    (message,) = failed.steps[-1].steps
    assert (message.kind, message.text) == ("message", f"message {message.id} in queue Failed")
    assert told(reading(application, "d", "Bisecting").steps) == [
        ("attempt", "first", "failed"),
        ("attempt", "half of a batch of 4, bisected after ValueError", "failed"),
        ("attempt", "half of a batch of 2, bisected after ValueError", "done"),
    ]


def test_partial_answer_is_told_for_each_record(application: Application) -> None:
    """What precedes the reported record is done; it and what follows come again, and are lost without a destination."""
    assert told(reading(application, "a", "Reporting").steps) == [("attempt", "first", "done")]
    assert told(reading(application, "bad", "Reporting").steps) == [
        ("attempt", "first", "reported"),
        ("attempt", "rest of a batch of 3 after a partial answer", "reported"),
        ("attempt", "retry after a batch item failure", "reported"),
        ("end", "discarded: no on-failure destination", ""),
    ]
    assert [step.outcome for step in reading(application, "d", "Reporting").steps] == ["rewound"] * 3 + [""]


def test_filter_verdict_is_told_with_its_reason(application: Application) -> None:
    """A record that does not pass is read, and that is all."""
    verdict = reading(application, "b", "Reporting")

    assert (verdict.passes, verdict.steps) == (False, ())
    assert 'fails filter 1 at dynamodb.NewImage.kind.S: wants ["job"], seen "other"' in verdict.text


def test_record_that_grew_too_old_is_told(application: Application) -> None:
    """After its repeats, or without a single attempt where another one stood in its way."""
    *attempts, end = told(reading(application, "bad", "Ageing").steps)

    assert attempts[0] == ("attempt", "first", "failed")
    assert set(attempts[1:]) == {("attempt", "retry after ValueError", "failed")}
    assert end == ("destination", "RecordAgeExceeded", "taken")
    assert told(reading(application, "d", "Ageing").steps) == [("destination", "RecordAgeExceeded", "taken")]


def test_message_is_told_to_its_dead_letter_queue(application: Application) -> None:
    """A message from outside has a story of its own, by its id, with each receipt."""
    (received, _) = application.journal.records("Working")
    (story,) = find(application.journal.facts(), received.record["messageId"])
    origin, verdict, moved = story.steps

    assert origin.text == "from sqs:SendMessage Work by operator"
    assert story.text == f"message {story.id} in queue Work"
    assert told(verdict.steps) == [
        ("attempt", "first", "failed"),
        ("attempt", "received again after ValueError", "failed"),
    ]
    assert moved.text == f"message {story.id} moved to dead-letter queue Failed after 2 receives"


def test_message_of_a_destination_tells_where_it_came_from(application: Application) -> None:
    """Asked for by its id, it leads back."""
    message = reading(application, "bad", "Bisecting").steps[-1].steps[0]
    (story,) = find(application.journal.facts(), message.id)

    (origin,) = story.steps
    assert (origin.kind, origin.mapping) == ("origin", "BisectingStream")
    assert origin.text == "from RetryAttemptsExhausted: 1 record → on-failure destination Failed"


def test_records_are_those_that_the_function_received(application: Application) -> None:
    """In order, each attempt an entry, with what became of it."""
    received = application.journal.records("Reporting")

    assert [(one.record["dynamodb"]["Keys"]["id"]["S"], one.attempt, one.outcome) for one in received] == [
        ("a", 1, "done"),
        ("bad", 1, "reported"),
        ("d", 1, "rewound"),
        *[("bad", 2, "reported"), ("d", 2, "rewound")],
        *[("bad", 3, "reported"), ("d", 3, "rewound")],
    ]


def test_stories_of_all_are_told_as_lines(application: Application) -> None:
    """The four items and the message, each with what came of it."""
    roots = [line for line in application.journal.stories() if line[:2].isdigit()]

    assert len(roots) == 5
    assert sum("INSERT Jobs id=" in root and "by operator dynamodb:BatchWriteItem" in root for root in roots) == 4


def test_fails_when_the_journal_is_not_written_to_its_end(tmp_path: Path) -> None:
    """Its last lines found no room: the run says so, and leaves neither an address nor a process behind."""
    running = Application.start(TEMPLATE, clock="jumping", journal=tmp_path / "journal.jsonl")
    door = urlsplit(running.endpoint)
    assert running.journal._file is not None
    running.journal._file._problem = OSError(28, "No space left on device")

    with pytest.raises(EnvironmentProblem, match="No space left on device"):
        running.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((door.hostname, door.port))
    assert running._premises.environments._all == {}
