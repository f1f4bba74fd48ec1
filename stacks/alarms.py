"""The alarms of a stage, and whom they tell."""

from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.stage_settings import StageSettings

PERIOD = Duration.minutes(5)


class Alarms(Construct):
    """Defines the topic that alarms publish to, when the stage has an alarm address.

    Guarantees that each alarm added says what to do and reaches the address if there is one. No data is no alarm:
    most metrics here are sparse.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.topic: sns.Topic | None = None
        if settings.alarm_address is not None:
            # Not encrypted with the key of SNS: CloudWatch may not use that one and would fail in silence.
            self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_address))
            # A topic with a policy of its own loses the default one, which admits CloudWatch.
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[self.topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
                )
            )

    def add(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        evaluation_periods: int = 1,
    ) -> None:
        """Define an alarm beside what it watches: it goes off when the metric reaches the threshold.

        The description says what to do. With more than one period, the metric must reach it in every one of them.
        """
        if not description:
            raise ValueError(f"alarm {construct_id!r} has no description: say what to do when it goes off")
        alarm = cloudwatch.Alarm(
            scope,
            construct_id,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=evaluation_periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        if self.topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
