"""The template's alarms, judged on the metrics of a run: which would have gone off, and when first.

An alarm on one metric is judged period by period, as CloudWatch does it: so many of the last periods breach. What is
judged here is whole periods from the start of the run to its end; nobody is told. Source: *Using Amazon CloudWatch
alarms* (evaluating an alarm, missing data). Not judged, and listed so: metric math, composite alarms, anomaly
detection. Our choice: where missing data is ``ignore`` or ``missing``, a period without data breaches nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.cloud.metrics import Metric, Metrics, statistic_of
from penstock.template.models import Resource

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmVerdict:
    """An alarm and whether it was in ALARM at some time; ``None`` for one that is not judged here.

    ``value`` is the metric's in the period that raised it, which began at ``at_ms``. ``description`` is the alarm's.
    """

    logical_id: str
    in_alarm: bool | None
    metric: str = ""
    value: float | None = None
    at_ms: int | None = None
    description: str = ""


def judge(resources: Iterable[Resource], metrics: Metrics, *, from_ms: int, to_ms: int) -> list[AlarmVerdict]:
    """The verdict on every alarm among the resources, in their order."""
    alarms = [resource for resource in resources if resource.type in _ALARM_TYPES]
    return [_judge(alarm, metrics, from_ms, to_ms) for alarm in alarms]


_ALARM_TYPES: Final = frozenset({"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"})


def _judge(alarm: Resource, metrics: Metrics, from_ms: int, to_ms: int) -> AlarmVerdict:
    properties = alarm.properties
    compare = _COMPARISONS.get(properties.get("ComparisonOperator", ""))
    if "MetricName" not in properties or "Threshold" not in properties or compare is None:
        return AlarmVerdict(logical_id=alarm.logical_id, in_alarm=None)
    threshold = float(properties["Threshold"])
    periods = int(properties["EvaluationPeriods"])
    needed = int(properties.get("DatapointsToAlarm", periods))
    breaching_without_data = properties.get("TreatMissingData") == "breaching"
    window: list[bool] = []
    for at_ms, value in _datapoints(properties, metrics, from_ms, to_ms):
        window.append(breaching_without_data if value is None else compare(value, threshold))
        del window[:-periods]
        if sum(window) >= needed:
            return _verdict(alarm, True, value=value, at_ms=at_ms)
    return _verdict(alarm, False)


def _verdict(alarm: Resource, in_alarm: bool, *, value: float | None = None, at_ms: int | None = None) -> AlarmVerdict:
    return AlarmVerdict(
        logical_id=alarm.logical_id,
        in_alarm=in_alarm,
        metric=f"{alarm.properties['Namespace']} {alarm.properties['MetricName']}",
        value=value,
        at_ms=at_ms,
        description=alarm.properties.get("AlarmDescription", ""),
    )


def _datapoints(
    properties: Mapping[str, Any], metrics: Metrics, from_ms: int, to_ms: int
) -> Iterator[tuple[int, float | None]]:
    """(start of a period, the statistic in it) for every period that the run touches."""
    dimensions = {each["Name"]: each["Value"] for each in properties.get("Dimensions", ())}
    metric = Metric(
        namespace=properties["Namespace"],
        name=properties["MetricName"],
        dimensions=tuple(sorted(dimensions.items())),
    )
    statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
    period_ms = int(properties["Period"]) * 1000
    for at_ms in range(from_ms - from_ms % period_ms, to_ms + 1, period_ms):
        yield at_ms, statistic_of(statistic, metrics.values(metric, at_ms, at_ms + period_ms))
