"""The Orders table: orders are placed once, read consistently, and concluded once.

Rung: *by design*. Placing is conditional on the key, concluding on status and version, so each takes effect once
however often it is tried, and a try that comes too late changes nothing.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from effects.clients import DynamoDBClient
from effects.order_item import stored_order
from orders.judgement import Judgement
from orders.money import number_text
from orders.order import Status
from orders.stored_order import StoredOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersTable:
    """The table under its physical name, spoken to through a DynamoDB client."""

    client: DynamoDBClient
    name: str

    def place(self, item: dict[str, dict[str, Any]]) -> str:
        """Put an order unless its id is taken, and give the content hash that the id now stands for.

        It is the order's own when it was placed now or before, another's when the id is taken. So an answer that was
        lost and a try that was repeated by boto3 do not look like a conflict. 1 call, and no second one to find out
        what is there.
        """
        try:
            self.client.put_item(
                TableName=self.name,
                Item=item,
                ConditionExpression="attribute_not_exists(order_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if _condition_failed(error):
                item = error.response["Item"]
            else:
                raise
        return str(item["content_hash"]["S"])

    def read(self, order_id: str) -> StoredOrder | None:
        """Read an order consistently; None when there is none. 1 call."""
        answer = self.client.get_item(TableName=self.name, Key={"order_id": {"S": order_id}}, ConsistentRead=True)
        return stored_order(answer["Item"]) if "Item" in answer else None

    def conclude(self, placed: StoredOrder, judgement: Judgement, *, payment_id: str | None) -> bool:
        """Write what became of a PLACED order, one version on; False when it has left that version. 1 call."""
        attributes: dict[str, dict[str, str]] = {
            "status": {"S": judgement.status.value},
            "version": {"N": str(placed.snapshot.version + 1)},
            "total": {"N": number_text(judgement.total)},
            "item_count": {"N": str(judgement.item_count)},
            "distinct_products": {"N": str(judgement.distinct_products)},
            "customer_kind": {"S": judgement.customer_kind.value},
        }
        if judgement.reason is not None:
            attributes["reason"] = {"S": judgement.reason.value}
        if payment_id is not None:
            attributes["payment_id"] = {"S": payment_id}
        fence = {":placed": {"S": Status.PLACED.value}, ":read": {"N": str(placed.snapshot.version)}}
        try:
            self.client.update_item(
                TableName=self.name,
                Key={"order_id": {"S": placed.order.order_id}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression="#status = :placed AND #version = :read",
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()} | fence,
            )
        except ClientError as error:
            if _condition_failed(error):
                return False
            raise
        return True


def _condition_failed(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")
