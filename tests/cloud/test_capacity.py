"""What DynamoDB charges for, by the examples of its documentation."""

from typing import Any

import pytest

from penstock.cloud.capacity import (
    Charge,
    Consistency,
    Index,
    consumed_capacity,
    index_write_units,
    read_units,
    write_units,
)

KB = 1024
BY_STATUS = Index(
    name="ByStatus", kind="global", key_names=("status",), attributes=frozenset({"id", "status", "total"})
)
BY_DATE = Index(name="ByDate", kind="local", key_names=("id", "date"), attributes=None)


@pytest.mark.parametrize(
    ("size_bytes", "consistency", "units"),
    [
        (3 * KB + 512, "strong", 1),
        (3 * KB + 512, "eventual", 0.5),
        (4 * KB, "transactional", 2),
        (8 * KB, "strong", 2),
        (8 * KB, "eventual", 1),
        (8 * KB, "transactional", 4),
        (10 * KB, "strong", 3),
        (0, "strong", 1),
        (0, "eventual", 0.5),
        (40 * KB + 800, "strong", 11),
    ],
)
def test_read_is_rounded_up_to_four_kilobytes(size_bytes: int, consistency: Consistency, units: float) -> None:
    """The examples of "DynamoDB read and write operations": half for eventual, double for transactional reads."""
    assert read_units(size_bytes, consistency) == units


@pytest.mark.parametrize(
    ("old_bytes", "new_bytes", "transactional", "units"),
    [
        (0, 512, False, 1),
        (0, 1 * KB, False, 1),
        (0, 1 * KB + 1, False, 2),
        (0, 2 * KB, False, 2),
        (0, 2 * KB, True, 4),
        (300 * KB, 310 * KB, False, 310),
        (310 * KB, 300 * KB, False, 310),
        (8 * KB, 0, False, 8),
        (0, 0, False, 1),
        (0, 500, True, 2),
    ],
)
def test_write_is_rounded_up_to_one_kilobyte(old_bytes: int, new_bytes: int, transactional: bool, units: float) -> None:
    """The larger of old and new counts; a missing item costs a unit, a transaction double."""
    assert write_units(old_bytes, new_bytes, transactional=transactional) == units


def item(**values: str) -> dict[str, Any]:
    """An item of texts in DynamoDB JSON."""
    return {name: {"S": value} for name, value in values.items()}


@pytest.mark.parametrize(
    ("old", "new", "units"),
    [
        (None, item(id="1", status="PLACED"), 1),
        (None, item(id="1"), 0),
        (item(id="1"), item(id="1", status="PLACED"), 1),
        (item(id="1", status="PLACED"), item(id="1", status="PACKED"), 2),
        (item(id="1", status="PLACED"), item(id="1", status="PLACED", total="7"), 1),
        (item(id="1", status="PLACED"), item(id="1", status="PLACED", note="x"), 0),
        (item(id="1", status="PLACED"), item(id="1"), 1),
        (item(id="1", status="PLACED"), None, 1),
        (None, item(id="1", status="PLACED", total="x" * 2 * KB), 3),
        (None, item(id="1", status="PLACED", note="x" * 2 * KB), 1),
    ],
)
def test_index_is_charged_for_its_own_entries(old: Any, new: Any, units: float) -> None:
    """The five cases of "Provisioned throughput considerations for global secondary indexes", and their sizes."""
    assert index_write_units(BY_STATUS, old, new) == units


def test_index_of_all_attributes_is_charged_for_every_change() -> None:
    """Where everything is projected, nothing can change without the entry."""
    old, new = item(id="1", date="1"), item(id="1", date="1", note="x")

    assert index_write_units(BY_DATE, old, new) == 1
    assert index_write_units(BY_DATE, old, dict(old)) == 0


CHARGES = [
    Charge(table="Orders", kind="write", units=2.0),
    Charge(table="Orders", kind="write", units=1.0, index=BY_STATUS),
    Charge(table="Customers", kind="write", units=3.0),
    Charge(table="Orders", kind="write", units=1.0, index=BY_DATE),
]


def test_total_tells_one_sum_per_table() -> None:
    """TOTAL has no word about indexes but their units."""
    assert consumed_capacity(CHARGES, detail="TOTAL", transactional=False) == [
        {"TableName": "Orders", "CapacityUnits": 4.0},
        {"TableName": "Customers", "CapacityUnits": 3.0},
    ]


def test_indexes_tell_table_and_indexes_apart() -> None:
    """INDEXES splits the sum, local and global indexes under their names."""
    assert consumed_capacity(CHARGES[:2] + CHARGES[3:], detail="INDEXES", transactional=False) == [
        {
            "TableName": "Orders",
            "CapacityUnits": 4.0,
            "Table": {"CapacityUnits": 2.0},
            "LocalSecondaryIndexes": {"ByDate": {"CapacityUnits": 1.0}},
            "GlobalSecondaryIndexes": {"ByStatus": {"CapacityUnits": 1.0}},
        }
    ]


def test_transaction_tells_which_units_it_took() -> None:
    """Only transactions name read and write units beside their sum."""
    reads = [Charge(table="Orders", kind="read", units=2.0)]

    assert consumed_capacity(CHARGES[:1], detail="TOTAL", transactional=True) == [
        {"TableName": "Orders", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}
    ]
    assert consumed_capacity(reads, detail="INDEXES", transactional=True) == [
        {
            "TableName": "Orders",
            "CapacityUnits": 2.0,
            "ReadCapacityUnits": 2.0,
            "Table": {"CapacityUnits": 2.0, "ReadCapacityUnits": 2.0},
        }
    ]
