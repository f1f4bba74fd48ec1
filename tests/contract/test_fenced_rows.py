"""What the functions' fenced tables take for granted about DynamoDB."""

import threading

import pytest

from effects.fenced_table import FencedRow, FencedTable, NotWritten, Outcome, by_sequence_number
from effects.patience import Patience
from tests.contract.endpoint import Table

pytestmark = pytest.mark.needs_repair("statements")

PATIENCE = Patience(remaining_ms=lambda: 30_000, sleep=lambda _: None, random=lambda: 0.0)
WRITTEN, STALE = Outcome.WRITTEN, Outcome.STALE


def fenced(table: Table) -> FencedTable:
    """The table, its key and attributes."""
    return FencedTable(client=table.client, name=table.name, key=("pk",), attributes=("status", "size"))


def row(version: int, pk: str = "1", *, first: bool = False, with_size: bool = True) -> FencedRow:
    """A row at a version."""
    size = {"size": {"N": str(version)}} if with_size else {}
    return FencedRow(key=(pk,), fence=version, attributes={"status": {"S": f"v{version}"}, **size}, is_first=first)


def write(table: Table, *rows: FencedRow) -> list[Outcome | NotWritten]:
    """Write rows together."""
    return fenced(table).write_all(rows, patience=PATIENCE)


def test_row_moves_forward_only(table: Table) -> None:
    """New, newer, older, equal, with right and with wrong guesses; reserved words are no trouble."""
    assert write(table, row(2, first=True)) == [WRITTEN]
    assert write(table, row(3)) == [WRITTEN]
    assert write(table, row(2)) == write(table, row(3)) == write(table, row(2, first=True)) == [STALE]
    assert write(table, row(5, "2")) == [WRITTEN]
    assert write(table, row(4, first=True)) == [WRITTEN]

    assert table.get() == {"pk": {"S": "1"}, "version": {"N": "4"}, "status": {"S": "v4"}, "size": {"N": "4"}}
    assert (table.get("2") or {})["version"] == {"N": "5"}


def test_attribute_that_a_row_lost_goes(table: Table) -> None:
    """Also where it was not there."""
    write(table, row(1, first=True))
    write(table, row(2, with_size=False))
    write(table, row(3, with_size=False))

    assert table.get() == {"pk": {"S": "1"}, "version": {"N": "3"}, "status": {"S": "v3"}}


def test_tombstone_holds_stragglers_off(table: Table) -> None:
    """A deletion is a row of key and fence."""
    write(table, row(1, first=True))

    assert write(table, FencedRow(key=("1",), fence=3, attributes={})) == [WRITTEN]
    assert write(table, row(2)) == write(table, row(2, first=True)) == [STALE]
    assert table.get() == {"pk": {"S": "1"}, "version": {"N": "3"}}


def test_single_write_agrees_with_the_batch(table: Table) -> None:
    """UpdateItem with the same fence."""
    single = fenced(table)

    assert [single.write(row(version)) for version in (2, 1, 2)] == [WRITTEN, STALE, STALE]
    assert write(table, row(1)) == [STALE]
    assert single.write(FencedRow(key=("1",), fence=3, attributes={})) == WRITTEN
    assert table.get() == {"pk": {"S": "1"}, "version": {"N": "3"}}


def test_sequence_number_is_a_fence(table: Table) -> None:
    """Text of 40 digits compares as the number does."""
    rows = FencedTable(
        client=table.client,
        name=table.name,
        key=("pk",),
        attributes=(),
        fence="sequence_number",
        written=by_sequence_number,
    )
    numbers = [9 * 10**20, 10**21, 10**39, 10**38]
    answers = [
        rows.write_all([FencedRow(key=("1",), fence=number, attributes={})], patience=PATIENCE) for number in numbers
    ]

    assert answers == [[WRITTEN], [WRITTEN], [WRITTEN], [STALE]]


def test_malformed_row_fails_alone(table: Table) -> None:
    """A number that is none does not take its neighbours along."""
    malformed = FencedRow(key=("2",), fence=1, attributes={"size": {"N": "much"}}, is_first=True)
    answers = write(table, row(1, "1", first=True), malformed, row(1, "3", first=True))

    assert (answers[0], answers[2]) == (WRITTEN, WRITTEN)
    assert isinstance(answers[1], NotWritten)


@pytest.mark.parametrize("first", [True, False])
def test_writers_at_the_same_time_end_at_the_newest(table: Table, first: bool) -> None:
    """Eight threads with a version each, none of which knows whether the rows are there."""
    answers: list[Outcome | NotWritten] = []

    def write_version(version: int) -> None:
        answers.extend(write(table, *(row(version, str(number), first=first) for number in range(10))))

    threads = [threading.Thread(target=write_version, args=(version,)) for version in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not [answer for answer in answers if isinstance(answer, NotWritten)]
    assert {(table.get(str(number)) or {})["version"]["N"] for number in range(10)} == {"8"}
