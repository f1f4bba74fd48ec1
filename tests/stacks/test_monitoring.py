"""Alarms and dashboard: what is watched under AWS's own names, what each says, whom it tells, what the page asks."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stacks.settings import DEV, PROD, STAGES
from stacks.stage_settings import StageSettings
from tests.stacks.synthesized import Properties, Synthesize, Synthesized

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
FUNCTIONS = ("api", "relay", "summarize", "enrich", "notify", "replicate")
DIMENSIONS: dict[str, set[str]] = {
    "OnFailureDestinationDeliveredEventCount": {"EventSourceMappingUUID"},
    "DroppedEventCount": {"EventSourceMappingUUID"},
    "PolledEventCount": {"EventSourceMappingUUID"},
    "FilteredOutEventCount": {"EventSourceMappingUUID"},
    "ClaimedAccountConcurrency": set(),
}
"""Of the metrics that do not stand under their namespace's usual dimensions."""


def metrics_of(alarm: Properties) -> Iterator[Properties]:
    """Every metric that an alarm looks at: namespace, name, dimensions."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def starting(synthesized: Synthesized, logical_id: str) -> dict[str, Properties]:
    """The alarms whose logical id matches."""
    alarms = synthesized.resources(ALARM)
    return {name: alarm for name, alarm in alarms.items() if re.match(logical_id, name)}


def widgets(synthesized: Synthesized) -> list[dict[str, Any]]:
    """The widgets of the dashboard, with a mark in place of each reference."""
    parts = synthesized.only("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    found: list[dict[str, Any]] = json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))[
        "widgets"
    ]
    return found


def test_alarms_watch_what_can_go_wrong(stage: Synthesized, prod: Synthesized) -> None:
    """Lag, loss, dead letters, errors, limits, filters, the API, deliveries, executions and tables are each watched."""
    watched = Counter(
        f"{metric['Namespace']} {metric['MetricName']}"
        for alarm in stage.resources(ALARM).values()
        for metric in metrics_of(alarm)
    )
    reserved = {"AWS/Lambda ConcurrentExecutions": 6} if stage is prod else {}

    assert watched == {
        "AWS/Lambda Errors": 6,
        "AWS/Lambda Throttles": 6,
        "AWS/Lambda ClaimedAccountConcurrency": 1,
        "AWS/Lambda IteratorAge": 2,
        "AWS/Lambda OnFailureDestinationDeliveredEventCount": 2,
        "AWS/Lambda DestinationDeliveryFailures": 2,
        "AWS/Lambda DroppedEventCount": 2,
        "AWS/Lambda PolledEventCount": 1,
        "AWS/Lambda FilteredOutEventCount": 1,
        "AWS/SQS ApproximateNumberOfMessagesVisible": 6,
        "AWS/SQS ApproximateAgeOfOldestMessage": 6,
        "AWS/Events FailedInvocations": 4,
        "AWS/Events InvocationsFailedToBeSentToDlq": 4,
        "AWS/States ExecutionsFailed": 1,
        "AWS/States ExecutionsTimedOut": 1,
        "AWS/ApiGateway 5xx": 1,
        "AWS/ApiGateway Latency": 1,
        "AWS/DynamoDB ReadThrottleEvents": 4,
        "AWS/DynamoDB WriteThrottleEvents": 4,
        **reserved,
    }


def test_metrics_have_the_dimensions_that_aws_gives_them(stage: Synthesized) -> None:
    """An alarm on a dimension that nobody emits would be silent for ever."""
    expected = {
        "AWS/Lambda": {"FunctionName"},
        "AWS/SQS": {"QueueName"},
        "AWS/Events": {"EventBusName", "RuleName"},
        "AWS/States": {"StateMachineArn"},
        "AWS/ApiGateway": {"ApiId"},
        "AWS/DynamoDB": {"TableName"},
    }
    for name, alarm in stage.resources(ALARM).items():
        for metric in metrics_of(alarm):
            dimensions = {dimension["Name"] for dimension in metric.get("Dimensions", ())}

            assert dimensions == DIMENSIONS.get(metric["MetricName"], expected[metric["Namespace"]]), name


def test_counts_of_mappings_are_asked_for(stage: Synthesized) -> None:
    """A mapping whose counts an alarm watches is one that emits them."""
    mappings = stage.resources("AWS::Lambda::EventSourceMapping")
    watched = {
        dimension["Value"]["Ref"]
        for alarm in stage.resources(ALARM).values()
        for metric in metrics_of(alarm)
        for dimension in metric.get("Dimensions", ())
        if dimension["Name"] == "EventSourceMappingUUID"
    }

    assert len(watched) == 2
    assert {json.dumps(mappings[mapping]["MetricsConfig"]) for mapping in watched} == {'{"Metrics": ["EventCount"]}'}


def test_rule_alarms_name_the_rule_without_its_bus(stage: Synthesized) -> None:
    """`Ref` of a rule on a bus of its own holds both; the metric's dimension is the name alone."""
    for alarm in starting(stage, r".*Rule(Undelivered|Lost)").values():
        (rule_name,) = (each["Value"] for each in alarm["Dimensions"] if each["Name"] == "RuleName")
        index, split = rule_name["Fn::Select"]

        assert (index, split["Fn::Split"][0]) == (1, "|")
        assert split["Fn::Split"][1]["Ref"] in stage.resources("AWS::Events::Rule")


def test_iterator_age_alarms_within_the_hour(stage: Synthesized) -> None:
    """Twenty-three hours are left of the stream's twenty-four, at least."""
    ages = starting(stage, r".*IteratorAge").values()

    assert len(ages) == 2
    for alarm in ages:
        assert alarm["Threshold"] <= 3_600_000
        assert (alarm["EvaluationPeriods"], alarm["Statistic"]) == (1, "Maximum")


def test_missing_data_is_judged_by_what_silence_means(stage: Synthesized) -> None:
    """Counters are silent when nothing happens; a lag without data is no recovery; nothing is left to the default."""
    for name, alarm in stage.resources(ALARM).items():
        expected = "ignore" if alarm.get("MetricName") == "IteratorAge" else "notBreaching"

        assert alarm["TreatMissingData"] == expected, name


def test_only_a_filtered_mapping_is_watched_for_its_filter(stage: Synthesized) -> None:
    """Relay filters, summarize does not; below the minimum polled the share counts as none."""
    (alarm,) = starting(stage, r".*AllFiltered").values()
    expression, polled, filtered = alarm["Metrics"]

    assert re.fullmatch(r"IF\(polled >= \d+, 100 \* filtered / polled, 0\)", expression["Expression"])
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (100, "GreaterThanOrEqualToThreshold")
    assert {query["Id"]: query["MetricStat"]["Stat"] for query in (polled, filtered)} == {
        "polled": "Sum",
        "filtered": "Sum",
    }
    assert [query["ReturnData"] for query in alarm["Metrics"]] == [True, False, False]


def test_concurrency_is_watched_below_what_is_reserved(prod: Synthesized) -> None:
    """Each function's alarm leaves room to act before it is throttled."""
    functions = prod.resources("AWS::Lambda::Function")
    for alarm in starting(prod, r".*FunctionConcurrency").values():
        (function,) = (dimension["Value"]["Ref"] for dimension in alarm["Dimensions"])

        assert alarm["Threshold"] == functions[function]["ReservedConcurrentExecutions"] * 0.8


@pytest.mark.parametrize("settings", STAGES.values(), ids=STAGES)
def test_account_is_watched_below_its_concurrency(synthesize: Synthesize, settings: StageSettings) -> None:
    """What is claimed counts, by running or by reserving: beyond the threshold a fifth is left."""
    (alarm,) = starting(synthesize(settings), r"AccountConcurrency").values()

    assert alarm["Threshold"] == settings.account_concurrency * 0.8
    assert "Dimensions" not in alarm


def test_alarms_say_what_they_mean_and_what_to_do_first(stage: Synthesized) -> None:
    """Each description has two halves of some length, and fits into what CloudWatch keeps of it."""
    for resource_type in (ALARM, COMPOSITE):
        for name, alarm in stage.resources(resource_type).items():
            means, first = alarm["AlarmDescription"].split(" First: ")

            assert len(means.split()) >= 5, name
            assert len(first.split()) >= 10, name
            assert len(alarm["AlarmDescription"]) <= 1_024, name


def test_every_alarm_is_in_the_composite_of_its_part(stage: Synthesized) -> None:
    """Ten parts; no alarm is in two, none is in none, and none tells anybody by itself."""
    members = {
        name: [part["Fn::GetAtt"][0] for part in composite["AlarmRule"]["Fn::Join"][1] if isinstance(part, dict)]
        for name, composite in stage.resources(COMPOSITE).items()
    }
    alarms = stage.resources(ALARM)

    assert Counter(alarm for part in members.values() for alarm in part) == dict.fromkeys(alarms, 1)
    assert len(members) == 10
    for name, part in members.items():
        assert {alarm.startswith(name.removeprefix("Alarms")[:-8]) for alarm in part} == {True}, name
    assert not [name for name, alarm in alarms.items() if "AlarmActions" in alarm]


def test_composites_tell_the_topic(stage: Synthesized) -> None:
    """Each part's alarm publishes to the one topic, which admits CloudWatch and refuses plain connections."""
    (topic,) = (name for name in stage.resources("AWS::SNS::Topic") if name.startswith("Alarms"))
    (policy,) = (
        policy for policy in stage.resources("AWS::SNS::TopicPolicy").values() if policy["Topics"] == [{"Ref": topic}]
    )
    allowed = [s["Principal"] for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    denied = [s["Condition"] for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]

    assert allowed == [{"Service": "cloudwatch.amazonaws.com"}]
    assert denied == [{"Bool": {"aws:SecureTransport": "false"}}]
    for composite in stage.resources(COMPOSITE).values():
        assert composite["AlarmActions"] == [{"Ref": topic}]


def test_topic_reaches_the_address_when_there_is_one(synthesize: Synthesize, dev: Synthesized) -> None:
    """With an address the topic has a subscription; without, it has none and waits for somebody's."""
    settings = replace(DEV, monitoring=replace(DEV.monitoring, alarm_address="operator@example.com"))
    synthesized = synthesize(settings)

    assert synthesized.only("AWS::SNS::Subscription")["Endpoint"] == "operator@example.com"
    assert not dev.resources("AWS::SNS::Subscription")


def test_dashboard_asks_its_questions_from_top_to_bottom(stage: Synthesized) -> None:
    """First what is on, then lag, failures and cost of the whole, then a row for each function."""
    headings = [
        widget["properties"]["markdown"].removeprefix("## ")
        for widget in sorted(widgets(stage), key=lambda widget: widget["y"])
        if widget["type"] == "text"
    ]

    assert headings == ["Is it keeping up?", "What failed?", "What does it cost?", *FUNCTIONS]


def test_dashboard_has_one_row_for_a_function(stage: Synthesized) -> None:
    """Does it keep up, how does it run, what failed, what does it cost: side by side, over the whole width."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for widget in widgets(stage):
        rows.setdefault(widget["y"], []).append(widget)
    function_rows = [row for row in rows.values() if re.match(r"(\w+): ", row[0]["properties"].get("title", ""))]

    assert len(function_rows) == len(FUNCTIONS)
    for name, row in zip(FUNCTIONS, function_rows, strict=True):
        assert {widget["properties"]["title"].partition(":")[0] for widget in row} == {name}
        assert [widget["x"] for widget in row] == [0, 6, 12, 18]
        assert sum(widget["width"] for widget in row) == 24
    for row in rows.values():
        assert sum(widget["width"] for widget in row) == 24


def test_dashboard_shows_all_alarms(stage: Synthesized) -> None:
    """Every part, and of the single alarms those that are on."""
    parts, single = (widget["properties"] for widget in widgets(stage) if widget["type"] == "alarm")

    assert len(parts["alarms"]) == len(stage.resources(COMPOSITE))
    assert len(single["alarms"]) == len(stage.resources(ALARM))
    assert single["states"] == ["ALARM"]
    # CloudWatch user guide, "Adding an alarm widget": a hundred alarms fit into one.
    assert len(single["alarms"]) <= 100


def test_costs_are_those_of_the_settings(prod: Synthesized) -> None:
    """What a line multiplies is the price of a unit: of a write, say, or of a second with the function's memory."""
    (graph,) = (w["properties"] for w in widgets(prod) if w["properties"].get("title") == "dollars an hour")
    lines = {entry[0]["label"]: entry[0]["expression"] for entry in graph["metrics"] if isinstance(entry[0], dict)}
    lines = {label: expression for label, expression in lines.items() if label}

    assert set(lines) == {
        *FUNCTIONS,
        *("Orders", "CustomerOrders", "Statistics", "Idempotency"),
        *("enrichQueue", "notifyQueue", "replicateQueue", "bus", "fulfilment", "http"),
    }
    assert f"FILL(orders_writes, 0) * {PROD.prices.write_unit:.15f}" in lines["Orders"]
    gigabyte_milliseconds = PROD.relay.memory_size_mb / 1_024 * PROD.prices.lambda_gb_second / 1_000
    assert f"FILL(relay_seconds, 0) * {gigabyte_milliseconds:.15f}" in lines["relay"]


def test_transitions_are_those_of_an_order_that_goes_its_way(stage: Synthesized) -> None:
    """The cost line of the fulfilment counts the states on the way to Shipped, and the start."""
    from stacks.fulfilment_definition import TRANSITIONS

    parts = stage.only("AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))
    name, states = definition["StartAt"], 1
    while "Next" in definition["States"][name]:
        name, states = definition["States"][name]["Next"], states + 1

    assert (name, TRANSITIONS) == ("Shipped", states + 1)


def test_stages_have_an_hour_at_most() -> None:
    """No stage is told later than an hour that it lags."""
    assert {stage.monitoring.iterator_age_seconds <= 3_600 for stage in STAGES.values()} == {True}
