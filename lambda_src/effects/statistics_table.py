"""The Statistics table: one row per window, shard and first record of the window.

Rung: *by design* after a *fold*. The row is overwritten as a whole under a name that a repeated final call has as well,
so a window counts once; and it is one write for all records of the window.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from effects.clients import DynamoDBClient
from orders.money import number_text
from orders.statistics import WindowStatistics
from orders.tally import Figures, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsTable:
    """The table under its physical name, spoken to through a DynamoDB client."""

    client: DynamoDBClient
    name: str

    def write(self, statistics: WindowStatistics) -> None:
        """Put one row over whatever stands under its name. 1 call, 1 write unit."""
        tally = statistics.tally
        self.client.put_item(
            TableName=self.name,
            Item={
                "day": {"S": statistics.day},
                "window": {"S": statistics.window},
                "window_start": {"S": statistics.window_start},
                "window_end": {"S": statistics.window_end},
                "shard_id": {"S": statistics.shard_id},
                "first_sequence_number": {"S": str(tally.first_sequence_number)},
                "order_count": {"N": str(tally.orders.count)},
                "order_items": {"N": str(tally.orders.items)},
                "order_value": {"N": number_text(tally.orders.value)},
                "return_count": {"N": str(tally.returns.count)},
                "return_items": {"N": str(tally.returns.items)},
                "return_value": {"N": number_text(tally.returns.value)},
                "bad_records": {"N": str(tally.bad_records)},
            },
        )

    def day(self, day: str) -> list[WindowStatistics]:
        """Read every row of a day (`YYYY-MM-DD`), in order of time. 1 call for each MB, eventually consistent."""
        rows: list[WindowStatistics] = []
        start: dict[str, Any] = {}
        while True:
            answer = self.client.query(
                TableName=self.name,
                KeyConditionExpression="#day = :day",
                ExpressionAttributeNames={"#day": "day"},
                ExpressionAttributeValues={":day": {"S": day}},
                **start,
            )
            rows += [_statistics(row) for row in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return rows
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _statistics(row: dict[str, Any]) -> WindowStatistics:
    return WindowStatistics(
        window_start=row["window_start"]["S"],
        window_end=row["window_end"]["S"],
        shard_id=row["shard_id"]["S"],
        tally=Tally(
            orders=_figures(row, "order"),
            returns=_figures(row, "return"),
            bad_records=int(row["bad_records"]["N"]),
            first_sequence_number=row["first_sequence_number"]["S"],
        ),
    )


def _figures(row: dict[str, Any], kind: str) -> Figures:
    return Figures(
        count=int(row[f"{kind}_count"]["N"]),
        items=int(row[f"{kind}_items"]["N"]),
        value=Decimal(row[f"{kind}_value"]["N"]),
    )
