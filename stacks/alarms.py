"""The alarms of a stage, and whom they tell."""

from __future__ import annotations

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.monitoring_settings import PERIOD_MINUTES
from stacks.stage_settings import StageSettings

PERIOD = Duration.minutes(PERIOD_MINUTES)

# What an alarm makes of a period without data. A metric that counts is silent when there is nothing to count;
NOTHING_HAPPENED = cloudwatch.TreatMissingData.NOT_BREACHING
# one that measures how far something lags is silent, too, when nothing moves any more, which is no recovery.
NOTHING_CHANGED = cloudwatch.TreatMissingData.IGNORE


class Alarms(Construct):
    """Defines the topic of the stage's alarms, and one composite alarm for each part of the stack that has alarms.

    Guarantees that each alarm says what it means and what to do first, and that the topic hears of a part once, not
    of each of its alarms: trouble comes in swarms. The alarm address is subscribed if there is one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.settings = settings.monitoring
        self.parts: dict[str, list[cloudwatch.Alarm]] = {}
        self.composites: list[cloudwatch.CompositeAlarm] = []
        # Not encrypted with the key of SNS: CloudWatch may not use that one and would fail in silence.
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        if self.settings.alarm_address is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(self.settings.alarm_address))
            reason = "A mail that is refused is seen by nobody in a queue either; the alarm's state tells the same."
            acknowledge(self.topic, {"Serverless-SNSRedrivePolicy": reason})
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
        means: str,
        first: str,
        missing: cloudwatch.TreatMissingData,
        lasting: bool = False,
    ) -> None:
        """Define an alarm beside what it watches: it goes off when the metric reaches the threshold.

        ``means`` and ``first`` are sentences: what the alarm means, and the first thing to do. A lasting one goes off
        when the threshold is reached in every period of the stage's `failing_minutes`.
        """
        if not (means and first):
            raise ValueError(f"alarm {construct_id!r} does not say what it means and the first thing to do: say both")
        alarm = cloudwatch.Alarm(
            scope,
            construct_id,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=self.settings.failing_periods if lasting else 1,
            treat_missing_data=missing,
            alarm_description=f"{means} First: {first}",
        )
        within = alarm.node.path.removeprefix(f"{Stack.of(scope).node.path}/")
        self.parts.setdefault(within.partition("/")[0], []).append(alarm)

    def combine(self) -> None:
        """Define the composite alarms; to be called when every alarm is added."""
        for part, alarms in self.parts.items():
            composite = cloudwatch.CompositeAlarm(
                self,
                part,
                alarm_rule=cloudwatch.AlarmRule.any_of(*alarms),
                alarm_description=f"One or more alarms of {part} went off. First: see at the top of the dashboard "
                "which of them are in ALARM, and do what their descriptions say.",
            )
            composite.add_alarm_action(actions.SnsAction(self.topic))
            self.composites.append(composite)
