"""The alarm on what the whole account shares."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms


class AccountAlarms(Construct):
    """Defines the alarm on the concurrency of the account, near which every function is throttled.

    Needs the account's concurrency. It looks at what is claimed, by running or by reserving, by this stage or anybody.
    """

    def __init__(self, scope: Construct, construct_id: str, *, account_concurrency: int, alarms: Alarms) -> None:
        super().__init__(scope, construct_id)
        percent = alarms.settings.concurrency_percent
        alarms.add(
            self,
            "Concurrency",
            # Without a dimension (Lambda developer guide, "Types of metrics", concurrency metrics).
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda", metric_name="ClaimedAccountConcurrency", period=PERIOD, statistic="Maximum"
            ),
            threshold=account_concurrency * percent / 100,
            means=f"Of the account's executions at once, {percent} % are taken or reserved; at all of them, every "
            "function without a reservation is throttled.",
            first="find the function that takes them, of this stage or another, by ConcurrentExecutions of each; "
            "limit it by a reservation, or ask for a higher quota and raise account_concurrency in stacks/settings.py.",
            missing=NOTHING_HAPPENED,
        )
