"""A Lambda function of this application: how every one of the six is defined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.acknowledgement import UNTRACED, acknowledge
from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms
from stacks.expiring_log_group import ExpiringLogGroup
from stacks.function_code import FunctionCode
from stacks.stage_settings import StageSettings

_RUNTIME = "The newest Python of Lambda is not yet the one to trust; `runtime` in stacks/settings.py moves all to it."


class PythonFunction(Construct):
    """Defines a function under the alias `live`, its log group, its role and its alarms.

    Needs the name of its handler's module in ``lambda_src/handlers/`` and its environment. Guarantees that callers
    and mappings can hold on to the alias whatever version is behind it, and that the role may do nothing but write
    to this function's log group until somebody grants more.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        settings: StageSettings,
        alarms: Alarms,
        environment: Mapping[str, str],
    ) -> None:
        if handler not in settings.functions:
            raise ValueError(
                f"handler {handler!r} has no settings: add it to StageSettings in stacks/stage_settings.py"
            )
        code = FunctionCode(handler, runtime=settings.runtime)
        super().__init__(scope, construct_id)
        self.name, self.settings = handler, settings.functions[handler]
        self.log_group = ExpiringLogGroup(self, "Logs", settings=settings).log_group
        # A role of our own: the one that the CDK defines may write to every log group of the account.
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Resource",
            runtime=lambda_.Runtime(settings.runtime, lambda_.RuntimeFamily.PYTHON, supports_snap_start=True),
            # Cheaper than x86 for the same work; nothing in the asset is compiled for a processor.
            architecture=lambda_.Architecture.ARM_64,
            code=code.asset(),
            handler=f"handlers.{handler}.lambda_handler",
            role=self.role,
            log_group=self.log_group,
            memory_size=self.settings.memory_size_mb,
            timeout=Duration.seconds(self.settings.timeout_seconds),
            reserved_concurrent_executions=self.settings.reserved_concurrent_executions,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if self.settings.snap_start else None,
            # The versions of before stay, for the alias to be pointed back to; they go with the function.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            environment={
                "POWERTOOLS_SERVICE_NAME": handler,
                "POWERTOOLS_METRICS_NAMESPACE": "Penstock",
                "POWERTOOLS_LOG_LEVEL": settings.log_level,
                **environment,
            },
        )
        self.alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=self.settings.provisioned_concurrent_executions,
        )
        acknowledge(
            self,
            {
                "AwsSolutions-L1": _RUNTIME,
                "Serverless-LambdaLatestVersion": _RUNTIME,
                "Serverless-LambdaTracing": UNTRACED,
                "Serverless-LambdaDLQ": "Nothing invokes it asynchronously: what a mapping gives up has a destination "
                "of its own, and the API answers its caller.",
            },
        )
        self._define_alarms(alarms)

    def allow(
        self, actions: list[str], resource_arn: str, conditions: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Let the function call these actions on this one resource, under these conditions."""
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource_arn], conditions=conditions))

    def allow_idempotency(self, table: dynamodb.ITable, *, effect: str) -> None:
        """Let Powertools' persistence layer claim, complete and, after an exception, delete a record of this effect.

        Those of another effect, in another function, it may not touch: their keys begin with another name. It reads
        none: a claim that fails answers with the record that is there already.
        """
        self.allow(
            ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
            table.table_arn,
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{effect}#*"]}},
        )

    def _define_alarms(self, alarms: Alarms) -> None:
        alarms.add(
            self,
            "Errors",
            metric=self.function.metric_errors(period=PERIOD, statistic="Sum"),
            threshold=1,
            lasting=True,
            means="The function keeps failing; what it is given is tried again until its limits, then kept aside.",
            first="look for ERROR in its log group; if a deployment came just before, point the alias `live` back to "
            "the version of before.",
            missing=NOTHING_HAPPENED,
        )
        alarms.add(
            self,
            "Throttles",
            metric=self.function.metric_throttles(period=PERIOD, statistic="Sum"),
            threshold=1,
            lasting=True,
            means="The function keeps being throttled: its source waits, or its callers are refused.",
            first="compare its concurrency with its limit on the dashboard. Raise its reserved concurrency in "
            "stacks/settings.py, or ask for a higher account quota when that one is used up.",
            missing=NOTHING_HAPPENED,
        )
        reserved = self.settings.reserved_concurrent_executions
        if reserved is not None:
            percent = alarms.settings.concurrency_percent
            alarms.add(
                self,
                "Concurrency",
                metric=self.function.metric("ConcurrentExecutions", period=PERIOD, statistic="Maximum"),
                threshold=reserved * percent / 100,
                means=f"The function uses {percent} % of its reserved concurrency; at all of it, it is throttled.",
                first="see on the dashboard whether it is called more or takes longer. Raise its reserved concurrency "
                "in stacks/settings.py for the former, find what it waits for in the latter case.",
                missing=NOTHING_HAPPENED,
            )
