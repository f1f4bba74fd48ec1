"""Alarms are judged on the metrics of a run, period by period."""

from dataclasses import replace
from typing import Any

import pytest

from penstock.cloud.cloudwatch.alarms import judge
from penstock.cloud.cloudwatch.metrics import MINUTE_MS, Metrics
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


def math_alarm(expression: str) -> Resource:
    """An alarm on an expression over errors and invocations of a function."""
    queries: list[dict[str, Any]] = [{"Id": "share", "Expression": expression}]
    for name in ("Errors", "Invocations"):
        stat = {"Metric": {**PROPERTIES, "MetricName": name}, "Period": 300, "Stat": "Sum"}
        queries.append({"Id": name.lower(), "MetricStat": stat, "ReturnData": False})
    properties = {name: value for name, value in PROPERTIES.items() if name not in {"MetricName", "Namespace"}}
    return replace(alarm(), properties={**properties, "Metrics": queries, "Threshold": 50})


@pytest.mark.parametrize(
    ("errors", "invocations", "in_alarm"), [(5, 10, True), (4, 10, False), (2, 2, False), (None, 10, False)]
)
def test_alarm_on_an_expression_is_judged(errors: float | None, invocations: float, in_alarm: bool) -> None:
    """Half of ten failing is too much, below the minimum any share is fine, and no data is no breach."""
    metrics = Metrics(now_ms=lambda: 0)
    for name, value in (("Errors", errors), ("Invocations", invocations)):
        if value is not None:
            metrics.add("AWS/Lambda", name, value, {"FunctionName": "f"})
    resource = math_alarm("IF(invocations >= 10, 100 * errors / invocations, 0)")

    (judged,) = judge([resource], metrics, from_ms=0, to_ms=1)

    assert judged.in_alarm is in_alarm
    assert judged.value == (50 if in_alarm else None)


@pytest.mark.parametrize(
    "properties",
    [
        {"Metrics": []},
        {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 300},
        math_alarm("ANOMALY_DETECTION_BAND(errors)").properties,
    ],
)
def test_alarm_on_what_is_not_known_is_not_judged(properties: dict[str, Any]) -> None:
    """An expression with more than we know, and a band without a threshold, are listed, not guessed."""
    common = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}

    (judged,) = judge([replace(alarm(), properties=common | properties)], Metrics(now_ms=lambda: 0), from_ms=0, to_ms=1)

    assert judged.in_alarm is None


def composite(rule: str) -> Resource:
    """A composite alarm with a description of its own."""
    properties = {"AlarmRule": rule, "AlarmDescription": "look at the parts"}
    return replace(alarm(), logical_id="Part", type="AWS::CloudWatch::CompositeAlarm", properties=properties)


@pytest.mark.parametrize(
    ("rule", "in_alarm"),
    [
        ('(ALARM("arn:alarm:a") OR ALARM("b"))', True),
        ("ALARM(b) OR (ALARM('a'))", True),
        ('ALARM("b")', False),
        ('ALARM("a") AND ALARM("b")', None),
        ('NOT ALARM("b")', None),
        ('OK("a")', None),
        ('ALARM("elsewhere") OR ALARM("a")', None),
    ],
)
def test_composite_goes_off_with_any_of_its_alarms(rule: str, in_alarm: bool | None) -> None:
    """By name or ARN; a rule that asks for more, or for an alarm that is not here, is not judged."""
    metrics = Metrics(now_ms=lambda: 0)
    metrics.add("AWS/Lambda", "Errors", 1, {"FunctionName": "f"})
    calm = alarm(MetricName="Throttles")
    children = [
        replace(alarm(), logical_id="A", physical_id="a", arn="arn:alarm:a"),
        replace(calm, logical_id="B", physical_id="b", arn="arn:alarm:b"),
    ]

    *_, judged = judge([composite(rule), *children], metrics, from_ms=0, to_ms=1)[::-1]

    assert (judged.logical_id, judged.in_alarm) == ("Part", in_alarm)


def test_composite_tells_what_raised_it() -> None:
    """The metric, value and time of the first of its alarms, and its own words."""
    metrics = Metrics(now_ms=lambda: 0)
    metrics.add("AWS/Lambda", "Errors", 3, {"FunctionName": "f"})

    _, judged = judge([alarm(), composite('ALARM("a")')], metrics, from_ms=0, to_ms=1)

    assert (judged.metric, judged.value, judged.at_ms) == ("AWS/Lambda Errors", 3, 0)
    assert judged.description == "look at the parts"
