"""The runner itself: what is not known fails, and what differs is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.conformance.runner import read_cases, run_case
from penstock.errors import UsageError

ONE = [{"ref": "1", "at_ms": 0, "item": "a"}]
TWO = [*ONE, {"ref": "2", "at_ms": 0, "item": "b"}]


def stream(**parts: Any) -> dict[str, Any]:
    """Give a stream case of one record that passes, changed as told."""
    return {
        "id": "case",
        "kind": "stream",
        "mapping": {"StartingPosition": "TRIM_HORIZON"},
        "writes": ONE,
        "until_ms": 1_000,
        "expect": {"invocations": [["1"]]},
        **parts,
    }


def queue(**parts: Any) -> dict[str, Any]:
    """Give a queue case of one message that passes, changed as told."""
    return {
        "id": "case",
        "kind": "queue",
        "mapping": {},
        "messages": [{"ref": "1", "at_ms": 0}],
        "until_ms": 1_000,
        "expect": {"invocations": [["1"]]},
        **parts,
    }


def only(**parts: Any) -> dict[str, Any]:
    """Give a function that does one thing."""
    return {"function": [{"do": parts}]}


UNKNOWN: list[tuple[str, Any]] = [
    ("the case is no object", "text"),
    ("kind is no text", {}),
    ("kind is unknown: 'topic'", {"kind": "topic"}),
    ("the case has unknown keys: colour", stream(colour="red")),
    ("expect has unknown keys: colour", stream(expect={"colour": "red"})),
    ("the case lacks 'expect'", {key: value for key, value in stream().items() if key != "expect"}),
    ("mapping has unknown keys: ScalingConfig", stream(mapping={"ScalingConfig": {}})),
    ("StartingPosition is unknown: 'AT_TIMESTAMP'", stream(mapping={"StartingPosition": "AT_TIMESTAMP"})),
    ("BatchSize is no whole number: '1'", stream(mapping={"BatchSize": "1"})),
    ("BatchSize is no whole number: True", stream(mapping={"BatchSize": True})),
    ("FunctionResponseTypes is no list", stream(mapping={"FunctionResponseTypes": "x"})),
    ("FunctionResponseTypes is unknown: 'x'", stream(mapping={"FunctionResponseTypes": ["x"]})),
    ("Metrics is unknown: 'x'", stream(mapping={"MetricsConfig": {"Metrics": ["x"]}})),
    ("a filter has no Pattern", stream(mapping={"FilterCriteria": {"Filters": [{}]}})),
    ("is not valid JSON", stream(mapping={"FilterCriteria": {"Filters": [{"Pattern": "{"}]}})),
    ("destination kind is unknown: 'kafka'", stream(destination={"kind": "kafka"})),
    ("denied is neither true nor false: 1", stream(destination={"kind": "sqs", "denied": 1})),
    ("a write has unknown keys: colour", stream(writes=[{**ONE[0], "colour": "red"}])),
    ("event is unknown: 'UPSERT'", stream(writes=[{**ONE[0], "event": "UPSERT"}])),
    ("view is unknown: 'ALL'", stream(view="ALL")),
    ("no such shard: ['s9']", stream(writes=[{**ONE[0], "shard": "s9"}])),
    ("a shard has not one name", stream(shards=[{"parent": "s0"}])),
    ("a shard has unknown keys: colour", stream(shards=[{"id": "s0", "colour": "red"}])),
    ("a change has unknown keys: BatchSize", stream(changes=[{"at_ms": 1, "BatchSize": 1}])),
    ("invocations is no list: True", stream(expect={"invocations_any_order": True})),
    ("a rule of function has unknown keys: then", stream(function=[{"do": {"raise": True}, "then": 1}])),
    ("when has unknown keys: receive_count_at_most", stream(function=[{"when": {"receive_count_at_most": 1}}])),
    ("when has unknown keys: final", queue(function=[{"when": {"final": True}, "do": {"raise": True}}])),
    ("do is no object: None", stream(function=[{"when": {"call": 1}}])),
    ("do has unknown keys: explode", stream(**only(explode=True))),
    ("do is not one of what a function can do", stream(**only(**{"raise": True, "timeout": True}))),
    ("do is not one of what a function can do", stream(**only())),
    ("raise is not true: 'now'", stream(**only(**{"raise": "now"}))),
    ("takes_ms is no whole number: 'long'", stream(**only(takes_ms="long"))),
    ("function_settings has unknown keys: memory", stream(function_settings={"memory": 128})),
    ("an invocation has unknown keys: messages", stream(expect={"invocations": [{"messages": ["1"]}]})),
    ("condition is unknown: 'Late'", stream(expect={"on_failure": [{"condition": "Late", "covers": []}]})),
    ("an on_failure record has unknown keys: colour", stream(expect={"on_failure": [{"colour": "red"}]})),
    ("metrics has unknown keys: Errors", stream(expect={"metrics": {"Errors": 1}})),
    ("a delivered ref has unknown keys: like", stream(expect={"delivered": {"1": {"like": {}}}})),
    ("a statement of ordering has unknown keys: per_group", stream(expect={"ordering": [{"per_group": True}]})),
    ("before does not have two sides", stream(expect={"ordering": [{"before": ["1"]}]})),
    ("queue has unknown keys: delay_s", queue(queue={"delay_s": 1})),
    ("a message has unknown keys: group", queue(messages=[{"ref": "1", "at_ms": 0, "group": "g"}])),
    ("expect has unknown keys: covers", queue(expect={"covers": []})),
    ("an invocation has unknown keys: state", queue(expect={"invocations": [{"messages": ["1"], "state": {}}]})),
    ("the case does not have the shape of a case", stream(writes=[{**ONE[0], "attributes": {"n": 5}}])),
    ("source is unknown: 'kafka'", {"kind": "filter", "source": "kafka", "pattern": {}, "expect": True}),
    ("expect is unknown: 'maybe'", {"kind": "filter", "source": "sqs", "pattern": {}, "expect": "maybe"}),
    ("the case has not one pattern", {"kind": "filter", "source": "sqs", "expect": True}),
    ("source is unknown: 'kinesis'", {"kind": "mapping", "source": "kinesis", "request": {}, "expect": {}}),
    ("given is unknown: 'rain'", {"kind": "mapping", "source": "sqs", "given": "rain", "request": {}, "expect": {}}),
    (
        "request has unknown keys: Colour",
        {"kind": "mapping", "source": "sqs", "request": {"Colour": 1}, "expect": {"accepted": {}}},
    ),
    (
        "expect has neither accepted nor refused",
        {"kind": "mapping", "source": "sqs", "request": {}, "expect": {"absent": []}},
    ),
]


@pytest.mark.parametrize(("problem", "case"), UNKNOWN)
def test_fails_when_a_case_has_what_the_runner_does_not_know(problem: str, case: Any) -> None:
    """It is never skipped."""
    verdict = run_case(case)

    assert not verdict.passed
    assert problem in "\n".join(verdict.problems)


DIFFERENT: list[tuple[str, Any]] = [
    ("expected 2 runs [['1'], []], happened 1: ['1'] at 0", stream(expect={"invocations": [["1"], []]})),
    ("run 1: expected refs ['2'], happened ['1']", stream(expect={"invocations": [["2"]]})),
    (
        "run 1: expected not_before_ms 5, happened 0",
        stream(expect={"invocations": [{"records": ["1"], "not_before_ms": 5, "not_after_ms": -1}]}),
    ),
    ("run 1: expected final True, happened False", stream(expect={"invocations": [{"final": True}]})),
    ("run 1: expected state_bytes 3, happened 'no state'", stream(expect={"invocations": [{"state_bytes": 3}]})),
    (
        "no run is as expected by {'refs': ['2']}; happened: ['1'] at 0",
        stream(expect={"invocations_any_order": [["2"]]}),
    ),
    (
        "no run is as expected by {'refs': ['1']}; happened: ['1'] at 0, ['2'] at 0",
        stream(
            writes=TWO,
            mapping={"BatchSize": 1},
            expect={"invocations": [["1"], ["1"]], "invocations_any_order": True},
        ),
    ),
    (
        "on-failure record 1: expected one that covers ['1'], happened []",
        stream(expect={"on_failure": [{"condition": "RecordAgeExceeded", "covers": ["1"]}]}),
    ),
    (
        "expected no more on-failure records, happened [['1']]",
        stream(
            mapping={"MaximumRetryAttempts": 0},
            destination={"kind": "sqs"},
            expect={"on_failure": []},
            **only(**{"raise": True}),
        ),
    ),
    (
        "expected functionError None, happened 'Unhandled'",
        stream(
            mapping={"MaximumRetryAttempts": 0},
            destination={"kind": "sqs"},
            expect={"on_failure": [{"condition": "RetryAttemptsExhausted", "covers": ["1"], "functionError": None}]},
            **only(**{"raise": True}),
        ),
    ),
    (
        "on-failure record 1: expected one that covers ['1'], happened [['1', '2']]",
        stream(
            writes=TWO,
            mapping={"MaximumRetryAttempts": 0},
            destination={"kind": "sqs"},
            expect={"on_failure": [{"condition": "RetryAttemptsExhausted", "covers": ["1"], "may_split": True}]},
            **only(**{"raise": True}),
        ),
    ),
    ("expected PolledEventCount 9, happened 0", stream(expect={"metrics": {"PolledEventCount": 9}})),
    ("2 was never delivered", stream(expect={"delivered": {"2": {}}})),
    (
        "1: expected eventName 'REMOVE', happened 'INSERT'",
        stream(expect={"delivered": {"1": {"has": {"eventName": "REMOVE"}}}}),
    ),
    (
        "1: expected dynamodb.OldImage {}, happened nothing",
        stream(expect={"delivered": {"1": {"has": {"dynamodb": {"OldImage": {}}}}}}),
    ),
    ("1: expected no eventName, happened 'INSERT'", stream(expect={"delivered": {"1": {"lacks": ["eventName"]}}})),
    (
        "expected before ['2', '1'], happened ['1'] at 0, ['2'] at 0",
        stream(writes=TWO, mapping={"BatchSize": 1}, expect={"ordering": [{"before": ["2", "1"]}]}),
    ),
    (
        "expected each_once True, happened {'1': 2}",
        stream(
            mapping={"MaximumRetryAttempts": 1}, expect={"ordering": [{"each_once": True}]}, **only(**{"raise": True})
        ),
    ),
    ("expected per_item False, happened", stream(expect={"ordering": [{"per_item": False}]})),
    ("expected max_in_flight 0, happened 1 in flight", stream(expect={"ordering": [{"max_in_flight": 0}]})),
    (
        "expected max_in_flight_per_item 0, happened 1 in flight for one item",
        stream(expect={"ordering": [{"max_in_flight_per_item": 0}]}),
    ),
    ("expected batch_at_most 0, happened 1 in a batch", stream(expect={"ordering": [{"batch_at_most": 0}]})),
    ("expected calls 2, happened 1 runs", stream(expect={"ordering": [{"calls": 2}]})),
    ("expected calls_at_least 2, happened 1 runs", stream(expect={"ordering": [{"calls_at_least": 2}]})),
    ("expected each_call ['2'], happened ['1'] at 0", stream(expect={"ordering": [{"each_call": ["2"]}]})),
    ("expected deleted [], happened ['1']", queue(expect={"deleted": []})),
    ("expected dead_letter ['1'], happened []", queue(expect={"dead_letter": ["1"]})),
    (
        "expected receive_counts [2], happened [1]",
        queue(expect={"invocations": [{"messages": ["1"], "receive_counts": [2]}]}),
    ),
    (
        "expected False, happened True",
        {"kind": "filter", "source": "event-bus", "pattern": {"a": [1]}, "record": {"a": 1}, "expect": False},
    ),
    (
        "expected that the pattern is refused, happened: accepted",
        {"kind": "filter", "source": "event-bus", "pattern": {"a": [1]}, "expect": "invalid"},
    ),
    (
        "expected True, happened: refused",
        {"kind": "filter", "source": "event-bus", "pattern_text": "{}", "record": {}, "expect": True},
    ),
    (
        "expected that the mapping is accepted, happened: InvalidParameterValueException",
        {"kind": "mapping", "source": "dynamodb", "request": {}, "expect": {"accepted": {}}},
    ),
    (
        "expected no BatchSize, happened 10",
        {"kind": "mapping", "source": "sqs", "request": {}, "expect": {"accepted": {}, "absent": ["BatchSize"]}},
    ),
    (
        "expected then 'Disabled', happened 'Enabled'",
        {"kind": "mapping", "source": "sqs", "request": {}, "expect": {"accepted": {}, "then": "Disabled"}},
    ),
    (
        "expected that the mapping is refused with X, happened: accepted",
        {"kind": "mapping", "source": "sqs", "request": {}, "expect": {"refused": {"type": "X"}}},
    ),
    *[
        (
            problem,
            {
                "kind": "mapping",
                "source": "dynamodb",
                "request": {"EventSourceArn": None, "FunctionName": "<fn>", "Tags": {"<arn>": ["<uuid>"]}},
                "expect": {
                    "refused": {"type": "X", "status": 409, "message": "Recognized <arn>", "message_contains": "no"}
                },
            },
        )
        for problem in (
            "expected type 'X', happened 'InvalidParameterValueException'",
            "expected status 409, happened 400",
            "expected message 'Recognized <arn>', happened 'Unrecognized event source.'",
            "expected a message with 'no', happened 'Unrecognized event source.'",
        )
    ],
]


@pytest.mark.parametrize(("problem", "case"), DIFFERENT)
def test_fails_when_something_else_happens(problem: str, case: Any) -> None:
    """What was expected and what happened are both told."""
    verdict = run_case(case)

    assert not verdict.passed
    assert problem in "\n".join(verdict.problems)


def test_a_long_state_is_told_in_short() -> None:
    """A megabyte of letters helps nobody."""
    verdict = run_case(
        stream(
            writes=[*ONE, {"ref": "2", "at_ms": 1, "item": "a"}],
            mapping={"TumblingWindowInSeconds": 10},
            expect={"invocations": [["1"], {"records": ["2"], "state": {}}]},
            **only(return_state_bytes=10_000),
        )
    )

    assert verdict.problems[0].endswith('… (10012 characters)"')


def test_the_first_shard_need_not_be_listed() -> None:
    """It is the default of every write, also where others are listed."""
    writes = [{"ref": "1", "at_ms": 0, "item": "a"}, {"ref": "2", "at_ms": 0, "item": "b", "shard": "s1"}]

    assert run_case(stream(writes=writes, shards=["s1"], expect={"invocations": [["1"], ["2"]]})).passed


def test_a_file_is_read_case_by_case(tmp_path: Path) -> None:
    """The cases come in their order, and one that is none has a verdict, too."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps({"format": "penstock-conformance/1", "cases": [stream(), {}]}))
    second.write_text(json.dumps({"format": "penstock-conformance/1", "cases": [queue()]}))

    verdicts = [run_case(case) for path in (first, second) for case in read_cases(path)]

    assert [(verdict.case_id, verdict.passed) for verdict in verdicts] == [
        ("case", True),
        ("a case without id", False),
        ("case", True),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "is no JSON"), ("[]", "is not in the format"), ('{"format":"other"}', "is not in the format")],
)
def test_fails_when_a_file_is_none_of_ours(tmp_path: Path, text: str, problem: str) -> None:
    """The message says what to give instead."""
    path = tmp_path / "cases.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=problem):
        read_cases(path)


def test_fails_when_a_file_is_missing(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(UsageError, match=r"missing\.json cannot be read"):
        read_cases(tmp_path / "missing.json")
