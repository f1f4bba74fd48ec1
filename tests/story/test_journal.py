"""The journal: what it keeps, forgets, and gives back from its file."""

import fcntl
import io
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import EnvironmentProblem, UsageError
from penstock.story.facts import Fact, decode
from penstock.story.journal import Journal, Received
from penstock.story.journal_file import JournalFile, read_journal
from tests.story.chronicle import BEGAN, NOW, QUEUE, body, ended, invoked, mapping, sent, written


def batch(journal: Journal, request_id: str, *numbers: int, **how: Any) -> None:
    """Tell of a batch of a stream, from its invocation to its end."""
    journal.tell(invoked(request_id, *numbers))
    event = {"Records": [body(number, f"k{number}") for number in numbers]}
    journal.tell_end(ended(request_id, **how), json.dumps(event).encode())


def test_records_are_given_with_attempt_and_outcome() -> None:
    """A function's records in order, each attempt by itself: what precedes a reported one is done, the rest not."""
    journal = Journal()
    journal.tell(mapping())
    batch(journal, "a", 1, 2, 3, reports=(2,))
    batch(journal, "b", 2, 3, result="failed", error="ValueError: no")

    received = journal.records("reader")

    assert [(one.record["eventID"], one.attempt, one.outcome, one.error) for one in received] == [
        ("e1", 1, "done", ""),
        ("e2", 1, "reported", ""),
        ("e3", 1, "rewound", ""),
        ("e2", 2, "failed", "ValueError: no"),
        ("e3", 2, "failed", "ValueError: no"),
    ]


def test_report_counts_only_where_the_mapping_reads_it() -> None:
    """Without ReportBatchItemFailures an answer is an answer."""
    journal = Journal()
    journal.tell(mapping(reports=False))
    batch(journal, "a", 1, reports=(1,))

    assert [one.outcome for one in journal.records("reader")] == ["done"]


def test_messages_behind_a_reported_one_are_done() -> None:
    """A queue keeps only what was reported; a throttled batch was not received at all."""
    journal = Journal()
    journal.tell(mapping(source_arn=QUEUE))
    event = json.dumps({"Records": [{"messageId": "m1"}, {"messageId": "m2"}]}).encode()
    for request_id, how in (("a", {"reports": ("m1",)}), ("b", {"result": "throttled", "error": "Reserved"})):
        journal.tell(invoked(request_id, "m1", "m2"))
        journal.tell_end(ended(request_id, **how), event)

    assert [(one.record["messageId"], one.outcome) for one in journal.records("reader")] == [
        ("m1", "reported"),
        ("m2", "done"),
    ]


def test_event_that_is_no_batch_is_given_whole() -> None:
    """A request, or an event of a topic, is what the function received."""
    journal = Journal()
    journal.tell_end(ended("a", function="api", at_ms=7), b'{"rawPath":"/orders"}')

    assert journal.records("api") == [
        Received(record={"rawPath": "/orders"}, attempt=1, outcome="done", error="", request_id="a", at_ms=NOW + 7)
    ]
    assert journal.records("nobody") == []


def test_clear_forgets_all_but_the_application() -> None:
    """After it nothing was received and nothing told; mappings are known, and marks go on."""
    journal = Journal()
    journal.tell(mapping())
    batch(journal, "a", 1)
    journal.tell(written(1))
    journal.clear()
    mark = journal.mark()
    journal.tell(written(2))

    assert journal.records("reader") == []
    assert journal.facts() == journal.facts(since=mark) == [mapping(), written(2)]


def test_stories_tell_what_came_since_a_mark() -> None:
    """What was written before is another test's."""
    journal = Journal()
    journal.tell(mapping())
    journal.tell(written(1))
    mark = journal.mark()
    journal.tell(written(2))

    told = list(journal.stories(since=mark))

    assert told[0].startswith("00:00:00.000  INSERT orders id=k2, eventID e2, by api dynamodb:PutItem")
    assert not any("e1" in line for line in told)


def test_listener_hears_each_fact() -> None:
    """Who watches is told at once."""
    journal = Journal()
    heard: list[Fact] = []
    journal.listen(heard.append)
    journal.tell(written(1))

    assert heard == [written(1)]


def test_file_gives_back_what_was_told(tmp_path: Path) -> None:
    """Each fact is one line, written when it is time, and whole again when read."""
    path = tmp_path / "kept" / "journal.jsonl"
    journal = Journal(path)
    soon: list[Any] = []
    journal.tell(BEGAN)
    journal.flush_by(soon.append)
    told: list[Fact] = [
        mapping(filters=('{"a": [1]}',)),
        written(1, 2),
        invoked("a", 1, 2),
        ended("a"),
        sent("m", text='"ü"\n'),
    ]
    for fact in told:
        journal.tell(fact)
    (flush,) = soon
    flush()
    journal.wait()
    assert read_journal(path) == [BEGAN, *told]
    journal.tell(written(3))
    journal.close()
    assert read_journal(path) == [BEGAN, *told, written(3)]
    assert len(path.read_text().splitlines()) == 7


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\r\n", "\x0b", "\x1c"])
def test_text_that_separates_lines_separates_no_facts(tmp_path: Path, separator: str) -> None:
    """Keys and messages may hold whatever Unicode calls a line's end; what comes after it is read all the same."""
    path = tmp_path / "journal.jsonl"
    told: list[Fact] = [BEGAN, written(1, key=f"a{separator}b"), sent("m", text=separator), written(2)]
    journal = Journal(path)
    for fact in told:
        journal.tell(fact)
    journal.close()

    assert read_journal(path) == told


def test_reader_waits_for_what_was_told(tmp_path: Path) -> None:
    """Who saw an effect and asks for its story misses nothing of it, though the file is written later."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.tell(BEGAN)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(read_journal, path, patience_seconds=60)
        with pytest.raises(TimeoutError):
            reading.result(timeout=0.05)
        journal.tell(written(1))
        journal.flush()

        assert reading.result() == [BEGAN, written(1)]
    journal.close()


def test_reader_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A run that was stopped owes what it will never write; what is there can be read."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.tell(BEGAN)
    journal.flush()
    journal.wait()
    journal.tell(written(1))

    assert read_journal(path, patience_seconds=0) == [BEGAN]
    journal.close()


def test_reader_does_not_wait_for_a_run_to_pause(tmp_path: Path) -> None:
    """A busy run always owes something; what it owed when the reader came is read, and no more is waited for."""
    path = tmp_path / "journal.jsonl"
    file = JournalFile(path)
    file.announce()
    file.append([BEGAN], frame=[])
    file.wait()
    file.announce()
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(read_journal, path, patience_seconds=600)
        for number in itertools.count():
            if reading.done():
                break
            file.announce()
            file.append([written(number)], frame=[])
            file.wait()

        assert reading.result()[:2] == [BEGAN, written(0)]
    file.close()


def test_writer_does_not_wait_for_readers(tmp_path: Path) -> None:
    """A run goes on while somebody reads its journal, and its next reader still waits for what is owed."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    with path.open("rb") as read:
        fcntl.flock(read, fcntl.LOCK_SH)
        journal.tell(BEGAN)
        journal.flush()
        journal.wait()

    assert read_journal(path, patience_seconds=0) == [BEGAN]
    journal.close()


def test_new_run_begins_anew(tmp_path: Path) -> None:
    """The journal is that of the last run; one that still goes on does not write into it."""
    path = tmp_path / "journal.jsonl"
    first, second = Journal(path), Journal(path)
    for journal in (first, second):
        journal.tell(BEGAN)
    first.tell(written(1))
    first.close()
    second.close()

    assert read_journal(path) == [BEGAN]


def test_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    """At its limit the older half is kept beside the new one, which begins with the run; the half before that goes."""
    path = tmp_path / "journal.jsonl"
    file = JournalFile(path, limit_bytes=1_000)
    file.announce()
    file.append([BEGAN], frame=[BEGAN])
    for number in range(20):
        file.announce()
        file.append([written(number)], frame=[BEGAN])
    file.wait()

    assert read_journal(path, patience_seconds=0)[0] == BEGAN
    file.announce()
    with path.open("rb") as half, pytest.raises(BlockingIOError):
        fcntl.flock(half, fcntl.LOCK_SH | fcntl.LOCK_NB)
    file.close()

    kept = read_journal(path)
    assert kept[0] == BEGAN
    assert written(0) not in kept
    assert [fact for fact in kept if fact != BEGAN] == [written(number) for number in range(20)][-len(kept) + 2 :]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["journal.jsonl", "journal.older.jsonl"]


def test_reader_sees_both_halves_though_one_grows_old_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that reaches its limit while its journal is read takes nothing away from who reads it."""
    path = tmp_path / "journal.jsonl"
    file = JournalFile(path, limit_bytes=600)

    def tell(*facts: Fact) -> None:
        for fact in facts:
            file.announce()
            file.append([fact], frame=[BEGAN])
        file.wait()

    def decode_late(line: bytes) -> Fact:
        tell(*[written(4)] * (len(path.read_bytes().splitlines()) == 2))
        return decode(line)

    tell(BEGAN, written(1), written(2), written(3))
    monkeypatch.setattr("penstock.story.journal_file.decode", decode_late)
    facts = read_journal(path)
    file.close()

    assert [fact for fact in facts if fact != BEGAN][:3] == [written(1), written(2), written(3)]
    assert len(path.read_bytes().splitlines()) == 1


def test_run_whose_journal_is_gone_leaves_that_of_the_next_alone(tmp_path: Path) -> None:
    """A run that goes on while another one begins in its folder reaches its limit, too, and takes nobody's file."""
    path = tmp_path / "journal.jsonl"
    first = JournalFile(path, limit_bytes=10)
    second = JournalFile(path)
    turns: list[tuple[JournalFile, list[Fact]]] = [
        (second, [BEGAN, written(1)]),
        (first, [BEGAN, written(2)]),
        (second, [written(3)]),
    ]
    for file, told in turns:
        file.announce()
        file.append(told, frame=[BEGAN])
        file.wait()
    first.close()
    second.close()

    assert read_journal(path) == [BEGAN, written(1), written(3)]
    assert [each.name for each in tmp_path.iterdir()] == ["journal.jsonl"]


def test_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    """A story is told while the run goes on."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.tell(BEGAN)
    journal.close()
    with path.open("a") as file:
        file.write('{"fact":"Reco')

    assert read_journal(path) == [BEGAN]


def test_fails_when_there_is_no_journal(tmp_path: Path) -> None:
    """Each refusal says what to give."""
    path = tmp_path / "journal.jsonl"
    with pytest.raises(UsageError, match=r"there is no journal .*; run `penstock run`"):
        read_journal(path)
    for text, problem in (
        ("", "does not begin like a journal"),
        ('{"fact":"CheckpointSaved","at_ms":1,"mapping":"m","shard_id":"s","sequence_number":"1"}\n', "does not begin"),
        ('{"fact":"Unheard"}\n', "line 1 is no fact"),
        *((f"{text}\n", "line 1 is no fact") for text in ("[]", "1", '"text"', "null")),
        ('{"fact":"RunBegan","at_ms":1}\n', "line 1 is no fact"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=problem):
            read_journal(path)


def test_fails_when_the_disk_is_full(tmp_path: Path) -> None:
    """What a write came to is told with the next one, or at the end, not lost in its thread."""

    class Full(io.FileIO):
        """A file without room."""

        def write(self, _: object) -> int:
            """Refuse."""
            raise OSError(28, "No space left on device")

    path = tmp_path / "journal.jsonl"
    file = JournalFile(path)
    file._file.close()
    file._file = Full(path, "w")  # type: ignore[assignment]
    file.announce()
    file.append([BEGAN], frame=[])
    file.wait()

    full = "cannot be written: No space left on device"
    with pytest.raises(EnvironmentProblem, match=full):
        file.append([BEGAN], frame=[])
    with pytest.raises(EnvironmentProblem, match=full):
        file.close()


def test_fails_when_the_journal_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is a file is named, with the way out."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(EnvironmentProblem, match=r"cannot be written: .*; run this in a folder with room for it"):
        Journal(tmp_path / "taken" / "journal.jsonl")
