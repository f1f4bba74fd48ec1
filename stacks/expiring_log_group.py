"""A log group that forgets."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.stage_settings import StageSettings


class ExpiringLogGroup(Construct):
    """Defines a log group with the retention of its stage.

    Needs the settings. Guarantees that no log is kept for ever, and, since the group is a resource of the stack, that
    no custom resource is needed to set the retention.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(self, "Resource", removal_policy=RemovalPolicy[settings.removal_policy.upper()])
        group = self.log_group.node.default_child
        if not isinstance(group, logs.CfnLogGroup):
            raise TypeError("the log group has no L1 to set the retention on")
        # On the L1, which takes the number; the L2 wants an enumeration of words.
        group.retention_in_days = settings.log_retention_days
