"""The CustomerOrders table: the read model, one small row per order of a known customer.

Rung: *by design*, a version fence in the row itself, after a *fold* (`effects.fenced_table`). Repeats and stragglers
change nothing, and the rows end at the newest version in whatever order the events came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from effects.clients import DynamoDBClient
from effects.fenced_table import FencedRow, FencedTable, NotWritten, Outcome
from effects.patience import Patience
from orders.judgement import CustomerKind
from orders.money import number_text
from orders.order import Kind, Status
from orders.snapshot import Snapshot

_KEY = ("customer_id", "order_id")
_ATTRIBUTES = ("status", "kind", "total", "item_count", "distinct_products", "country", "placed_at")

_ENTERS = Status.ACCEPTED
"""The status with which an order enters the read model, so the guess is that its row is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of a customer; `next_order_id` is where the next page begins after, None on the last."""

    snapshots: tuple[Snapshot, ...]
    next_order_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOrdersTable:
    """The table under its physical name, spoken to through a DynamoDB client."""

    client: DynamoDBClient
    name: str

    def replicate(self, rows: Sequence[FencedRow], *, patience: Patience) -> list[Outcome | NotWritten]:
        """Bring the table up to the newest of these rows, and answer for each. 1 call for 25 orders, 1 unit an order.

        A unit more for an order that enters with another status than ACCEPTED, or comes back to it (see `_ENTERS`).
        """
        return self._fenced.write_all(rows, patience=patience)

    @property
    def _fenced(self) -> FencedTable:
        return FencedTable(client=self.client, name=self.name, key=_KEY, attributes=_ATTRIBUTES)

    def page(self, customer_id: str, *, limit: int, after_order_id: str | None) -> Page:
        """Read up to `limit` rows of a customer in order of their ids. 1 call, eventually consistent."""
        key = {"customer_id": {"S": customer_id}}
        start = {} if after_order_id is None else {"ExclusiveStartKey": {**key, "order_id": {"S": after_order_id}}}
        answer = self.client.query(
            TableName=self.name,
            KeyConditionExpression="customer_id = :customer_id",
            ExpressionAttributeValues={":customer_id": key["customer_id"]},
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        return Page(
            # A row without a status is a tombstone.
            snapshots=tuple(_snapshot(row) for row in answer["Items"] if "status" in row),
            next_order_id=None if last is None else last["order_id"]["S"],
        )


def row_of(snapshot: Snapshot) -> FencedRow:
    """Write a snapshot as a row: under 1 KB, without lines.

    Raises ValueError for a snapshot without customer or totals: only a judged order of a known customer has a row.
    """
    if snapshot.customer_id is None or snapshot.total is None:
        raise ValueError(f"order {snapshot.order_id} at version {snapshot.version} has no customer or no total")
    return FencedRow(
        key=(snapshot.customer_id, snapshot.order_id),
        fence=snapshot.version,
        attributes={
            "status": {"S": snapshot.status.value},
            "kind": {"S": snapshot.kind.value},
            "total": {"N": number_text(snapshot.total)},
            "item_count": {"N": str(snapshot.item_count)},
            "distinct_products": {"N": str(snapshot.distinct_products)},
            "country": {"S": snapshot.country},
            "placed_at": {"S": snapshot.placed_at},
        },
        is_first=snapshot.status is _ENTERS,
    )


def _snapshot(row: dict[str, Any]) -> Snapshot:
    return Snapshot(
        order_id=row["order_id"]["S"],
        version=int(row["version"]["N"]),
        status=Status(row["status"]["S"]),
        kind=Kind(row["kind"]["S"]),
        customer_id=row["customer_id"]["S"],
        customer_kind=CustomerKind.REGISTERED.value,
        country=row["country"]["S"],
        placed_at=row["placed_at"]["S"],
        total=Decimal(row["total"]["N"]),
        item_count=int(row["item_count"]["N"]),
        distinct_products=int(row["distinct_products"]["N"]),
    )
