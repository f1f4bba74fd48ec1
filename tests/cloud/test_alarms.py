"""Alarms are judged on the metrics of a run, period by period."""

from typing import Any

import pytest

from penstock.cloud.alarms import judge
from penstock.cloud.metrics import MINUTE_MS, Metrics
from penstock.template.models import Resource

PROPERTIES: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmDescription": "look into the log",
}


def alarm(**changes: Any) -> Resource:
    """An alarm on the errors of a function."""
    return Resource(
        logical_id="Alarm",
        type="AWS::CloudWatch::Alarm",
        stack="s",
        properties=PROPERTIES | changes,
        physical_id="a",
        arn=None,
    )


def verdict(resource: Resource, errors: list[float | None]) -> bool | None:
    """Judge an alarm on one value each five minutes."""
    now_ms = 0
    metrics = Metrics(now_ms=lambda: now_ms)
    for value in errors:
        if value is not None:
            metrics.add("AWS/Lambda", "Errors", value, {"FunctionName": "f"})
        now_ms += 5 * MINUTE_MS
    (judged,) = judge([resource], metrics, from_ms=0, to_ms=max(0, now_ms - 1))
    return judged.in_alarm


@pytest.mark.parametrize(
    ("changes", "errors", "in_alarm"),
    [
        ({}, [0, 0, 1], True),
        ({}, [0, 0, 0], False),
        ({"EvaluationPeriods": 3}, [1, 1, 0, 1, 1], False),
        ({"EvaluationPeriods": 3}, [0, 1, 1, 1], True),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [1, 0, 1], True),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [1, 0, 0, 1], False),
        ({}, [None], False),
        ({"TreatMissingData": "breaching"}, [None], True),
        ({"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "missing"}, [1, 0], True),
        ({"Statistic": None, "ExtendedStatistic": "p50", "Threshold": 4}, [4], True),
        ({"Dimensions": [{"Name": "FunctionName", "Value": "other"}]}, [1], False),
    ],
)
def test_alarm_goes_off_when_enough_periods_breach(
    changes: dict[str, Any], errors: list[float | None], in_alarm: bool
) -> None:
    """So many of the last periods, and a period without data as the alarm says."""
    assert verdict(alarm(**changes), errors) is in_alarm


def test_alarm_tells_what_raised_it() -> None:
    """The first period that raised it, its value, and what to do."""
    metrics = Metrics(now_ms=lambda: 6 * MINUTE_MS)
    metrics.add("AWS/Lambda", "Errors", 2, {"FunctionName": "f"})

    (judged,) = judge([alarm()], metrics, from_ms=MINUTE_MS, to_ms=7 * MINUTE_MS)

    assert (judged.metric, judged.value, judged.at_ms) == ("AWS/Lambda Errors", 2, 5 * MINUTE_MS)
    assert judged.description == "look into the log"


@pytest.mark.parametrize(
    "changes", [{"MetricName": None, "Metrics": []}, {"ThresholdMetricId": "m", "Threshold": None}]
)
def test_alarm_on_an_expression_is_not_judged(changes: dict[str, Any]) -> None:
    """Metric math and anomaly bands are listed, not guessed."""
    properties = {name: value for name, value in (PROPERTIES | changes).items() if value is not None}
    resource = Resource(
        logical_id="Alarm", type="AWS::CloudWatch::Alarm", stack="s", properties=properties, physical_id="a", arn=None
    )

    (judged,) = judge([resource], Metrics(now_ms=lambda: 0), from_ms=0, to_ms=1)

    assert judged.in_alarm is None
