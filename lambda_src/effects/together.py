"""Marker and effect in one transaction: what DynamoDB writes once for each key, although no fence could guard it.

Rung 3 of the ladder, *together*. For a write that does not carry its own identity, such as adding to a counter that
many keys share: overwritten it would be wrong, repeated it would count twice, and the shared item has no room for a
version of each key. A marker named after the key is put in the same transaction, on condition that it is not there: the
effect and the knowledge of it come about together or not at all, so a crash at any point leaves nothing in between.

Conditions: effect and marker are in tables of one account and region; the effects of different keys may come in any
sequence; at most 99 writes, 4 MB together; and the marker is kept for as long as the key can come again.

Cost: 1 call; each write of a transaction, the marker too, is charged twice (source: "Amazon DynamoDB Transactions: how
it works"), so 4 write units for an effect of 1 KB. A repetition costs 1 call and as many units. A fence costs a
quarter, so this rung is for effects that have none; no function of this application has such an effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from effects.clients import DynamoDBClient


class EffectRefused(Exception):
    """A condition of the effect itself does not hold; nothing was written, the marker neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerTable:
    """A table of markers, with text key `id` and time to live on `expiration`, as Powertools idempotency has it."""

    client: DynamoDBClient
    name: str
    kept_seconds: int

    def once(self, key: str, writes: Sequence[Mapping[str, Any]], *, now: int) -> bool:
        """Perform the writes, in TransactWriteItems' form, unless those of this key were; False if so. 1 call.

        `now` is in seconds since the epoch. Raises `EffectRefused`, and what boto3 raises; either may be tried again,
        as boto3 does with a lost answer: a repetition finds the marker.
        """
        marker = {
            "TableName": self.name,
            "Item": {"id": {"S": key}, "expiration": {"N": str(now + self.kept_seconds)}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
        try:
            self.client.transact_write_items(TransactItems=[{"Put": marker}, *writes])
        except ClientError as error:
            marked, *others = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])] or [None]
            if marked == "ConditionalCheckFailed":
                return False
            if "ConditionalCheckFailed" in others:
                raise EffectRefused(f"{key}: {', '.join(map(str, others))}") from error
            raise
        return True
