"""What DynamoDB charges for: read and write units by item sizes, and how an answer tells them.

Pure rules; sizes are bytes by the service's own rule (`item_bytes`). A unit is what on-demand tables call a request
unit and provisioned ones a capacity unit.

Sources: *DynamoDB read and write operations* (capacity unit consumption), *Provisioned throughput considerations* of
global and local secondary indexes, *Capacity management for transactions*. Observed on AWS by others (paritysuite.org,
run of 2026-07-01): a ConditionCheck costs like a write, a repeated client request token like a transactional read, and
only transactions split their units into read and write. Our choice, where the documents are silent: a cancelled
transaction costs what its items would have cost, and an index entry costs the same within a transaction as without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from penstock.cloud.streams import item_bytes

WRITE_UNIT_BYTES: Final = 1024
READ_UNIT_BYTES: Final = 4096

Consistency = Literal["eventual", "strong", "transactional"]

_READ_FACTORS: Final[Mapping[Consistency, float]] = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}
_TRANSACTIONAL_WRITE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A secondary index; ``attributes`` are the names that its entries hold, keys included, or ``None`` for all."""

    name: str
    kind: Literal["global", "local"]
    key_names: tuple[str, ...]
    attributes: frozenset[str] | None

    def entry_of(self, item: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """What the index holds of an item in DynamoDB JSON, or ``None`` where the item lacks a key of it."""
        if item is None or any(name not in item for name in self.key_names):
            return None
        return item if self.attributes is None else {name: item[name] for name in item if name in self.attributes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Units that a call took from a table, or from an index of it."""

    table: str
    kind: Literal["read", "write"]
    units: float
    index: Index | None = None


def read_units(size_bytes: int, consistency: Consistency = "eventual") -> float:
    """Units for a read of this size; what is not there costs as much as what is small.

    The size is one item's for reads by key (BatchGetItem: each item by itself) and the sum of all items that were
    looked at, before any filter, for a Query or Scan. Projections and counts make nothing cheaper.
    """
    return max(1, _rounded_up(size_bytes, READ_UNIT_BYTES)) * _READ_FACTORS[consistency]


def write_units(old_bytes: int, new_bytes: int, *, transactional: bool = False) -> float:
    """Units for a put, update or delete of an item: by the larger of what was and what comes, 0 for what is not.

    A write whose condition fails costs the same, and so does a ConditionCheck, which changes nothing.
    """
    units = max(1, _rounded_up(max(old_bytes, new_bytes), WRITE_UNIT_BYTES))
    return units * (_TRANSACTIONAL_WRITE if transactional else 1.0)


def index_write_units(index: Index, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> float:
    """Units that an index takes for a change of an item of its table, both in DynamoDB JSON.

    An entry that comes, goes or changes is one write; one whose key changes is taken out and put in, which are two;
    one that stays as it is costs nothing.
    """
    before, after = index.entry_of(old), index.entry_of(new)
    if before == after:
        return 0.0
    moved = before is not None and after is not None and any(before[name] != after[name] for name in index.key_names)
    old_bytes = item_bytes(before) if before is not None else 0
    new_bytes = item_bytes(after) if after is not None else 0
    if moved:
        return write_units(old_bytes, 0) + write_units(0, new_bytes)
    return write_units(old_bytes, new_bytes)


def consumed_capacity(
    charges: Sequence[Charge], *, detail: Literal["TOTAL", "INDEXES"], transactional: bool
) -> list[dict[str, Any]]:
    """What ``ReturnConsumedCapacity`` answers: one object per table, in the order of the charges."""
    tables = dict.fromkeys(charge.table for charge in charges)
    return [_of_table(name, [c for c in charges if c.table == name], detail, transactional) for name in tables]


def _of_table(name: str, charges: Sequence[Charge], detail: str, transactional: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"TableName": name, **_units(charges, transactional)}
    if detail == "INDEXES":
        answer["Table"] = _units([charge for charge in charges if charge.index is None], transactional)
        for kind, member in (("local", "LocalSecondaryIndexes"), ("global", "GlobalSecondaryIndexes")):
            indexes = dict.fromkeys(c.index for c in charges if c.index is not None and c.index.kind == kind)
            if indexes:
                answer[member] = {
                    index.name: _units([charge for charge in charges if charge.index == index], transactional)
                    for index in indexes
                    if index is not None
                }
    return answer


def _units(charges: Iterable[Charge], transactional: bool) -> dict[str, float]:
    units = {"read": 0.0, "write": 0.0}
    for charge in charges:
        units[charge.kind] += charge.units
    split = {"ReadCapacityUnits": units["read"], "WriteCapacityUnits": units["write"]}
    told = {name: value for name, value in split.items() if value} if transactional else {}
    return {"CapacityUnits": units["read"] + units["write"], **told}


def _rounded_up(size_bytes: int, unit_bytes: int) -> int:
    return -(-size_bytes // unit_bytes)
