"""A queue where something ends that an operator must look at."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms
from stacks.stage_settings import StageSettings

_SECONDS_PER_DAY = 86_400


class DeadLetterQueue(Construct):
    """Defines an encrypted queue without a consumer, and the alarms on its depth and age.

    Needs in words what it means that something is in it, and the first thing to do, which both alarms say. Guarantees
    that nothing here expires unnoticed.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, alarms: Alarms, means: str, first: str
    ) -> None:
        super().__init__(scope, construct_id)
        days = settings.dead_letter_retention_days
        percent = settings.monitoring.dead_letter_age_percent
        self.queue = sqs.Queue(
            self,
            "Resource",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(days),
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
        last = "Messages end here, and nothing receives from it: a redrive policy would never come into force."
        acknowledge(self, {"AwsSolutions-SQS3": last, "Serverless-SQSRedrivePolicy": last})
        alarms.add(
            self,
            "Depth",
            metric=self.queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
            threshold=1,
            means=means,
            first=first,
            missing=NOTHING_HAPPENED,
        )
        alarms.add(
            self,
            "Age",
            metric=self.queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum"),
            threshold=days * _SECONDS_PER_DAY * percent / 100,
            means=f"Nobody has taken the oldest message here for {percent} % of its {days} days, at whose end it is "
            f"gone. {means}",
            first=first,
            missing=NOTHING_HAPPENED,
        )
