"""The alarms on tables that are throttled."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms


class TableAlarms(Construct):
    """Defines the alarms on throttled reads and writes of each table.

    Needs the tables under their construct ids. A table on demand is throttled for moments when its load doubles, one
    that scales for minutes; retries wait both out, so only what lasts counts.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, tables: Mapping[str, dynamodb.ITable], alarms: Alarms
    ) -> None:
        super().__init__(scope, construct_id)
        for name, table in tables.items():
            place = Construct(self, name)
            for kind in ("Read", "Write"):
                alarms.add(
                    place,
                    f"{kind}Throttles",
                    metric=cloudwatch.Metric(
                        namespace="AWS/DynamoDB",
                        metric_name=f"{kind}ThrottleEvents",
                        dimensions_map={"TableName": table.table_name},
                        period=PERIOD,
                        statistic="Sum",
                    ),
                    threshold=1,
                    lasting=True,
                    means=f"{kind}s of the table keep being throttled: whoever needs them waits or fails.",
                    first=f"compare its consumed {kind.lower()} units with its limit. Raise the limit in "
                    "stacks/settings.py, or, if they are far below it, look for one key that takes them all.",
                    missing=NOTHING_HAPPENED,
                )
