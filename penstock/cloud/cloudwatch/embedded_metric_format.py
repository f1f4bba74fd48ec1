"""Metrics that functions log: the embedded metric format.

CloudWatch Logs reads them from log events that are JSON with an ``_aws`` member. A target member that is missing or
not numeric is skipped, and a document that does not follow the format is a log line and nothing else.

Source: *Specification: Embedded metric format* of CloudWatch (100 metrics a directive, 30 dimensions a set, 100
values a target member). Not followed: ``Timestamp``, since a function's clock does not jump with the application's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_METRICS: Final = 100
MAX_DIMENSIONS: Final = 30
MAX_VALUES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedValue:
    """One value of one metric, once per set of dimensions."""

    namespace: str
    name: str
    unit: str
    value: float
    dimensions: Mapping[str, str]


def values_in(text: str) -> Iterator[LoggedValue]:
    """The values in a log event; none in one that is no document of the format."""
    if '"_aws"' not in text:
        return
    try:
        document = json.loads(text)
    except ValueError:
        return
    metadata = document.get("_aws") if isinstance(document, dict) else None
    directives = metadata.get("CloudWatchMetrics") if isinstance(metadata, dict) else None
    for directive in directives if isinstance(directives, list) else ():
        if _is_directive(directive):
            yield from _values(directive, document)


def _is_directive(directive: Any) -> bool:
    if not isinstance(directive, dict) or not isinstance(directive.get("Namespace"), str):
        return False
    metrics, sets = directive.get("Metrics"), directive.get("Dimensions")
    return (
        isinstance(metrics, list)
        and len(metrics) <= MAX_METRICS
        and all(isinstance(metric, dict) and isinstance(metric.get("Name"), str) for metric in metrics)
        and isinstance(sets, list)
        and all(isinstance(names, list) and len(names) <= MAX_DIMENSIONS for names in sets)
    )


def _values(directive: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[LoggedValue]:
    for names in directive["Dimensions"]:
        if any(not isinstance(document.get(name), str) for name in names):
            continue
        dimensions = {name: document[name] for name in names}
        for metric in directive["Metrics"]:
            for value in _numbers(document.get(metric["Name"])):
                yield LoggedValue(
                    namespace=directive["Namespace"],
                    name=metric["Name"],
                    unit=metric.get("Unit", "None"),
                    value=value,
                    dimensions=dimensions,
                )


def _numbers(target: Any) -> list[float]:
    values = target if isinstance(target, list) else [target]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return values if numeric and len(values) <= MAX_VALUES else []
