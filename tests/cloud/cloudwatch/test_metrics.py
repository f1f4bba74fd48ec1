"""Metrics: exact dimensions, statistics of the run, names that people use."""

import pytest

from penstock.cloud.cloudwatch.metrics import MINUTE_MS, Metric, Metrics, statistic_of


class Time:
    """A clock that is set by hand."""

    now_ms = 10 * MINUTE_MS


@pytest.fixture
def time() -> Time:
    """Ten minutes after the epoch."""
    return Time()


@pytest.fixture
def metrics(time: Time) -> Metrics:
    """No values yet; a function that people call Relay."""
    return Metrics(now_ms=lambda: time.now_ms, names={"FunctionName": {"Relay": "stack-relay-1"}})


def test_statistics_are_of_all_values(metrics: Metrics, time: Time) -> None:
    """Values of different minutes are one series."""
    for value in (3.0, 1.0, 1.0, 5.0):
        metrics.add("AWS/Lambda", "Duration", value, {"FunctionName": "f"}, unit="Milliseconds")
        time.now_ms += MINUTE_MS

    told = {
        name: metrics.statistic(name, "AWS/Lambda", "Duration", FunctionName="f")
        for name in ("Sum", "SampleCount", "Average", "Minimum", "Maximum", "p50", "p99.9", "p100")
    }
    assert told == {
        "Sum": 10,
        "SampleCount": 4,
        "Average": 2.5,
        "Minimum": 1,
        "Maximum": 5,
        "p50": 1,
        "p99.9": 5,
        "p100": 5,
    }


def test_value_may_have_occurred_several_times(metrics: Metrics) -> None:
    """A value that is added once for three times is the same as three values."""
    metrics.add("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 2, {"TableName": "t"}, times=3)
    metrics.add("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 6, {"TableName": "t"})

    asked = ("SampleCount", "Sum", "Average")
    found = [metrics.statistic(name, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="t") for name in asked]
    assert found == [4, 12, 3]


def test_metric_is_its_whole_set_of_dimensions(metrics: Metrics) -> None:
    """A part of the dimensions is another metric, and their order is none."""
    metrics.add("Shop", "Orders", 2, {"a": "1", "b": "2"})

    assert metrics.sum("Shop", "Orders", b="2", a="1") == 2
    assert metrics.sum("Shop", "Orders", a="1") == 0
    assert metrics.statistic("Maximum", "Shop", "Orders") is None


def test_function_is_asked_for_by_its_label(metrics: Metrics) -> None:
    """The physical name is AWS's; people have a shorter one."""
    metrics.add("AWS/Lambda", "Errors", 1, {"FunctionName": "stack-relay-1"})

    assert metrics.sum("AWS/Lambda", "Errors", FunctionName="Relay") == 1
    assert metrics.sum("AWS/Lambda", "Errors", FunctionName="stack-relay-1") == 1


def test_values_are_found_by_their_minutes(metrics: Metrics, time: Time) -> None:
    """A period has the minutes that begin in it."""
    for _ in range(3):
        metrics.add("Shop", "Orders", 1, {})
        time.now_ms += MINUTE_MS
    metric = Metric(namespace="Shop", name="Orders", dimensions=())

    assert metrics.values(metric, 10 * MINUTE_MS, 12 * MINUTE_MS) == {1: 2}
    assert metrics.list("Shop") == (metric,)
    assert metrics.list("Other") == ()
    assert metrics.unit(metric) == "Count"


@pytest.mark.parametrize("statistic", ["Mean", "p101", "p", "sum"])
def test_fails_when_the_statistic_is_unknown(statistic: str) -> None:
    """A misspelt statistic is no silent nothing."""
    with pytest.raises(ValueError, match="unknown statistic"):
        statistic_of(statistic, {})
