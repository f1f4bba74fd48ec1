"""Metrics as CloudWatch keeps them: values under a namespace, a name and dimensions, on the application's clock.

A metric is one exact set of dimensions, as in CloudWatch: ``Errors`` of a function and ``Errors`` of all functions are
two. Values are kept minute by minute with how often each occurred, so every statistic and percentile of the run can be
asked for; nothing is forgotten. Source: *Metrics concepts* and *Statistics definitions* of CloudWatch. Our choice:
percentiles are exact, by nearest rank.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.template.models import Template

MINUTE_MS: Final = 60_000

Dimensions = tuple[tuple[str, str], ...]
"""(name, value) pairs in the order of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What identifies a metric."""

    namespace: str
    name: str
    dimensions: Dimensions


class Metrics:
    """The metrics of one running application; they may be asked for in any thread.

    ``names`` lets a question use the names that people use: dimension → (logical id or label → its value in AWS).
    """

    def __init__(self, *, now_ms: Callable[[], int], names: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._now_ms = now_ms
        self._names = names or {}
        self._minutes: dict[Metric, dict[int, Counter[float]]] = {}
        self._units: dict[Metric, str] = {}

    def add(
        self,
        namespace: str,
        name: str,
        value: float,
        dimensions: Mapping[str, str],
        *,
        unit: str = "Count",
        times: int = 1,
    ) -> None:
        """Keep a value of a metric, now, as often as it occurred."""
        metric = Metric(namespace=namespace, name=name, dimensions=tuple(sorted(dimensions.items())))
        minutes = self._minutes.get(metric)
        if minutes is None:
            minutes = self._minutes[metric] = {}
            self._units[metric] = unit
        minute = self._now_ms() // MINUTE_MS
        values = minutes.get(minute)
        if values is None:
            values = minutes[minute] = Counter()
        values[value] += times

    # --- questions ---

    def list(self, namespace: str = "") -> tuple[Metric, ...]:
        """All metrics, or those of a namespace, in the order of their first values."""
        return tuple(metric for metric in tuple(self._minutes) if namespace in ("", metric.namespace))

    def unit(self, metric: Metric) -> str:
        """The unit of a metric, in CloudWatch's words (``Count``, ``Milliseconds``)."""
        return self._units[metric]

    def sum(self, namespace: str, name: str, **dimensions: str) -> float:
        """The sum of all values of the run; 0 where there are none."""
        return self.statistic("Sum", namespace, name, **dimensions) or 0.0

    def statistic(self, statistic: str, namespace: str, name: str, **dimensions: str) -> float | None:
        """A statistic over the run: ``Sum``, ``SampleCount``, ``Average``, ``Minimum``, ``Maximum`` or ``p99.9``.

        ``None`` where there are no values; raises `ValueError` for another statistic.
        """
        metric = self._metric(namespace, name, dimensions)
        return statistic_of(statistic, self.values(metric, 0, math.inf))

    def values(self, metric: Metric, from_ms: float, to_ms: float) -> Counter[float]:
        """Value → how often, in the minutes that begin in [``from_ms``, ``to_ms``)."""
        values: Counter[float] = Counter()
        for minute, counted in tuple(self._minutes.get(metric, {}).items()):
            if from_ms <= minute * MINUTE_MS < to_ms:
                values.update(counted.copy())
        return values

    def _metric(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        return Metric(namespace=namespace, name=name, dimensions=tuple(sorted(self._resolved(dimensions))))

    def _resolved(self, dimensions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in dimensions.items():
            yield name, self._names.get(name, {}).get(value, value)


def names_in(template: Template) -> dict[str, dict[str, str]]:
    """Dimension → (name that people use → its value in AWS): logical ids, and the labels of functions."""
    by_logical_id = {
        "ApiId": {api.logical_id: api.id for api in template.apis},
        "EventBusName": {bus.logical_id: bus.name for bus in template.buses},
        "EventSourceMappingUUID": {mapping.logical_id: mapping.uuid for mapping in template.mappings},
        "FunctionName": {function.logical_id: function.name for function in template.functions},
        "QueueName": {queue.logical_id: queue.name for queue in template.queues},
        "RuleName": {rule.logical_id: rule.name for rule in template.rules},
        "StateMachineArn": {machine.logical_id: machine.arn for machine in template.state_machines},
        "TableName": {table.logical_id: table.name for table in template.tables},
    }
    by_logical_id["FunctionName"] |= {function.label: function.name for function in template.functions}
    return by_logical_id


def statistic_of(statistic: str, values: Mapping[float, int]) -> float | None:
    """A statistic of counted values, or ``None`` without any; raises `ValueError` for one that is not known."""
    count = sum(values.values())
    percentile = re.fullmatch(r"p(\d{1,2}(?:\.\d{1,10})?|100)", statistic)
    if not percentile and statistic not in ("Sum", "SampleCount", "Average", "Minimum", "Maximum"):
        raise ValueError(
            f"unknown statistic {statistic}; use Sum, SampleCount, Average, Minimum, Maximum or p<percent>"
        )
    if not count:
        return None
    match statistic:
        case "SampleCount":
            return count
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case "Sum" | "Average":
            total = math.fsum(value * times for value, times in values.items())
            return total if statistic == "Sum" else total / count
        case _:
            assert percentile is not None
            return _at_rank(values, max(1, math.ceil(count * float(percentile[1]) / 100)))


def _at_rank(values: Mapping[float, int], rank: int) -> float:
    seen = 0
    for value in sorted(values):
        seen += values[value]
        if seen >= rank:
            return value
    raise AssertionError(f"no rank {rank} among {seen} values")
