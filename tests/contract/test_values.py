"""What DynamoDB accepts as a value, and how it gives it back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Table

LIMIT_BYTES = 409_600
NINES = "9" * 38


@pytest.mark.needs_repair("numbers")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1.0", "1"),
        ("0012.340", "12.34"),
        ("-0", "0"),
        ("+5", "5"),
        ("1E3", "1000"),
        ("12e-4", "0.0012"),
        ("1E125", "1" + "0" * 125),
        ("1E-130", "0." + "0" * 129 + "1"),
        (f"{NINES}0000.00", f"{NINES}0000"),
    ],
)
def test_number_has_one_spelling(table: Table, written: str, kept: str) -> None:
    """However a number is written, it comes back in its plainest form, in sets, lists and keys of maps as well."""
    table.put(pk={"S": "1"}, n={"N": written}, set={"NS": [written]}, deep={"L": [{"M": {"n": {"N": written}}}]})

    number = {"N": kept}
    assert table.get() == {"pk": {"S": "1"}, "n": number, "set": {"NS": [kept]}, "deep": {"L": [{"M": {"n": number}}]}}


@pytest.mark.needs_repair("numbers")
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (f"{NINES}9", "more than 38 significant digits"),
        (f"0.{NINES}1", "more than 38 significant digits"),
        ("1E126", "Number overflow"),
        ("-1E-131", "Number underflow"),
        ("0x1", "cannot be converted to a numeric value"),
        ("1_0", "cannot be converted to a numeric value"),
    ],
)
def test_fails_when_a_number_is_out_of_range(table: Table, number: str, message: str) -> None:
    """38 digits between 1E-130 and 9.99E125, wherever the number stands."""
    for value in ({"N": number}, {"L": [{"NS": [number]}]}):
        with pytest.raises(ClientError, match=message):
            table.put(pk={"S": "1"}, n=value)
        with pytest.raises(ClientError, match=message):
            table.update("SET n = :n", n=value)

    assert table.get() is None


@pytest.mark.needs_repair("numbers")
def test_sum_is_exact(table: Table) -> None:
    """Arithmetic keeps 38 digits and gives the plainest form; a sum that needs more is refused."""
    table.put(pk={"S": "1"}, n={"N": "1.5"}, big={"N": f"{NINES[:-1]}8"})

    table.update("SET n = n + :half, big = big + :one", half={"N": "0.5"}, one={"N": "1"})
    table.update("ADD n :thousand", thousand={"N": "1E3"})
    with pytest.raises(ClientError, match="38 significant digits"):
        table.update("SET big = big + :tenth", tenth={"N": "0.1"})

    assert table.get() == {"pk": {"S": "1"}, "n": {"N": "1002"}, "big": {"N": NINES}}


@pytest.mark.needs_repair("empty values")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"SS": []}, "An string set  may not be empty"),
        ({"NS": []}, "An number set  may not be empty"),
        ({"BS": []}, "Binary sets should not be empty"),
        ({"L": [{"M": {"in": {"SS": []}}}]}, "An string set  may not be empty"),
        ({"SS": ["a", "a"]}, r"Input collection \[a, a\] contains duplicates"),
    ],
)
def test_fails_when_a_set_is_empty(table: Table, value: dict[str, Any], message: str) -> None:
    """No set is empty or holds a member twice, however it is written."""
    item = {"pk": {"S": "1"}, "a": value}

    with pytest.raises(ClientError, match=message):
        table.put(**item)
    with pytest.raises(ClientError, match=f"contains invalid value: One or more .*{message}.* for key :a"):
        table.update("SET a = :a", a=value)
    with pytest.raises(ClientError, match=message):
        table.client.batch_write_item(RequestItems={table.name: [{"PutRequest": {"Item": item}}]})

    assert table.get() is None


@pytest.mark.needs_repair("empty values")
def test_fails_when_a_key_is_empty_or_wrong(table: Table) -> None:
    """An empty key is refused by each operation that names an item, another key than the schema's as well."""
    empty = "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
    schema = "The provided key element does not match the schema"
    for key, message in (({"pk": {"S": ""}}, empty), ({"pk": {"N": "1"}}, schema), ({"other": {"S": "1"}}, schema)):
        named = {"TableName": table.name, "Key": key}
        for operation in (table.client.get_item, table.client.delete_item, table.client.update_item):
            with pytest.raises(ClientError, match=message):
                operation(**named)
    with pytest.raises(ClientError, match=empty):
        table.put(pk={"S": ""})

    table.put(pk={"S": "1"}, empty={"S": ""}, none={"B": b""})
    assert table.get() == {"pk": {"S": "1"}, "empty": {"S": ""}, "none": {"B": b""}}


def weighed(bytes_: int, **more: Any) -> dict[str, Any]:
    """An item of so many bytes: names, text, and the parts whose weight the rule gives."""
    parts = {"pk": {"S": "1"}, "n": {"N": "1234"}, "l": {"L": [{"BOOL": True}]}, "m": {"M": {"a": {"NULL": True}}}}
    known = len("pk1") + len("n") + 3 + len("l") + 3 + 1 + 1 + len("m") + 3 + 1 + len("a") + 1
    return {**parts, **more, "t": {"S": "x" * (bytes_ - known - len("t"))}}


@pytest.mark.needs_repair("item sizes")
def test_item_of_400_kb_is_kept_and_no_byte_more(table: Table) -> None:
    """An item of exactly 409,600 bytes by the documented rule is put; one byte more is not."""
    largest = weighed(LIMIT_BYTES)

    table.put(**largest)
    with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
        table.put(**weighed(LIMIT_BYTES + 1))

    assert table.get() == largest


@pytest.mark.needs_repair("item sizes")
def test_update_stops_at_400_kb(table: Table) -> None:
    """An update may fill an item to the limit, at any depth, and not pass it."""
    table.put(**weighed(LIMIT_BYTES - 10))
    more = len("b") + 1

    table.update("SET m.b = :t", t={"S": "y" * (10 - more)})
    with pytest.raises(ClientError, match="Item size to update has exceeded the maximum allowed size"):
        table.update("SET m.b = :t", t={"S": "y" * (11 - more)})

    assert (table.get() or {})["m"]["M"]["b"] == {"S": "y" * (10 - more)}


@pytest.mark.needs_repair
def test_keys_have_limits(ordered_table: Table) -> None:
    """A partition key has up to 2,048 bytes, a sort key up to 1,024."""
    ordered_table.put(pk={"S": "x" * 2048}, sk={"S": "é" * 512})

    with pytest.raises(ClientError, match="Size of hashkey has exceeded the maximum size limit"):
        ordered_table.put(pk={"S": "x" * 2049}, sk={"S": "1"})
    with pytest.raises(ClientError, match="Aggregated size of all range keys has exceeded the size limit"):
        ordered_table.put(pk={"S": "x"}, sk={"S": "é" * 513})


@pytest.mark.needs_repair("empty values")
@pytest.mark.parametrize("value", [{"S": "1"}, {"NULL": True}, {"L": []}])
def test_fails_when_the_key_of_an_index_has_another_type(indexed_table: Table, value: dict[str, Any]) -> None:
    """However a whole item is written; one that lacks the key is stored, and is not in the index."""
    name, key = indexed_table.name, {"pk": {"S": "1"}, "sk": {"S": "1"}}
    item = {**key, "customer": {"S": "1"}, "n": value}
    actual = next(iter(value))
    message = f"Type mismatch for Index Key n Expected: N Actual: {actual} IndexName: by-customer"

    with pytest.raises(ClientError, match=message):
        indexed_table.put(**item)
    with pytest.raises(ClientError, match=message):
        indexed_table.client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}}]})
    with pytest.raises(ClientError):
        indexed_table.client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": item}}])
    with pytest.raises(ClientError, match=message):
        indexed_table.execute("INSERT INTO %s VALUE {'pk': '1', 'sk': '1', 'customer': '1', 'n': ?}", value)
    indexed_table.put(**key, customer={"S": "1"})

    assert indexed_table.client.scan(TableName=name)["Items"] == [{**key, "customer": {"S": "1"}}]
    assert indexed_table.client.scan(TableName=name, IndexName="by-customer")["Items"] == []


MORE_THAN_ONE = "Supplied AttributeValue has more than one datatypes set"
NONE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
TOO_DEEP = "Nesting Levels have exceeded supported limits"


@contextmanager
def written(table: Table, value: Any) -> Iterator[None]:
    """Have calls say ``value`` wherever they say ``{"S": "written"}``, though no client would write it so."""

    def write(params: dict[str, Any], **_: Any) -> None:
        params["body"] = params["body"].replace(b'{"S": "written"}', json.dumps(value).encode())

    table.client.meta.events.register("before-call.dynamodb", write)
    try:
        yield
    finally:
        table.client.meta.events.unregister("before-call.dynamodb", write)


def nested(levels: int) -> dict[str, Any]:
    """A value of so many levels, of which lists and maps take turns."""
    value: dict[str, Any] = {"S": "x"}
    for level in range(levels - 1):
        value = {"L": [value]} if level % 2 else {"M": {"n": value}}
    return value


def refusals(table: Table, value: dict[str, Any]) -> list[dict[str, str]]:
    """The errors of writes of each kind with an attribute of this value."""
    name, item, update = table.name, {"pk": {"S": "1"}, "a": value}, {"UpdateExpression": "SET a = :a"}
    named = {"TableName": name, "Key": {"pk": {"S": "1"}}, **update, "ExpressionAttributeValues": {":a": value}}
    writes: list[tuple[Any, dict[str, Any]]] = [
        (table.client.put_item, {"TableName": name, "Item": item}),
        (table.client.batch_write_item, {"RequestItems": {name: [{"PutRequest": {"Item": item}}]}}),
        (table.client.transact_write_items, {"TransactItems": [{"Put": {"TableName": name, "Item": item}}]}),
        (table.client.update_item, named),
        (table.client.execute_statement, table.statement("INSERT INTO %s VALUE {'pk': '1', 'a': ?}", value)),
    ]
    errors = []
    for write, params in writes:
        with pytest.raises(ClientError) as refused:
            write(**params)
        errors.append(refused.value.response["Error"])
    return errors


@pytest.mark.needs_repair("value types")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"S": "a", "N": "1"}, MORE_THAN_ONE),
        ({"L": [{"S": "a", "L": []}]}, MORE_THAN_ONE),
        ({}, NONE),
        ({"M": {"in": {"L": [{}]}}}, NONE),
        ({"X": "a"}, NONE),
        ({"S": None}, NONE),
        ({"L": [None]}, NONE),
        (None, NONE),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
    ],
)
def test_fails_when_a_value_has_not_exactly_one_type(table: Table, value: dict[str, Any], message: str) -> None:
    """At any depth, and in any write; a type that there is not is none."""
    with written(table, value):
        errors = refusals(table, {"S": "written"})

    assert {error["Code"] for error in errors} == {"ValidationException"}
    assert [error["Message"] for error in errors if message not in error["Message"]] == []
    assert errors[3]["Message"].startswith("ExpressionAttributeValues contains invalid value: ")
    assert errors[3]["Message"].endswith(" for key :a")
    assert table.get() is None


@pytest.mark.needs_repair("value types")
def test_type_that_there_is_not_is_passed_over(table: Table) -> None:
    """Beside one that there is; so is a type that is null."""
    with written(table, {"S": "a", "X": 1}):
        table.put(pk={"S": "1"}, a={"S": "written"})
    with written(table, {"B": "YQ==", "X": 1, "N": None}):
        table.put(pk={"S": "2"}, a={"S": "written"})

    assert table.get() == {"pk": {"S": "1"}, "a": {"S": "a"}}
    assert table.get("2") == {"pk": {"S": "2"}, "a": {"B": b"a"}}


@pytest.mark.needs_repair("value types")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"N": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"S": ["a"]}, "Unrecognized collection type class java.lang.String"),
        ({"N": {"S": "1"}}, "Start of structure or map found where not expected"),
        ({"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"BOOL": "yes"}, "Unexpected token received from parser"),
        ({"NULL": []}, "Unrecognized collection type class java.lang.Boolean"),
        ({"B": 1}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": ["YQ=="]}, "Unrecognized collection type class java.nio.ByteBuffer"),
        ({"B": "abcde"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": "=+/="}, "Invalid last non-pad Base64 character dectected"),
        ({"SS": "a"}, "Unexpected field type"),
        ({"NS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"BS": [1]}, "only base-64-encoded strings are convertible to bytes"),
        ({"L": {"S": "a"}}, "Start of structure or map found where not expected"),
        ({"L": ["a"]}, "Unexpected value type in payload"),
        ({"L": [["a"]]}, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
        ({"M": "a"}, "Unexpected field type"),
        ({"M": []}, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810."),
        ("a", "Unexpected value type in payload"),
        ({"L": [{"B": "YQ=="}, {"S": 1}]}, "NUMBER_VALUE cannot be converted to String"),
        ({"L": [{"B": "YQ=="}, "a"]}, "Unexpected value type in payload"),
        ({"SS": ["a", None]}, "Unexpected token received from parser"),
        ({"N": "1", "S": 1}, "NUMBER_VALUE cannot be converted to String"),
    ],
)
def test_fails_when_a_value_is_not_of_its_type(table: Table, value: Any, message: str) -> None:
    """What cannot be read is refused before anything is judged, in any write."""
    with written(table, value):
        errors = refusals(table, {"S": "written"})

    assert {error["Code"] for error in errors} == {"SerializationException"}
    assert [error["Message"] for error in errors if not error["Message"].startswith(message)] == []


@pytest.mark.needs_repair("value types")
def test_value_has_up_to_32_levels(table: Table) -> None:
    """The attribute itself is the first; a deeper one is refused by any write, and so is a comparison with it."""
    table.put(pk={"S": "deepest"}, a=nested(32))

    errors = refusals(table, nested(33))
    with pytest.raises(ClientError, match=TOO_DEEP):
        table.client.delete_item(
            TableName=table.name,
            Key={"pk": {"S": "1"}},
            ConditionExpression="a = :a",
            ExpressionAttributeValues={":a": nested(33)},
        )

    assert {error["Code"] for error in errors} == {"ValidationException"}
    assert [error["Message"] for error in errors if TOO_DEEP not in error["Message"]] == []
    assert (table.get("deepest") or {})["a"] == nested(32)
    assert table.get() is None


@pytest.mark.needs_repair("updates")
def test_update_stops_at_32_levels(table: Table) -> None:
    """A value that is set within another counts from the attribute on."""
    table.put(pk={"S": "1"}, a={"M": {}})

    table.update("SET a.n = :n", n=nested(31))
    with pytest.raises(ClientError, match=TOO_DEEP):
        table.update("SET a.n = :n", n=nested(32))

    assert (table.get() or {})["a"] == {"M": {"n": nested(31)}}


@pytest.mark.needs_repair("statements")
def test_statement_stops_at_32_levels(table: Table) -> None:
    """Values that are written out in a statement have as many levels as any."""
    insert = "INSERT INTO %s VALUE {'pk': '1', 'a': "

    with pytest.raises(ClientError, match=TOO_DEEP):
        table.execute(f"{insert}{'[' * 32}1{']' * 32}}}")
    table.execute(f"{insert}{'[' * 31}1{']' * 31}}}")

    assert table.get() is not None
