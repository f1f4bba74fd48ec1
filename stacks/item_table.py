"""A table of the application, as the stage wants its tables."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.acknowledgement import acknowledge
from stacks.stage_settings import StageSettings
from stacks.suppression import suppress
from stacks.table_settings import Autoscaled, Capacity, OnDemand, Provisioned


class ItemTable(Construct):
    """Defines one DynamoDB table with capacity, recovery and removal of its stage.

    Needs the settings, its capacity and the attributes of the key, which are strings. Guarantees encryption at rest
    (with the key that DynamoDB owns, unless the stage has its own) and, in a stage that retains, protection against
    deletion.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        capacity: Capacity,
        partition_key: str,
        sort_key: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
        time_to_live_attribute: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        on_demand = capacity if isinstance(capacity, OnDemand) else None
        provisioned = capacity if isinstance(capacity, Provisioned) else None
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string(partition_key),
            sort_key=_string(sort_key) if sort_key else None,
            stream=stream,
            time_to_live_attribute=time_to_live_attribute,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST if on_demand else dynamodb.BillingMode.PROVISIONED,
            max_read_request_units=on_demand.max_read_request_units if on_demand else None,
            max_write_request_units=on_demand.max_write_request_units if on_demand else None,
            read_capacity=provisioned.read.min_capacity if provisioned else None,
            write_capacity=provisioned.write.min_capacity if provisioned else None,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=settings.point_in_time_recovery_days is not None,
                recovery_period_in_days=settings.point_in_time_recovery_days,
            ),
            deletion_protection=settings.deletion_protection,
            removal_policy=RemovalPolicy[settings.removal_policy.upper()],
        )
        if settings.point_in_time_recovery_days is None:
            acknowledge(
                self, {"AwsSolutions-DDB3": "A stage to throw away: its orders are not worth the price of recovery."}
            )
        if not settings.deletion_protection:
            suppress(self.table, "PS704", f"{settings.stage} can be destroyed: its orders are not worth protecting.")
        if provisioned:
            _scale(self.table.auto_scale_read_capacity, provisioned.read)
            _scale(self.table.auto_scale_write_capacity, provisioned.write)


def _scale(define: Callable[..., dynamodb.IScalableTableAttribute], units: Autoscaled) -> None:
    scaling = define(min_capacity=units.min_capacity, max_capacity=units.max_capacity)
    scaling.scale_on_utilization(target_utilization_percent=units.target_utilization_percent)


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
