"""The Orders table and its stream in memory: each write leaves a record, unless nothing changed."""

import random
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]


def condition_failed(operation: str) -> ClientError:
    """What DynamoDB answers when a condition is false."""
    return ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, operation)


class Orders:
    """The table as `OrdersTable` reads and concludes; what fulfilment and strangers do has methods of its own."""

    def __init__(self, chance: random.Random, shards: int) -> None:
        self.items: dict[str, Item] = {}
        self.records: list[list[dict[str, Any]]] = [[] for _ in range(shards)]
        self.meanwhile: Callable[[], None] = lambda: None
        self.require: Callable[[bool, str], None] = lambda *_: None
        # Near a power of ten, where sequence numbers get one digit more.
        self._sequence_number = 10 ** chance.randint(20, 30) - chance.randint(0, 20)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        """Read an order; only a consistent read sees all that was written."""
        assert ConsistentRead
        order_id = Key["order_id"]["S"]
        return {"Item": self.items[order_id]} if order_id in self.items else {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Conclude an order, as `OrdersTable.conclude` asks for it."""
        self.meanwhile()
        assert request["ConditionExpression"] == "#status = :placed AND #version = :read"
        values = {name[1:]: value for name, value in request["ExpressionAttributeValues"].items()}
        placed, read = values.pop("placed"), values.pop("read")
        old = self.items[request["Key"]["order_id"]["S"]]
        if (old["status"], old["version"]) != (placed, read):
            raise condition_failed("UpdateItem")
        self.write(old | values)
        return {}

    def advance(self, order_id: str, from_status: str, to_status: str) -> None:
        """Pack or ship an order that has the status before, as fulfilment does."""
        old = self.items[order_id]
        if old["status"] == {"S": from_status}:
            self.write(old | {"status": {"S": to_status}, "version": {"N": str(int(old["version"]["N"]) + 1)}})

    def write(self, new: Item) -> None:
        """Write an item and its record; versions never go back."""
        order_id = new["order_id"]["S"]
        old = self.items.get(order_id)
        if old == new:
            return
        went_on = old is None or int(old["version"]["N"]) <= int(new["version"]["N"])
        self.require(went_on, "an order went back")
        self.items[order_id] = new
        self._sequence_number += 1
        images = {"NewImage": new} if old is None else {"NewImage": new, "OldImage": old}
        self.records[hash_of(order_id) % len(self.records)].append(
            {
                "eventID": f"e{self._sequence_number}",
                "eventName": "INSERT" if old is None else "MODIFY",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {"order_id": {"S": order_id}},
                    "SequenceNumber": str(self._sequence_number),
                    **images,
                },
            }
        )


def hash_of(order_id: str) -> int:
    """Give an order its shard, the same in every process."""
    return sum(order_id.encode())
