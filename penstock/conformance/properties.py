"""Configurations of mappings, read from the CloudFormation properties of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from penstock.conformance.parts import (
    CaseNotUnderstood,
    flag_of,
    integer_of,
    list_of,
    mapping_of,
    one_of,
    only_keys,
    text_of,
)
from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration

_COMMON = {
    "BatchSize", "MaximumBatchingWindowInSeconds", "FunctionResponseTypes", "FilterCriteria", "MetricsConfig",
    "Enabled",
}  # fmt: skip
_STREAM = {
    "StartingPosition", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError",
    "ParallelizationFactor", "TumblingWindowInSeconds",
}  # fmt: skip
_DESTINATIONS = {
    "sqs": "arn:aws:sqs:us-east-1:111111111111:on-failure",
    "sns": "arn:aws:sns:us-east-1:111111111111:on-failure",
    "s3": "arn:aws:s3:::on-failure",
}


def stream_configuration(part: Any, destination: Any) -> tuple[StreamConfiguration, bool]:
    """Read a stream mapping and its destination; give also whether the destination refuses everything."""
    properties = mapping_of(part, "mapping")
    only_keys(properties, _COMMON | _STREAM, "mapping")
    target = mapping_of(destination if destination is not None else {}, "destination")
    only_keys(target, {"kind", "denied"}, "destination")
    kind = one_of(target["kind"], _DESTINATIONS, "destination kind") if target else None
    configuration = StreamConfiguration(
        batch_size=integer_of(properties.get("BatchSize", 100), "BatchSize"),
        maximum_batching_window_in_seconds=_seconds(properties),
        starting_position=_position(properties.get("StartingPosition", "TRIM_HORIZON")),
        parallelization_factor=integer_of(properties.get("ParallelizationFactor", 1), "ParallelizationFactor"),
        maximum_retry_attempts=_limit(properties, "MaximumRetryAttempts"),
        maximum_record_age_in_seconds=_limit(properties, "MaximumRecordAgeInSeconds"),
        bisect_batch_on_function_error=flag_of(
            properties.get("BisectBatchOnFunctionError", False), "BisectBatchOnFunctionError"
        ),
        tumbling_window_in_seconds=integer_of(properties.get("TumblingWindowInSeconds", 0), "TumblingWindowInSeconds"),
        function_response_types=_response_types(properties),
        filters=_filters(properties),
        on_failure_destination=None if kind is None else _DESTINATIONS[kind],
        metrics=_metrics(properties),
        enabled=flag_of(properties.get("Enabled", True), "Enabled"),
    )
    return configuration, flag_of(target.get("denied", False), "denied")


def queue_configuration(
    part: Any, *, fifo: bool, visibility_timeout_seconds: int, function_timeout_seconds: int
) -> QueueConfiguration:
    """Read a queue mapping."""
    properties = mapping_of(part, "mapping")
    only_keys(properties, _COMMON | {"ScalingConfig"}, "mapping")
    scaling = mapping_of(properties.get("ScalingConfig", {}), "ScalingConfig")
    only_keys(scaling, {"MaximumConcurrency"}, "ScalingConfig")
    concurrency = scaling.get("MaximumConcurrency")
    return QueueConfiguration(
        batch_size=integer_of(properties.get("BatchSize", 10), "BatchSize"),
        maximum_batching_window_in_seconds=_seconds(properties),
        function_response_types=_response_types(properties),
        filters=_filters(properties),
        maximum_concurrency=None if concurrency is None else integer_of(concurrency, "MaximumConcurrency"),
        metrics=_metrics(properties),
        enabled=flag_of(properties.get("Enabled", True), "Enabled"),
        fifo=fifo,
        visibility_timeout_seconds=visibility_timeout_seconds,
        function_timeout_seconds=function_timeout_seconds,
    )


def _seconds(properties: Mapping[str, Any]) -> int:
    return integer_of(properties.get("MaximumBatchingWindowInSeconds", 0), "MaximumBatchingWindowInSeconds")


def _position(value: Any) -> Literal["TRIM_HORIZON", "LATEST"]:
    return "LATEST" if one_of(value, ("TRIM_HORIZON", "LATEST"), "StartingPosition") == "LATEST" else "TRIM_HORIZON"


def _limit(properties: Mapping[str, Any], name: str) -> int | None:
    value = integer_of(properties.get(name, -1), name)
    return None if value == -1 else value


def _response_types(properties: Mapping[str, Any]) -> tuple[str, ...]:
    given = list_of(properties.get("FunctionResponseTypes", []), "FunctionResponseTypes")
    return tuple(one_of(value, ("ReportBatchItemFailures",), "FunctionResponseTypes") for value in given)


def _metrics(properties: Mapping[str, Any]) -> tuple[str, ...]:
    part = mapping_of(properties.get("MetricsConfig", {}), "MetricsConfig")
    only_keys(part, {"Metrics"}, "MetricsConfig")
    return tuple(one_of(value, ("EventCount",), "Metrics") for value in list_of(part.get("Metrics", []), "Metrics"))


def _filters(properties: Mapping[str, Any]) -> tuple[str, ...]:
    part = mapping_of(properties.get("FilterCriteria", {}), "FilterCriteria")
    only_keys(part, {"Filters"}, "FilterCriteria")
    patterns = []
    for entry in list_of(part.get("Filters", []), "Filters"):
        one = mapping_of(entry, "a filter")
        only_keys(one, {"Pattern"}, "a filter")
        if "Pattern" not in one:
            raise CaseNotUnderstood("a filter has no Pattern")
        patterns.append(text_of(one["Pattern"], "Pattern"))
    return tuple(patterns)
