"""The CustomerOrders table: the read model, one small row per order of a known customer.

Rung: *by design*, a version fence in the row itself. A row is written when it is new or older than the snapshot in
hand, so repeats and stragglers change nothing, and the rows end at the newest version in whatever order the events
came.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from effects.clients import DynamoDBClient
from orders.judgement import CustomerKind
from orders.money import number_text
from orders.order import Kind, Status
from orders.snapshot import Snapshot


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

    def replicate(self, snapshot: Snapshot) -> bool:
        """Bring one row up to a snapshot; False when it is there already or newer. 1 call, 1 write unit under 1 KB.

        Raises ValueError for a snapshot without customer or totals: only a judged order of a known customer has a row.
        """
        if snapshot.customer_id is None or snapshot.total is None:
            raise ValueError(f"order {snapshot.order_id} at version {snapshot.version} has no customer or no total")
        attributes = {
            "version": {"N": str(snapshot.version)},
            "status": {"S": snapshot.status.value},
            "kind": {"S": snapshot.kind.value},
            "total": {"N": number_text(snapshot.total)},
            "item_count": {"N": str(snapshot.item_count)},
            "distinct_products": {"N": str(snapshot.distinct_products)},
            "country": {"S": snapshot.country},
            "placed_at": {"S": snapshot.placed_at},
        }
        try:
            self.client.update_item(
                TableName=self.name,
                Key={"customer_id": {"S": snapshot.customer_id}, "order_id": {"S": snapshot.order_id}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression="attribute_not_exists(order_id) OR #version < :version",
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

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
            snapshots=tuple(_snapshot(row) for row in answer["Items"]),
            next_order_id=None if last is None else last["order_id"]["S"],
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
