"""What DynamoDB accepts as a value, and how it gives it back."""

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
