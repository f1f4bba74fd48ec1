"""The metrics of an event source mapping."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from stacks.alarms import PERIOD


def event_count(
    mapping: lambda_.IEventSourceMapping, metric_name: str, *, period: Duration = PERIOD, label: str | None = None
) -> cloudwatch.Metric:
    """Name a metric of the group EventCount, which a mapping counts when its `metrics_config` says so.

    It has one dimension, the mapping's UUID (Lambda developer guide, "Event source mapping metrics").
    """
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=metric_name,
        dimensions_map={"EventSourceMappingUUID": mapping.event_source_mapping_id},
        period=period,
        statistic="Sum",
        label=label,
    )
