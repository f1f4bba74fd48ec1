"""What functions and mappings add to the metrics, and what a function came to."""

import json
from dataclasses import replace
from pathlib import Path

from penstock.cloud.call_counter import Usage
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.mapping.configuration import QueueConfiguration
from penstock.mapping.effects import RecordMetric
from penstock.runtime.invocation import Answer, Failure, Invocation, Throttled, TooLarge
from penstock.runtime.lambda_metrics import measure_invocation, measure_log, measure_mapping
from penstock.runtime.log import LogLine
from penstock.runtime.tallies import FunctionTally, add_to, table_of
from penstock.template.models import EventSourceMapping, Function

ARN = "arn:aws:lambda:us-east-1:123456789012:function:stack-relay"
RELAY = Function(
    logical_id="RelayFunction",
    stack="s",
    path="Relay/Function",
    name="stack-relay",
    arn=ARN,
    handler="h",
    runtime="python3.13",
    code=Path(),
    timeout_seconds=1,
    memory_mb=128,
    environment={},
    role_arn="r",
    reserved_concurrency=None,
    log_group="g",
    aliases={},
)
RAN = Invocation(
    function=RELAY,
    version="1",
    request_id="r",
    records=10,
    started_at_ms=0,
    duration_ms=3.14159,
    init_duration_ms=100.0,
    environment_id="e",
    concurrent_executions=2,
    usage=Usage(calls={("events", "PutEvents"): 1, ("dynamodb", "PutItem"): 2}, write_units=5.0, read_units=0.5),
    result=Answer(payload=b"null", executed_version="1"),
)
FAILED = replace(RAN, init_duration_ms=None, usage=Usage(), result=Failure(error={}, executed_version="1"))
THROTTLED = replace(RAN, usage=Usage(), result=Throttled(reason="ConcurrentInvocationLimitExceeded"))
TOO_LARGE = replace(RAN, usage=Usage(), result=TooLarge(limit_bytes=1))


def test_invocations_are_measured_by_function() -> None:
    """A throttle is no invocation, and an event that is too large is nothing."""
    metrics = Metrics(now_ms=lambda: 0)

    for invocation in (RAN, FAILED, THROTTLED, TOO_LARGE):
        measure_invocation(metrics, invocation)

    names = ("Invocations", "Errors", "Throttles")
    assert [metrics.sum("AWS/Lambda", name, FunctionName="stack-relay") for name in names] == [2, 1, 1]
    assert metrics.statistic("Average", "AWS/Lambda", "Errors", FunctionName="stack-relay") == 0.5
    assert metrics.statistic("Maximum", "AWS/Lambda", "Duration", FunctionName="stack-relay") == 3.14
    assert metrics.statistic("Maximum", "AWS/Lambda", "ConcurrentExecutions", FunctionName="stack-relay") == 2


def test_mapping_counts_under_its_uuid_and_ages_under_its_function() -> None:
    """EventCount metrics are the mapping's; the iterator's age is the function's, whatever the qualifier."""
    metrics = Metrics(now_ms=lambda: 0)
    mapping = EventSourceMapping(
        logical_id="M",
        stack="s",
        uuid="u",
        function_arn=ARN + ":live",
        event_source_arn="arn:aws:sqs:us-east-1:123456789012:q",
        configuration=QueueConfiguration(),
    )

    measure_mapping(metrics, mapping, RecordMetric(name="DroppedEventCount", value=3))
    measure_mapping(metrics, mapping, RecordMetric(name="IteratorAge", value=1500))

    assert metrics.sum("AWS/Lambda", "DroppedEventCount", EventSourceMappingUUID="u") == 3
    assert metrics.statistic("Maximum", "AWS/Lambda", "IteratorAge", FunctionName="stack-relay") == 1500
    assert [metrics.unit(metric) for metric in metrics.list()] == ["Count", "Milliseconds"]


def test_logged_metrics_are_kept() -> None:
    """What a function writes in the embedded metric format is a metric of its namespace."""
    metrics = Metrics(now_ms=lambda: 0)
    directive = {"Namespace": "shop", "Dimensions": [["service"]], "Metrics": [{"Name": "Records", "Unit": "Count"}]}
    document = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "relay", "Records": [3.0, 4.0]}

    measure_log(metrics, LogLine(function=RELAY, request_id=None, stream="stdout", text=json.dumps(document)))

    assert metrics.sum("shop", "Records", service="relay") == 7


def test_tally_sums_what_invocations_came_to() -> None:
    """Calls and units for each record handed over, throttles apart."""
    tallies: dict[str, FunctionTally] = {}

    for invocation in (RAN, FAILED, THROTTLED, TOO_LARGE):
        add_to(tallies, invocation)

    assert tallies == {
        "Relay": FunctionTally(
            invocations=2,
            errors=1,
            throttles=1,
            cold_starts=1,
            records=20,
            calls=3,
            read_units=0.5,
            write_units=5.0,
        )
    }
    assert table_of(tallies)[1].split() == ["Relay", "2", "1", "1", "1", "20", "0.150", "0.250", "0.025"]


def test_tally_without_records_divides_by_nothing() -> None:
    """A function that only ran on empty windows has no figure for each record."""
    assert FunctionTally(invocations=1, calls=2).calls_per_record == 0
    assert table_of({}) == []
