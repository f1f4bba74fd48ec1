from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from effects.fenced_table import FencedRow, FencedTable, NotWritten, Outcome, by_sequence_number
from effects.patience import MAX_PAUSES, RESERVE_MS, Patience
from tests.lambda_src.effects.statement_table import StatementTable

WRITTEN, STALE = Outcome.WRITTEN, Outcome.STALE
Write = Callable[..., list[Outcome | NotWritten]]


def row(version: int, item: str = "a", *, first: bool = False, **attributes: Any) -> FencedRow:
    """A row at a version; its attribute `x` says which."""
    return FencedRow(key=(item,), fence=version, attributes={"x": {"N": str(version)}} | attributes, is_first=first)


@dataclass
class Clock:
    """The time of an invocation; sleeping passes it."""

    remaining_ms: float = 30_000
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Pass time."""
        self.slept.append(seconds)
        self.remaining_ms -= seconds * 1_000


@pytest.fixture
def client() -> StatementTable:
    """An empty table."""
    return StatementTable("id")


@pytest.fixture
def table(client: StatementTable) -> FencedTable:
    """The table as the functions see it."""
    return FencedTable(client=client, name="T", key=("id",), attributes=("x", "y"))  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    """Half a minute."""
    return Clock()


@pytest.fixture
def write(table: FencedTable, clock: Clock) -> Write:
    """Write rows together."""
    patience = Patience(remaining_ms=lambda: int(clock.remaining_ms), sleep=clock.sleep, random=lambda: 1.0)
    return lambda *rows: table.write_all(rows, patience=patience)


def versions(client: StatementTable) -> dict[str, int]:
    """Where the rows have come to."""
    return {key: int(item["version"]["N"]) for (key,), item in client.rows.items()}


@pytest.mark.parametrize("first", [True, False])
def test_thousand_keys_cost_one_unit_each_and_a_call_for_25(
    write: Write, client: StatementTable, table: FencedTable, first: bool
) -> None:
    """All new or all existing, guessed right: 1.00 units and 0.04 calls a row."""
    if not first:
        write(*(row(1, f"k{number}", first=True) for number in range(1_000)))
    client.calls.clear()
    client.units = 0

    assert write(*(row(2, f"k{number}", first=first) for number in range(1_000))) == [WRITTEN] * 1_000
    assert (client.units, len(client.calls)) == (1_000, 40)
    assert set(versions(client).values()) == {2}


@pytest.mark.parametrize(
    ("new", "guess_of_new", "guess_of_existing", "newest_there", "units", "calls"),
    [
        (500, True, False, 1, 1_000, 40),  # half new, all guessed right
        (500, False, False, 1, 1_500, 60),  # half new, and no way to tell
        (500, True, True, 1, 1_500, 60),
        (0, True, False, 9, 1_000, 40),  # stale, and taken for existing
        (0, True, True, 9, 2_000, 80),  # stale, and taken for new
    ],
)
def test_mixed_batch_pays_for_its_wrong_guesses(
    *,
    write: Write,
    client: StatementTable,
    new: int,
    guess_of_new: bool,
    guess_of_existing: bool,
    newest_there: int,
    units: int,
    calls: int,
) -> None:
    """A thousand keys, some of them new: a unit more for each wrong guess, in calls of 25."""
    write(*(row(newest_there, f"k{number}", first=True) for number in range(new, 1_000)))
    client.calls.clear()
    client.units = 0
    write(*(row(2, f"k{number}", first=guess_of_new if number < new else guess_of_existing) for number in range(1_000)))

    assert (client.units, len(client.calls)) == (units, calls)


@pytest.mark.parametrize(
    ("there", "first", "outcome", "statements"),
    [
        (None, True, WRITTEN, ["INSERT"]),
        (None, False, WRITTEN, ["UPDATE", "INSERT"]),
        (1, False, WRITTEN, ["UPDATE"]),
        (1, True, WRITTEN, ["INSERT", "UPDATE"]),
        (2, False, STALE, ["UPDATE"]),
        (2, True, STALE, ["INSERT", "UPDATE"]),
        (3, False, STALE, ["UPDATE"]),
    ],
)
def test_guess_costs_statements_and_never_a_row(
    *, write: Write, client: StatementTable, there: int | None, first: bool, outcome: Outcome, statements: list[str]
) -> None:
    """Whatever is there and whatever was guessed, the row ends at the newest version, and each statement is a unit."""
    if there is not None:
        client.rows[("a",)] = {"id": {"S": "a"}, "version": {"N": str(there)}, "x": {"N": str(there)}}

    assert write(row(2, first=first)) == [outcome]
    assert versions(client) == {"a": max(2, there or 0)}
    assert [statement for call in client.calls for statement in call] == statements
    assert client.units == len(statements)


def test_batch_is_folded_before_it_is_written(write: Write, client: StatementTable) -> None:
    """One statement a key, the newest row; that one of them is the first decides the guess."""
    assert write(row(2, first=True), row(4), row(1, "b"), row(3)) == [WRITTEN] * 4
    assert versions(client) == {"a": 4, "b": 1}
    assert client.calls == [["INSERT", "UPDATE"], ["INSERT"]]


def test_row_is_what_was_handed_over_and_nothing_of_before(write: Write, client: StatementTable) -> None:
    """An attribute that a row no longer has goes."""
    write(row(1, first=True, y={"S": "old"}))
    write(row(2))

    assert client.rows[("a",)] == {"id": {"S": "a"}, "version": {"N": "2"}, "x": {"N": "2"}}


@pytest.mark.parametrize("together", [True, False])
def test_deletion_leaves_a_tombstone_that_stragglers_do_not_pass(
    write: Write, table: FencedTable, client: StatementTable, together: bool
) -> None:
    """Key and fence stay, so that an older row finds itself stale; a newer one revives the item."""
    tombstone = FencedRow(key=("a",), fence=3, attributes={})
    one: Write = write if together else lambda *rows: [table.write(each) for each in rows]
    one(row(1))
    assert one(tombstone) == [WRITTEN]
    assert client.rows[("a",)] == {"id": {"S": "a"}, "version": {"N": "3"}}

    assert one(row(2)) == one(tombstone) == [STALE]
    assert one(row(4)) == [WRITTEN]
    assert versions(client) == {"a": 4}


def test_single_write_costs_one_call_and_one_unit(table: FencedTable, client: StatementTable) -> None:
    """UpdateItem writes a row whether or not it is there, and finds a stale one at the same price."""
    assert [table.write(row(version)) for version in (2, 1, 2, 3)] == [WRITTEN, STALE, STALE, WRITTEN]
    assert (versions(client), client.units, len(client.calls)) == ({"a": 3}, 4, 4)


def test_single_write_raises_what_is_no_answer_about_the_row(table: FencedTable, client: StatementTable) -> None:
    """Throttling is not staleness."""
    client.meanwhile = lambda: _raise("ThrottlingException")

    with pytest.raises(ClientError):
        table.write(row(1))


def _raise(code: str) -> None:
    raise ClientError({"Error": {"Code": code, "Message": ""}}, "BatchExecuteStatement")


@pytest.mark.parametrize(("other", "ends_at"), [(1, 2), (2, 2), (3, 3)])
@pytest.mark.parametrize("first", [True, False])
def test_race_with_another_invocation_ends_at_the_newer_row(
    *, write: Write, client: StatementTable, first: bool, other: int, ends_at: int
) -> None:
    """Between our two statements somebody inserts the row: older, equal or newer than ours."""

    def race() -> None:
        if client.calls:
            client.rows.setdefault(("a",), {"id": {"S": "a"}, "version": {"N": str(other)}})

    if first:
        client.rows[("a",)] = {"id": {"S": "a"}, "version": {"N": str(other)}}
    client.meanwhile = race

    assert write(row(2, first=first)) == [WRITTEN if other < 2 else STALE]
    assert versions(client) == {"a": ends_at}


def test_table_that_shows_no_item_is_asked_until_it_is_sure(write: Write, client: StatementTable) -> None:
    """Without the item in the answer, a missing row and a newer one are told apart by one statement more."""
    client.rows[("a",)] = {"id": {"S": "a"}, "version": {"N": "3"}}
    execute = client.batch_execute_statement

    def hide(*, Statements: list[dict[str, Any]]) -> dict[str, Any]:
        for statement in Statements:
            statement.pop("ReturnValuesOnConditionCheckFailure", None)
        return execute(Statements=Statements)

    client.batch_execute_statement = hide  # type: ignore[method-assign]

    assert write(row(2)) == [STALE]
    assert client.calls == [["UPDATE"], ["INSERT"], ["UPDATE"]]


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError"])
def test_throttled_statement_is_tried_again_alone(
    write: Write, client: StatementTable, clock: Clock, code: str
) -> None:
    """Its neighbours are written, it follows after a pause, and is never taken for stale."""
    client.fault = lambda _, key: code if key == ("b",) and len(client.calls) < 3 else None

    assert write(row(1, "a", first=True), row(1, "b", first=True)) == [WRITTEN] * 2
    assert client.calls == [["INSERT", "INSERT"], ["INSERT"], ["INSERT"]]
    assert clock.slept == [0.05, 0.1]


def test_throttling_without_end_ends_as_not_written(write: Write, client: StatementTable, clock: Clock) -> None:
    """After the last pause the row is given back, with the reason; its neighbour stays written."""
    client.fault = lambda _, key: "ThrottlingError" if key == ("b",) else None
    written, throttled = write(row(1, "a", first=True), row(1, "b", first=True))

    assert written is WRITTEN
    assert str(throttled) == "throttled for too long"
    assert len(clock.slept) == MAX_PAUSES
    assert versions(client) == {"a": 1}


def test_pauses_stay_within_the_time_of_the_invocation(write: Write, client: StatementTable, clock: Clock) -> None:
    """What is kept for the answer is not slept away."""
    client.fault = lambda *_: "ThrottlingError"
    clock.remaining_ms = RESERVE_MS + 500

    assert [type(answer) for answer in write(row(1))] == [NotWritten]
    assert RESERVE_MS <= clock.remaining_ms < RESERVE_MS + 500


def test_throttled_call_is_tried_again(write: Write, client: StatementTable) -> None:
    """A call that boto3 gave up as throttled is like a call with every statement throttled."""

    def throttle() -> None:
        if not client.calls:
            client.calls.append([])
            _raise("ThrottlingException")

    client.meanwhile = throttle

    assert write(row(1, first=True)) == [WRITTEN]


def test_nothing_is_begun_when_time_is_running_out(write: Write, client: StatementTable, clock: Clock) -> None:
    """The rows come back instead of a timeout."""
    clock.remaining_ms = RESERVE_MS - 1
    [answer] = write(row(1))

    assert "time is running out" in str(answer)
    assert client.calls == []


@pytest.mark.parametrize("code", ["AccessDenied", "ItemCollectionSizeLimitExceeded", "ResourceNotFound"])
def test_other_errors_are_answers_for_their_row_alone(write: Write, client: StatementTable, code: str) -> None:
    """What no repetition helps is named and not repeated."""
    client.fault = lambda _, key: code if key == ("b",) else None
    written, refused = write(row(1, "a", first=True), row(1, "b", first=True))

    assert (written, str(refused), len(client.calls)) == (WRITTEN, code, 1)


@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), None])
def test_call_that_fails_fails_its_rows(write: Write, client: StatementTable, error: Exception | None) -> None:
    """Nothing is raised: rows of other calls are done."""

    def fail() -> None:
        if len(client.calls) == 1:
            client.calls.append([])
            raise error or ClientError({"Error": {"Code": "AccessDeniedException"}}, "BatchExecuteStatement")

    client.meanwhile = fail
    answers = write(*(row(1, f"k{number}", first=True) for number in range(75)))

    assert [isinstance(answer, NotWritten) for answer in answers] == [False] * 25 + [True] * 25 + [False] * 25


def test_malformed_row_does_not_take_its_neighbours_along(write: Write, client: StatementTable) -> None:
    """DynamoDB refuses a whole call for one bad key; alone each row gets an answer of its own."""
    answers = write(row(1, "a", first=True), row(1, "", first=True), row(1, "c", first=True))

    assert answers[::2] == [WRITTEN] * 2
    assert str(answers[1]) == "ValidationException"


def test_sequence_number_is_a_fence_too(client: StatementTable, clock: Clock) -> None:
    """Numbers of different lengths and up to 40 digits keep their order, though the fence is text."""
    table = FencedTable(
        client=client,  # type: ignore[arg-type]
        name="T",
        key=("id",),
        attributes=(),
        fence="sequence_number",
        written=by_sequence_number,
    )
    numbers = [9 * 10**20, 10**21, 10**39 + 1, 10**39, 9 * 10**20]

    assert [table.write(FencedRow(key=("a",), fence=number, attributes={})) for number in numbers] == [
        WRITTEN,
        WRITTEN,
        WRITTEN,
        STALE,
        STALE,
    ]
    assert client.rows[("a",)]["sequence_number"] == {"S": f"1{'0' * 38}1"}
