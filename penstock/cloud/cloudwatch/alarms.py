"""The template's alarms, judged on the metrics of a run: which would have gone off, and when first.

An alarm on a metric, or on metric math (`penstock.cloud.cloudwatch.metric_math`), is judged period by period, as
CloudWatch does it: so many of the last periods breach. What is judged here is whole periods from the start of the run
to its end; nobody is told. A composite alarm goes off with the first of its alarms when its rule is
``ALARM(…) OR ALARM(…)``.
Source: *Using Amazon CloudWatch alarms* (evaluating an alarm, missing data) and *Combining alarms*. Not judged, and
listed so: other rules and expressions, anomaly detection. Our choice: where missing data is ``ignore`` or ``missing``,
a period without data breaches nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from penstock.cloud.cloudwatch.metric_math import value_of
from penstock.cloud.cloudwatch.metrics import Metric, Metrics, statistic_of
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

    ``value`` is the metric's in the period that raised it, which began at ``at_ms``; of a composite alarm all three are
    those of the alarm that raised it. ``label`` is what people call the alarm, ``description`` what it says of itself.
    """

    logical_id: str
    label: str
    in_alarm: bool | None
    metric: str = ""
    value: float | None = None
    at_ms: int | None = None
    description: str = ""


def judge(resources: Iterable[Resource], metrics: Metrics, *, from_ms: int, to_ms: int) -> list[AlarmVerdict]:
    """The verdict on every alarm among the resources, in their order."""
    alarms = [resource for resource in resources if resource.type in (_SINGLE, _COMPOSITE)]
    single = {alarm.logical_id: _judge(alarm, metrics, from_ms, to_ms) for alarm in alarms if alarm.type == _SINGLE}
    by_name = {
        name: single[alarm.logical_id]
        for alarm in alarms
        if alarm.type == _SINGLE
        for name in (alarm.arn, alarm.physical_id)
        if name is not None
    }
    return [single.get(alarm.logical_id) or _judge_composite(alarm, by_name) for alarm in alarms]


_SINGLE: Final = "AWS::CloudWatch::Alarm"
_COMPOSITE: Final = "AWS::CloudWatch::CompositeAlarm"
_IN_ALARM: Final = re.compile(r"""ALARM\(\s*["']?([^"')]+?)["']?\s*\)""")
_ANY_OF: Final = re.compile(r"[(\s]*A(?:[)\s]*\sOR\s[(\s]*A)*[)\s]*")


def _judge_composite(alarm: Resource, by_name: Mapping[str, AlarmVerdict]) -> AlarmVerdict:
    """``by_name`` holds the single alarms under their names and ARNs."""
    rule = str(alarm.properties["AlarmRule"])
    names = _IN_ALARM.findall(rule)
    children = [by_name[name] for name in names if name in by_name]
    if not _ANY_OF.fullmatch(_IN_ALARM.sub("A", rule)) or len(children) < len(names):
        return AlarmVerdict(logical_id=alarm.logical_id, label=alarm.label, in_alarm=None)
    raised = [child for child in children if child.in_alarm]
    undecided = any(child.in_alarm is None for child in children)
    first = min(raised, key=lambda child: child.at_ms or 0, default=None)
    if first is None:
        return AlarmVerdict(logical_id=alarm.logical_id, label=alarm.label, in_alarm=None if undecided else False)
    description = alarm.properties.get("AlarmDescription", "")
    return replace(first, logical_id=alarm.logical_id, label=alarm.label, description=description)


def _judge(alarm: Resource, metrics: Metrics, from_ms: int, to_ms: int) -> AlarmVerdict:
    properties = alarm.properties
    compare = _COMPARISONS.get(properties.get("ComparisonOperator", ""))
    watched = _watched(properties)
    if watched is None or "Threshold" not in properties or compare is None:
        return AlarmVerdict(logical_id=alarm.logical_id, label=alarm.label, in_alarm=None)
    threshold = float(properties["Threshold"])
    periods = int(properties["EvaluationPeriods"])
    needed = int(properties.get("DatapointsToAlarm", periods))
    breaching_without_data = properties.get("TreatMissingData") == "breaching"
    window: list[bool] = []
    for at_ms in range(from_ms - from_ms % watched.period_ms, to_ms + 1, watched.period_ms):
        try:
            value = watched.value(metrics, at_ms)
        except ValueError:
            return AlarmVerdict(logical_id=alarm.logical_id, label=alarm.label, in_alarm=None)
        window.append(breaching_without_data if value is None else compare(value, threshold))
        del window[:-periods]
        if sum(window) >= needed:
            return _verdict(alarm, watched, True, value=value, at_ms=at_ms)
    return _verdict(alarm, watched, False)


def _verdict(
    alarm: Resource, watched: _Watched, in_alarm: bool, *, value: float | None = None, at_ms: int | None = None
) -> AlarmVerdict:
    return AlarmVerdict(
        logical_id=alarm.logical_id,
        label=alarm.label,
        in_alarm=in_alarm,
        metric=watched.title,
        value=value,
        at_ms=at_ms,
        description=alarm.properties.get("AlarmDescription", ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statistic:
    """A statistic of one metric."""

    metric: Metric
    statistic: str

    def value(self, metrics: Metrics, from_ms: int, to_ms: int) -> float | None:
        return statistic_of(self.statistic, metrics.values(self.metric, from_ms, to_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """What an alarm looks at: an expression over statistics, by their names, in periods of one length."""

    title: str
    expression: str
    statistics: Mapping[str, _Statistic]
    period_ms: int

    def value(self, metrics: Metrics, at_ms: int) -> float | None:
        """In the period that begins then; raises `ValueError` where the expression is not known."""
        to_ms = at_ms + self.period_ms
        values = {name: each.value(metrics, at_ms, to_ms) for name, each in self.statistics.items()}
        return value_of(self.expression, values)


def _watched(properties: Mapping[str, Any]) -> _Watched | None:
    """What the properties of an alarm look at, or ``None`` for more than a metric and an expression over metrics."""
    if "MetricName" in properties:
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        return _Watched(
            title=f"{properties['Namespace']} {properties['MetricName']}",
            expression="m",
            statistics={"m": _Statistic(metric=_metric(properties), statistic=statistic)},
            period_ms=int(properties["Period"]) * 1000,
        )
    queries = properties.get("Metrics", ())
    stats = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
    expressions = [query["Expression"] for query in queries if "Expression" in query]
    periods = {int(stat["Period"]) for stat in stats.values()}
    if len(expressions) != 1 or len(periods) != 1:
        return None
    return _Watched(
        title=str(expressions[0]),
        expression=str(expressions[0]),
        statistics={
            name: _Statistic(metric=_metric(stat["Metric"]), statistic=stat["Stat"]) for name, stat in stats.items()
        },
        period_ms=periods.pop() * 1000,
    )


def _metric(properties: Mapping[str, Any]) -> Metric:
    dimensions = {each["Name"]: each["Value"] for each in properties.get("Dimensions", ())}
    return Metric(
        namespace=properties["Namespace"],
        name=properties["MetricName"],
        dimensions=tuple(sorted(dimensions.items())),
    )
