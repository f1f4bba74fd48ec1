"""The one mapping between CloudFormation's properties of an event source mapping and the names in snake case.

CloudFormation's ``-1`` becomes ``None``; a property that is absent keeps the default of the configuration class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.template.properties import Properties

Kind = Literal["integer", "flag", "text", "texts", "patterns"]

SPELLING: Final[Mapping[str, tuple[str, Kind]]] = {
    "BatchSize": ("batch_size", "integer"),
    "BisectBatchOnFunctionError": ("bisect_batch_on_function_error", "flag"),
    "DestinationConfig.OnFailure.Destination": ("on_failure_destination", "text"),
    "Enabled": ("enabled", "flag"),
    "FilterCriteria.Filters": ("filters", "patterns"),
    "FunctionResponseTypes": ("function_response_types", "texts"),
    "MaximumBatchingWindowInSeconds": ("maximum_batching_window_in_seconds", "integer"),
    "MaximumRecordAgeInSeconds": ("maximum_record_age_in_seconds", "integer"),
    "MaximumRetryAttempts": ("maximum_retry_attempts", "integer"),
    "MetricsConfig.Metrics": ("metrics", "texts"),
    "ParallelizationFactor": ("parallelization_factor", "integer"),
    "ScalingConfig.MaximumConcurrency": ("maximum_concurrency", "integer"),
    "StartingPosition": ("starting_position", "text"),
    "TumblingWindowInSeconds": ("tumbling_window_in_seconds", "integer"),
}

_QUEUE_PROPERTIES: Final = (
    "BatchSize",
    "Enabled",
    "FilterCriteria.Filters",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MetricsConfig.Metrics",
    "ScalingConfig.MaximumConcurrency",
)
_STREAM_PROPERTIES: Final = tuple(name for name in SPELLING if name != "ScalingConfig.MaximumConcurrency")


def stream_configuration(properties: Properties) -> StreamConfiguration:
    """The configuration of a mapping of a stream.

    `TemplateError` for a property that only queues have, and for a starting position that DynamoDB does not know.
    """
    _refuse_others(properties, _STREAM_PROPERTIES, "a DynamoDB stream")
    position = properties.text("StartingPosition")
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise properties.error(
            "StartingPosition", f"{position} is not supported for a DynamoDB stream", "use TRIM_HORIZON or LATEST"
        )
    return StreamConfiguration(**_spelled(properties, _STREAM_PROPERTIES))


def queue_configuration(
    properties: Properties, *, fifo: bool, visibility_timeout_seconds: int, function_timeout_seconds: int
) -> QueueConfiguration:
    """The configuration of a mapping of a queue; `TemplateError` for a property that only streams have."""
    _refuse_others(properties, _QUEUE_PROPERTIES, "a queue")
    return QueueConfiguration(
        **_spelled(properties, _QUEUE_PROPERTIES),
        fifo=fifo,
        visibility_timeout_seconds=visibility_timeout_seconds,
        function_timeout_seconds=function_timeout_seconds,
    )


def _spelled(properties: Properties, names: tuple[str, ...]) -> dict[str, Any]:
    """Snake case name → value of the properties that are there."""
    spelled: dict[str, Any] = {}
    for property_path in names:
        name, kind = SPELLING[property_path]
        holder, last = _holder(properties, property_path)
        if last in holder:
            spelled[name] = _value(holder, last, kind)
    return spelled


def _value(holder: Properties, name: str, kind: Kind) -> Any:
    match kind:
        case "integer":
            number = holder.integer(name)
            return None if number == -1 else number
        case "flag":
            return holder.flag(name, default=True)
        case "text":
            return holder.text(name)
        case "texts":
            return holder.texts(name)
        case "patterns":
            return tuple(pattern.text("Pattern") for pattern in holder.objects(name))


def _refuse_others(properties: Properties, names: tuple[str, ...], source: str) -> None:
    """Refuse what is set although it belongs to the other kind of source."""
    for property_path in SPELLING:
        holder, last = _holder(properties, property_path)
        if property_path not in names and last in holder:
            raise holder.error(last, f"a mapping of {source} has no {property_path}", "remove it")


def _holder(properties: Properties, property_path: str) -> tuple[Properties, str]:
    """The object that holds a property, and the last part of its path."""
    *objects, last = property_path.split(".")
    for name in objects:
        properties = properties.object(name)
    return properties, last
