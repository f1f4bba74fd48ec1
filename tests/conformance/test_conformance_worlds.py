"""Behaviour that no carried case shows, as cases: lineage of shards, windows, leases, groups, pauses.

Each entry is a case as a file would have it; what it says is what our reading of the guides expects.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.conformance.runner import run_case

INSERTS = {"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]}
COUNT_STATE = [{"do": {"count_state": True}}]
REPORT = ["ReportBatchItemFailures"]


def at(at_ms: int, *refs: str, **more: Any) -> list[dict[str, Any]]:
    """Give writes or messages of one instant, each of an item of its own."""
    return [{"ref": ref, "at_ms": at_ms, "item": f"item-{ref}", **more} for ref in refs]


def sent(at_ms: int, *refs: str, **more: Any) -> list[dict[str, Any]]:
    """Give messages of one instant."""
    return [{"ref": ref, "at_ms": at_ms, **more} for ref in refs]


def stream(writes: list[dict[str, Any]], expect: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Give a stream case."""
    mapping = {"StartingPosition": "TRIM_HORIZON", **parts.pop("mapping", {})}
    return {
        "id": "",
        "kind": "stream",
        "mapping": mapping,
        "writes": writes,
        "until_ms": 60_000,
        "expect": expect,
        **parts,
    }


def queue(messages: list[dict[str, Any]], expect: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Give a queue case."""
    return {
        "id": "",
        "kind": "queue",
        "mapping": {},
        "messages": messages,
        "until_ms": 60_000,
        "expect": expect,
        **parts,
    }


WORLDS: dict[str, dict[str, Any]] = {
    "latest skips what is there and delivers what comes": stream(
        at(-1, "1") + at(0, "2") + at(5_000, "3"),
        {"invocations": [["2"], ["3"]]},
        mapping={"StartingPosition": "LATEST"},
    ),
    "latest reads children from their start": stream(
        at(-1, "1", shard="p") + at(1_000, "2", shard="p") + at(1_000, "3", shard="c"),
        {"invocations": [["2"], ["3"]]},
        mapping={"StartingPosition": "LATEST"},
        shards=[{"id": "p"}, {"id": "c", "parent": "p"}],
    ),
    "the children of a split come after their parent and side by side": stream(
        at(0, "1", "2", "3", shard="p") + at(0, "4", shard="c") + at(0, "5", shard="d"),
        {
            "invocations_any_order": [["1", "2"], ["3"], ["4"], ["5"]],
            "ordering": [{"before": [["1", "2", "3"], ["4", "5"]]}, {"max_in_flight": 2}, {"each_once": True}],
        },
        mapping={"BatchSize": 2},
        shards=["p", {"id": "c", "parent": "p"}, {"id": "d", "parent": "p"}],
        function=[{"do": {"takes_ms": 500}}],
    ),
    "the order of runs may be left open, and each run is counted once": stream(
        at(0, "1"),
        {
            "invocations": [["1"], {"records": ["1"], "not_after_ms": 0}],
            "invocations_any_order": True,
        },
        function=[{"when": {"call": 1}, "do": {"raise": True}}],
    ),
    "a merged shard waits for both its parents": stream(
        at(0, "1", shard="a") + at(0, "2", shard="b") + at(0, "3", shard="m"),
        {"ordering": [{"before": ["1", "3"]}, {"before": ["2", "3"]}, {"calls": 3}]},
        shards={"a": {}, "b": None, "m": ["a", "b"]},
        function=[{"when": {"contains": ["2"]}, "do": {"takes_ms": 2_000}}],
    ),
    "a failing parent holds up its child": stream(
        at(0, "1", shard="p") + at(0, "2", shard="c"),
        {"ordering": [{"each_call": ["1"]}, {"calls_at_least": 3}]},
        shards=["p", {"id": "c", "parent": "p"}],
        function=[{"do": {"raise": True}}],
    ),
    "a free shard reads a thousand records at most": stream(
        [{"ref": str(number), "at_ms": 0, "item": "x"} for number in range(1_001)],
        {"ordering": [{"calls": 2}, {"batch_at_most": 1_000}, {"per_item": True}, {"each_once": True}]},
        mapping={"BatchSize": 10_000},
    ),
    "what comes while the function runs is the next batch": stream(
        at(0, "1") + at(500, "2") + at(1_000, "3") + at(1_001, "4"),
        {"invocations": [["1"], ["2", "3"], ["4"]]},
        function=[{"do": {"takes_ms": 1_000}}],
    ),
    "a window opens with the first record that passes the filters": stream(
        at(0, "1", event="REMOVE") + at(3_000, "2") + at(4_000, "3", event="REMOVE"),
        {
            "invocations": [{"records": ["2"], "not_before_ms": 8_000, "not_after_ms": 8_000}],
            "metrics": {"PolledEventCount": 3, "FilteredOutEventCount": 2, "InvokedEventCount": 1},
        },
        mapping={
            "MaximumBatchingWindowInSeconds": 5,
            "FilterCriteria": INSERTS,
            "MetricsConfig": {"Metrics": ["EventCount"]},
        },
    ),
    "the state of a shard ends with it": stream(
        at(0, "1", shard="p") + at(3_000, "2", shard="p") + at(3_000, "3", shard="c"),
        {
            "invocations": [
                {"records": ["1"], "state": {}},
                {"records": ["2"], "state": {"n": 1}},
                {"records": [], "state": {"n": 2}, "final": True, "not_after_ms": 3_000},
                {"records": ["3"], "state": {}, "final": False},
                {"records": [], "state": {"n": 1}, "final": True, "not_before_ms": 10_000},
            ]
        },
        mapping={"TumblingWindowInSeconds": 10},
        shards=["p", {"id": "c", "parent": "p"}],
        function=COUNT_STATE,
    ),
    "a state over one megabyte ends its window early": stream(
        at(0, "1") + at(1_000, "2") + at(12_000, "3"),
        {
            "invocations": [
                {"records": ["1"], "state": {}},
                {"records": [], "state_bytes": 1_100_000, "final": True, "early": True},
                {"records": ["2"], "state": {}, "early": False},
                {"records": [], "state": {"n": 1}, "final": True, "early": False},
                {"records": ["3"], "state": {}},
            ]
        },
        mapping={"TumblingWindowInSeconds": 10},
        function=[{"when": {"contains": ["1"]}, "do": {"return_state_bytes": 1_100_000}}, *COUNT_STATE],
        until_ms=15_000,
    ),
    "throttles spend no retry": stream(
        at(0, "1"),
        {
            "invocations": [["1"]],
            "on_failure": [{"condition": "RetryAttemptsExhausted", "covers": ["1"], "approximateInvokeCount": 1}],
        },
        mapping={"MaximumRetryAttempts": 0},
        destination={"kind": "sns"},
        function=[{"when": {"call_at_most": 4}, "do": {"throttle": True}}, {"do": {"raise": True}}],
    ),
    "reserved concurrency throttles the second shard": stream(
        at(0, "1", shard="a") + at(0, "2", shard="b"),
        {"ordering": [{"max_in_flight": 1}, {"each_once": True}]},
        shards=["a", "b"],
        function=[{"do": {"takes_ms": 1_000}}],
        function_settings={"reserved_concurrency": 1},
    ),
    "a run that takes too long is a function error": stream(
        at(0, "1"),
        {
            "invocations": [["1"]],
            "on_failure": [{"condition": "RetryAttemptsExhausted", "covers": ["1"], "functionError": "Unhandled"}],
        },
        mapping={"MaximumRetryAttempts": 0},
        destination={"kind": "sqs"},
        function=[{"do": {"takes_ms": 2_001}}],
        function_settings={"timeout_s": 2},
    ),
    "an answer larger than six megabytes is a function error": stream(
        at(0, "1"),
        {"invocations": [["1"], ["1"]]},
        mapping={"TumblingWindowInSeconds": 10, "MaximumRetryAttempts": 1},
        function=[{"do": {"return_state_bytes": 7_000_000}}],
        until_ms=5_000,
    ),
    "each discard has its own record": stream(
        at(-70_000, "1", "2") + at(0, "3"),
        {
            "invocations": [["3"]],
            "on_failure": [
                {"condition": "RecordAgeExceeded", "covers": ["1", "2"], "may_split": True, "has_payload": True}
            ],
        },
        mapping={"MaximumRecordAgeInSeconds": 60},
        destination={"kind": "s3"},
    ),
    "a discarded batch covers what its filters let through": stream(
        at(0, "1") + at(0, "2", event="REMOVE") + at(0, "3"),
        {"on_failure": [{"condition": "RetryAttemptsExhausted", "covers": ["1", "3"]}]},
        mapping={"MaximumRetryAttempts": 0, "FilterCriteria": INSERTS},
        destination={"kind": "sqs"},
        function=[{"do": {"raise": True}}],
    ),
    "retention ends what no limit ends": stream(
        at(0, "1") + at(80_000_000, "2"),
        {"ordering": [{"before": [["1"], ["2"]]}], "on_failure": [], "metrics": {"DroppedEventCount": 0}},
        mapping={"MetricsConfig": {"Metrics": ["EventCount"]}},
        function=[{"when": {"contains": ["1"]}, "do": {"raise": True}}],
        until_ms=86_500_000,
    ),
    "a record trimmed before the mapping began is never seen": stream(
        at(-86_400_001, "1") + at(-86_400_000, "2"), {"invocations": [["2"]]}
    ),
    "a mapping created disabled begins when it is enabled": stream(
        at(0, "1"),
        {"invocations": [{"records": ["1"], "not_before_ms": 5_000}]},
        mapping={"Enabled": False},
        changes=[{"at_ms": 5_000, "Enabled": True}],
    ),
    "a mapping switched off at the beginning does nothing": stream(
        at(0, "1"), {"invocations": []}, changes=[{"at_ms": 0, "Enabled": False}]
    ),
    "a mapping keeps its place while it is off": stream(
        at(0, "1") + at(10_000, "2"),
        {"invocations": [["1"], {"records": ["2"], "not_before_ms": 15_000}]},
        changes=[{"at_ms": 5_000, "Enabled": False}, {"at_ms": 15_000, "Enabled": True}],
    ),
    "a source that cannot be read costs nothing but time": stream(
        at(0, "1") + at(10_000, "2"),
        {"invocations": [["1"], {"records": ["2"], "not_before_ms": 15_000, "not_after_ms": 15_250}]},
        changes=[{"at_ms": 5_000, "source_readable": False}, {"at_ms": 15_000, "source_readable": True}],
    ),
    "images are as far as event and view have them": stream(
        [
            {"ref": "1", "at_ms": 0, "item": "a", "view": "KEYS_ONLY", "attributes": {"n": {"N": "1"}}},
            {"ref": "2", "at_ms": 0, "item": "a", "view": "OLD_IMAGE", "event": "MODIFY", "bytes": 3},
            {"ref": "3", "at_ms": 0, "item": "a", "ttl": True, "bytes": 3, "old_attributes": {"n": {"N": "1"}}},
            {"ref": "4", "at_ms": 1_500, "key": {"pk": {"S": "b"}, "sk": {"N": "-1.5"}}},
        ],
        {
            "delivered": {
                "1": {"has": {"dynamodb": {"SizeBytes": 3}}, "lacks": ["dynamodb.NewImage", "dynamodb.OldImage"]},
                "2": {"has": {"dynamodb": {"OldImage": {"pk": {"S": "a"}}}}, "lacks": ["dynamodb.NewImage"]},
                "3": {
                    "has": {
                        "eventName": "REMOVE",
                        "dynamodb": {"OldImage": {"pad": {"S": "xxx"}, "n": {"N": "1"}}},
                        "userIdentity": {"type": "Service"},
                    }
                },
                "4": {
                    "has": {"dynamodb": {"ApproximateCreationDateTime": 1_767_225_601.0, "SizeBytes": 16}},
                    "lacks": ["userIdentity", "dynamodb.OldImage"],
                },
            }
        },
    ),
    "the size of a record counts every type of value": stream(
        [
            {
                "ref": "1",
                "at_ms": 0,
                "item": "a",
                "attributes": {
                    "ss": {"SS": ["ab", "c"]},
                    "ns": {"NS": ["1", "22"]},
                    "bs": {"BS": ["Zm9v"]},
                    "l": {"L": [{"S": "a"}, {"BOOL": True}]},
                    "m": {"M": {"k": {"NULL": True}}},
                },
            }
        ],
        {"delivered": {"1": {"has": {"dynamodb": {"SizeBytes": 3 + 3 + 5 + 6 + 5 + 8 + 7}}}}},
    ),
    "a run that has not ended comes before nothing": stream(
        at(0, "1") + at(59_000, "2"),
        {"ordering": [{"before": ["1", "2"]}, {"max_in_flight_per_item": 1}]},
        function=[{"when": {"contains_any": ["2"]}, "do": {"takes_ms": 2_000}}],
    ),
    "messages reported come back and are dead-lettered": queue(
        sent(0, "1", "2", "3"),
        {
            "invocations": [["1", "2", "3"], {"messages": ["2"], "receive_counts": [2], "not_before_ms": 10_000}],
            "deleted": ["1", "3"],
            "dead_letter": ["2"],
            "metrics": {"FailedInvokeEventCount": 4},
        },
        mapping={"FunctionResponseTypes": REPORT, "MetricsConfig": {"Metrics": ["EventCount"]}},
        queue={"visibility_timeout_s": 10, "max_receive_count": 2},
        function=[{"do": {"report": ["2"]}}],
    ),
    "a throttled batch keeps its lease": queue(
        sent(0, "1"),
        {"invocations": [{"messages": ["1"], "receive_counts": [1]}], "deleted": ["1"]},
        function=[{"when": {"call_at_most": 3}, "do": {"throttle": True}}],
    ),
    "a message whose lease ends with throttles is received again": queue(
        sent(0, "1"),
        {"invocations": [], "deleted": [], "dead_letter": ["1"]},
        queue={"visibility_timeout_s": 10, "max_receive_count": 2},
        function=[{"do": {"throttle": True}}],
    ),
    "a second receive may do better than the first": queue(
        sent(0, "1"),
        {"invocations": [["1"], {"messages": ["1"], "receive_counts": [2]}], "deleted": ["1"]},
        function=[{"when": {"receive_count_at_most": 1}, "do": {"raise": True}}],
    ),
    "groups go side by side and each in order": queue(
        sent(0, "a1", group="a") + sent(0, "b1", group="b") + sent(0, "a2", group="a") + sent(0, "b2", group="b"),
        {
            "ordering": [{"per_group": True}, {"max_in_flight_per_group": 1}, {"max_in_flight": 2}],
            "deleted": ["a1", "a2", "b1", "b2"],
        },
        mapping={"BatchSize": 1},
        queue={"fifo": True},
        function=[{"do": {"takes_ms": 1_000}}],
    ),
    "a failing group is retried as it was": queue(
        sent(0, "1", "2", "3", "4", group="g"),
        {
            "on_failure": [],
            "invocations": [["1", "2", "3", "4"], ["2", "3", "4"]],
            "deleted": ["1", "2", "3"],
            "dead_letter": ["4"],
        },
        mapping={"FunctionResponseTypes": REPORT},
        queue={"fifo": True, "visibility_timeout_s": 5, "max_receive_count": 2},
        function=[
            {"when": {"call": 1}, "do": {"report": ["2", "3", "4"]}},
            {"do": {"report": ["4"]}},
        ],
    ),
    "a mapping switched off releases what it gathered": queue(
        sent(0, "1"),
        {"invocations": [{"messages": ["1"], "receive_counts": [2], "not_before_ms": 15_000}], "deleted": ["1"]},
        mapping={"MaximumBatchingWindowInSeconds": 5},
        changes=[{"at_ms": 2_000, "Enabled": False}, {"at_ms": 10_000, "Enabled": True}],
    ),
    "a queue that cannot be read is tried again": queue(
        sent(5_000, "1"),
        {"invocations": [{"messages": ["1"], "not_before_ms": 9_000, "not_after_ms": 9_250}]},
        changes=[{"at_ms": 1_000, "source_readable": False}, {"at_ms": 9_000, "source_readable": True}],
    ),
    "a queue mapping may be created disabled or switched off at once": queue(
        sent(0, "1"),
        {"invocations": [], "delivered": {}, "invocations_any_order": []},
        mapping={"Enabled": False},
        changes=[{"at_ms": 0, "Enabled": False}],
    ),
    "a lease that ends while the function runs gives the message to another": queue(
        sent(0, "1"),
        {"invocations": [["1"], {"messages": ["1"], "receive_counts": [2]}], "deleted": ["1"]},
        queue={"visibility_timeout_s": 2},
        function=[{"when": {"call": 1}, "do": {"takes_ms": 3_000}}],
    ),
    "a message has what the queue gives it": queue(
        sent(0, "1", group="g", body="text"),
        {
            "delivered": {
                "1": {
                    "has": {"body": "text", "eventSource": "aws:sqs", "attributes": {"MessageGroupId": "g"}},
                    "lacks": ["attributes.DeadLetterQueueSourceArn", "body.text"],
                }
            }
        },
        queue={"fifo": True},
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in WORLDS.items()])
def test_a_world_is_as_expected(case: dict[str, Any]) -> None:
    """What the guides say happens in it."""
    verdict = run_case(case)

    assert verdict.passed, "\n".join(verdict.problems)
