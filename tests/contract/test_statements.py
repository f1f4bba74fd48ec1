"""What PartiQL statements promise: one, in a batch, in a transaction."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Table

pytestmark = pytest.mark.needs_repair("statements")

ITEM: dict[str, Any] = {
    "pk": {"S": "1"},
    "version": {"N": "3"},
    "s": {"S": "it's"},
    "b": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "l": {"L": [{"N": "1"}, {"S": "x"}]},
    "m": {"M": {"in": {"S": "side"}}},
    "set": {"SS": ["a", "b"]},
}
FENCED = "UPDATE %s SET s=?, version=? WHERE pk=? AND version < ?"


def fenced(table: Table, version: int, pk: str = "1") -> dict[str, Any]:
    """An update to a version that must be newer."""
    newer = {"N": str(version)}
    return table.statement(FENCED, {"S": f"v{version}"}, newer, {"S": pk}, newer)


def test_insert_takes_parameters_of_every_type(table: Table) -> None:
    """What is inserted by parameters is read back the same."""
    members = ", ".join(f"'{name}': ?" for name in ITEM)

    table.execute(f"INSERT INTO %s VALUE {{{members}}}", *ITEM.values())

    assert table.get() == ITEM


def test_insert_takes_literals_of_every_type(table: Table) -> None:
    """Text, numbers, booleans, null, lists, maps and sets can be written out."""
    table.execute(
        "INSERT INTO %s VALUE {'pk': '1', 's': 'it''s', 'n': -1.50, 'yes': true, 'none': null, "
        "'l': [1, 'x'], 'm': {'in': 'side'}, 'set': <<'a', 'b'>>}"
    )

    literal = {name: ITEM[name] for name in ("pk", "s", "yes", "none", "l", "m")}
    stored = table.get() or {}
    assert sorted(stored.pop("set")["SS"]) == ["a", "b"]
    assert stored == literal | {"n": {"N": "-1.5"}}


def test_fails_when_an_item_is_inserted_twice(table: Table) -> None:
    """INSERT never overwrites."""
    table.put(**ITEM)

    with pytest.raises(ClientError) as refused:
        table.execute("INSERT INTO %s VALUE {'pk': ?}", {"S": "1"})

    assert refused.value.response["Error"]["Code"] == "DuplicateItemException"
    assert table.get() == ITEM


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("UPDATE %s SET version = version + 1 SET s = 'new' WHERE pk = '1'",
         {"version": {"N": "4"}, "s": {"S": "new"}}),
        ("UPDATE %s SET m.other = 2, l[0] = 'y' REMOVE m.in WHERE pk = '1'",
         {"m": {"M": {"other": {"N": "2"}}}, "l": {"L": [{"S": "y"}, {"S": "x"}]}}),
        ("UPDATE %s SET l = list_append(l, ['z']) WHERE pk = '1'", {"l": {"L": [*ITEM["l"]["L"], {"S": "z"}]}}),
        ("UPDATE %s SET \"set\" = set_delete(\"set\", <<'b'>>) WHERE pk = '1'", {"set": {"SS": ["a"]}}),
        ("UPDATE %s SET version = 9 WHERE pk = '1' AND (version BETWEEN 1 AND 3 OR s = 'x') AND gone IS MISSING",
         {"version": {"N": "9"}}),
        ("UPDATE %s SET version = 9 WHERE pk = '1' AND begins_with(s, 'it') AND NOT version IN [1, 2]",
         {"version": {"N": "9"}}),
        ("UPDATE %s SET version = 9 WHERE pk = '1' AND size(l) = 2 AND contains(\"set\", 'a') AND version <> 4",
         {"version": {"N": "9"}}),
    ],
)  # fmt: skip
def test_update_changes_what_it_says(table: Table, statement: str, changed: dict[str, Any]) -> None:
    """Assignments, removals and functions act, under conditions that hold."""
    table.put(**ITEM)

    table.execute(statement)

    assert table.get() == ITEM | changed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE %s SET s = 'new' WHERE pk = '2'",
        "UPDATE %s SET s = 'new' WHERE pk = '1' AND version < 3",
        "UPDATE %s SET s = 'new' WHERE pk = '1' AND version > 3",
        "UPDATE %s SET s = 'new' WHERE pk = '1' AND (version = 1 OR version = 2)",
        "UPDATE %s SET s = 'new' WHERE pk = '1' AND s IS MISSING",
        "DELETE FROM %s WHERE pk = '1' AND version < 3",
    ],
)
def test_fails_when_a_condition_does_not_hold(table: Table, statement: str) -> None:
    """An update of a missing item, or any write under a condition that is false, is refused and writes nothing."""
    table.put(**ITEM)

    with pytest.raises(ClientError) as refused:
        table.execute(statement)

    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert (table.get(), table.get("2")) == (ITEM, None)


def test_refused_update_shows_the_item_where_asked(table: Table) -> None:
    """ALL_OLD on a failed condition gives the item that is there."""
    table.put(**ITEM)

    with pytest.raises(ClientError) as refused:
        table.execute("UPDATE %s SET s='n' WHERE pk='1' AND version < 2", ReturnValuesOnConditionCheckFailure="ALL_OLD")

    assert refused.value.response["Item"]["version"] == {"N": "3"}


def test_returning_gives_the_item(table: Table) -> None:
    """RETURNING gives what was or what is, whole or as far as modified."""
    table.put(**ITEM)

    modified = table.execute("UPDATE %s SET version = 4 WHERE pk = '1' RETURNING MODIFIED OLD *")["Items"]
    whole = table.execute("UPDATE %s SET version = 5 WHERE pk = '1' RETURNING ALL NEW *")["Items"]
    deleted = table.execute("DELETE FROM %s WHERE pk = '1' RETURNING ALL OLD *")["Items"]

    assert modified == [{"version": {"N": "3"}}]
    assert whole == deleted == [ITEM | {"version": {"N": "5"}}]


def test_delete_of_a_missing_item_succeeds(table: Table) -> None:
    """Whatever else the statement says, nothing is deleted and nothing refused."""
    table.execute("DELETE FROM %s WHERE pk = '1' AND version = 1")
    table.execute("DELETE FROM %s WHERE pk = ?", {"S": "1"})

    assert table.get() is None


def test_select_reads_by_key_and_by_partition(ordered_table: Table) -> None:
    """A whole key gives its item, a partition its items in the order of the sort key."""
    for sk in ("b", "c", "a"):
        ordered_table.put(pk={"S": "1"}, sk={"S": sk}, n={"N": str(ord(sk))})

    one = ordered_table.execute("SELECT sk, n FROM %s WHERE pk = ? AND sk = ?", {"S": "1"}, {"S": "b"})["Items"]
    some = ordered_table.execute("SELECT sk FROM %s WHERE pk = '1' AND n <> 98")["Items"]
    none = ordered_table.execute("SELECT * FROM %s WHERE pk = '1' AND sk = 'a' AND n > 97")["Items"]

    assert one == [{"sk": {"S": "b"}, "n": {"N": "98"}}]
    assert some == [{"sk": {"S": "a"}}, {"sk": {"S": "c"}}]
    assert none == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE %s SET s = 'x'", "wasn't well formed"),
        ("UPDATE %s SET s = 'x' WHERE version = 3", "mandatory equality on all key attributes"),
        ("UPDATE %s SET s = 'x' WHERE pk = '1' OR pk = '2'", "mandatory equality on all key attributes"),
        ("UPDATE %s SET s = ? WHERE pk = '1'", "Number of parameters"),
        ("UPDATE %s SET pk = 'x' WHERE pk = '1'", "Cannot update attribute pk"),
        ("UPDATE %s SET s = 'x' WHERE pk = '1' AND s LIKE 'x'", "wasn't well formed"),
        ("INSERT INTO %s VALUE {'s': ?}", "Number of parameters"),
        ("DROP TABLE %s", "wasn't well formed"),
    ],
)
def test_fails_when_a_statement_makes_no_sense(table: Table, statement: str, message: str) -> None:
    """A statement that cannot be read to its end, or names no item, is a ValidationException and writes nothing."""
    table.put(**ITEM)

    with pytest.raises(ClientError, match=message) as refused:
        table.execute(statement)

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert table.get() == ITEM


def test_batch_answers_each_statement_in_its_place(table: Table) -> None:
    """What fails says why; the others are done."""
    table.put(**ITEM)
    table.put(pk={"S": "2"}, version={"N": "3"})
    statements = [
        fenced(table, 4),
        table.statement("INSERT INTO %s VALUE {'pk': 'new', 'version': ?}", {"N": "1"}),
        fenced(table, 3, "2") | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
        fenced(table, 1, "gone"),
        table.statement("UPDATE %s SET s = 's' WHERE version = 3"),
    ]

    first = table.client.batch_execute_statement(Statements=statements)["Responses"]
    again = table.client.batch_execute_statement(Statements=statements[:2])["Responses"]

    codes = [response.get("Error", {}).get("Code") for response in first]
    assert codes == [None, None, "ConditionalCheckFailed", "ConditionalCheckFailed", "ValidationError"]
    assert first[2]["Error"]["Item"] == {"pk": {"S": "2"}, "version": {"N": "3"}}
    assert [response["Error"]["Code"] for response in again] == ["ConditionalCheckFailed", "DuplicateItem"]
    assert (table.get() or {})["s"] == {"S": "v4"}


def test_batch_reads_in_order(table: Table) -> None:
    """Each SELECT of a batch is answered in its place, one of a missing item without an item."""
    for pk in ("1", "2"):
        table.put(pk={"S": pk})
    reads = [table.statement("SELECT * FROM %s WHERE pk = ?", {"S": pk}) for pk in ("2", "gone", "1")]

    answers = table.client.batch_execute_statement(Statements=reads)["Responses"]

    assert [answer.get("Item") for answer in answers] == [{"pk": {"S": "2"}}, None, {"pk": {"S": "1"}}]


def test_fails_when_a_batch_is_too_long_or_repeats_an_item(table: Table) -> None:
    """25 statements are the most, each about another item, and nothing of a refused batch is done."""
    insert = "INSERT INTO %s VALUE {'pk': ?}"
    for count in (25, 26):
        statements = [table.statement(insert, {"S": f"{count}/{number}"}) for number in range(count)]
        if count == 25:
            table.client.batch_execute_statement(Statements=statements)
        else:
            with pytest.raises(ClientError, match="less than or equal to 25"):
                table.client.batch_execute_statement(Statements=statements)
    table.put(**ITEM)

    with pytest.raises(ClientError) as refused:
        table.client.batch_execute_statement(Statements=[fenced(table, 4), fenced(table, 5)])

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert (table.get(), table.get("25/0"), table.get("26/0")) == (ITEM, {"pk": {"S": "25/0"}}, None)


def test_transaction_of_statements_does_all_or_nothing(table: Table) -> None:
    """Statements are cancelled together, with reasons in their order."""
    table.put(**ITEM)
    statements = [
        table.statement("INSERT INTO %s VALUE {'pk': 'new'}"),
        fenced(table, 3),
        table.statement("INSERT INTO %s VALUE {'pk': 'other'}"),
        table.statement("EXISTS(SELECT * FROM %s WHERE pk = 'gone' AND version = 1)"),
    ]

    with pytest.raises(ClientError) as refused:
        table.client.execute_transaction(TransactStatements=statements)
    table.client.execute_transaction(TransactStatements=[statements[0], fenced(table, 4)])
    with pytest.raises(ClientError) as repeated:
        table.client.execute_transaction(TransactStatements=[statements[0]])

    reasons = [each["Code"] for each in refused.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed"]
    assert repeated.value.response["CancellationReasons"][0]["Code"] == "DuplicateItem"
    assert (table.get("new"), table.get("other")) == ({"pk": {"S": "new"}}, None)
    assert (table.get() or {})["version"] == {"N": "4"}


def test_statements_reach_the_stream(table: Table) -> None:
    """Each change made by a statement is one record; one that changes nothing is none."""
    live = table.shard_iterator("LATEST")

    table.execute("INSERT INTO %s VALUE {'pk': '1', 'n': 1}")
    table.execute("UPDATE %s SET n = 1 WHERE pk = '1'")
    table.execute("UPDATE %s SET n = 2 WHERE pk = '1'")
    table.execute("DELETE FROM %s WHERE pk = '1'")

    records = table.records(live, expected=3)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
