"""What functions and mappings add to the metrics: the namespace ``AWS/Lambda``, and what functions log themselves.

Sources: *Types of metrics for Lambda functions* and *Viewing metrics for Lambda functions* (names, units, dimensions).
Kept by function name, and EventCount metrics by the mapping's UUID; not kept by alias or version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from penstock.cloud.cloudwatch.embedded_metric_format import values_in
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.mapping.effects import RecordMetric
from penstock.mapping.metrics import DELIVERY_FAILURES, ITERATOR_AGE
from penstock.runtime.invocation import Failure, Invocation, Throttled, TooLarge
from penstock.runtime.log import LogLine
from penstock.template.models import EventSourceMapping

NAMESPACE: Final = "AWS/Lambda"

_OF_THE_FUNCTION: Final[Mapping[str, str]] = {DELIVERY_FAILURES: "Count", ITERATOR_AGE: "Milliseconds"}
"""The metrics of a mapping that stand under its function's name, with their units."""


def measure_invocation(metrics: Metrics, invocation: Invocation) -> None:
    """Add an invocation, or the attempt at one."""
    dimensions = {"FunctionName": invocation.function.name}
    match invocation.result:
        case Throttled():
            metrics.add(NAMESPACE, "Throttles", 1, dimensions)
        case TooLarge():
            pass  # refused before it is a request to the function
        case result:
            metrics.add(NAMESPACE, "Invocations", 1, dimensions)
            metrics.add(NAMESPACE, "Errors", int(isinstance(result, Failure)), dimensions)
            metrics.add(NAMESPACE, "Throttles", 0, dimensions)
            metrics.add(NAMESPACE, "ConcurrentExecutions", invocation.concurrent_executions, dimensions)
            duration_ms = round(invocation.duration_ms, 2)
            metrics.add(NAMESPACE, "Duration", duration_ms, dimensions, unit="Milliseconds")


def measure_mapping(metrics: Metrics, mapping: EventSourceMapping, effect: RecordMetric) -> None:
    """Add what a mapping counts."""
    unit = _OF_THE_FUNCTION.get(effect.name)
    if unit is None:
        metrics.add(NAMESPACE, effect.name, effect.value, {"EventSourceMappingUUID": mapping.uuid})
    else:
        function_name = mapping.function_arn.split(":")[6]
        metrics.add(NAMESPACE, effect.name, effect.value, {"FunctionName": function_name}, unit=unit)


def measure_log(metrics: Metrics, line: LogLine) -> None:
    """Add what a function logs in the embedded metric format."""
    for logged in values_in(line.text):
        metrics.add(logged.namespace, logged.name, logged.value, logged.dimensions, unit=logged.unit)
