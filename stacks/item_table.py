"""A table of the application, as the stage wants its tables."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.stage_settings import StageSettings


class ItemTable(Construct):
    """Defines one DynamoDB table with capacity, recovery and removal of its stage.

    Needs the settings and the attributes of the key, which are strings. Guarantees encryption at rest (with the key
    that DynamoDB owns: no cost, no key policy to keep) and, in a stage that retains, protection against deletion.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        partition_key: str,
        sort_key: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
        time_to_live_attribute: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        provisioned = settings.capacity_mode == "provisioned"
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string(partition_key),
            sort_key=_string(sort_key) if sort_key else None,
            stream=stream,
            time_to_live_attribute=time_to_live_attribute,
            billing_mode=dynamodb.BillingMode.PROVISIONED if provisioned else dynamodb.BillingMode.PAY_PER_REQUEST,
            read_capacity=settings.min_capacity_units,
            write_capacity=settings.min_capacity_units,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=settings.point_in_time_recovery_days is not None,
                recovery_period_in_days=settings.point_in_time_recovery_days,
            ),
            deletion_protection=settings.deletion_protection,
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
        if provisioned:
            self._scale(settings)

    def _scale(self, settings: StageSettings) -> None:
        minimum, maximum, target = (
            settings.min_capacity_units,
            settings.max_capacity_units,
            settings.target_utilization_percent,
        )
        if minimum is None or maximum is None or target is None:
            raise ValueError("provisioned capacity needs a range and a target: make the settings with StageSettings")
        for scaling in (
            self.table.auto_scale_read_capacity(min_capacity=minimum, max_capacity=maximum),
            self.table.auto_scale_write_capacity(min_capacity=minimum, max_capacity=maximum),
        ):
            scaling.scale_on_utilization(target_utilization_percent=target)


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
