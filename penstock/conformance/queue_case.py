"""Cases of kind ``queue``: a queue mapping through virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.conformance.function import FunctionRules
from penstock.conformance.on_failure import check_on_failure
from penstock.conformance.parts import (
    DESCRIPTION_KEYS,
    flag_of,
    integer_of,
    list_of,
    mapping_of,
    only_keys,
    refs_of,
    text_of,
)
from penstock.conformance.properties import queue_configuration
from penstock.conformance.queue_world import QueueWorld, SentMessage
from penstock.conformance.statements import check_delivered, check_invocations, check_metrics, check_ordering
from penstock.conformance.stream_case import METRICS, read_switches
from penstock.mapping.event import encode_json
from penstock.mapping.filters import compile_filters

_KEYS = DESCRIPTION_KEYS | {
    "mapping", "queue", "messages", "changes", "function", "function_settings", "until_ms", "expect",
}  # fmt: skip
_EXPECT = {
    "invocations", "invocations_any_order", "deleted", "dead_letter", "on_failure", "metrics", "delivered", "ordering",
}  # fmt: skip


def run_queue_case(case: Mapping[str, Any]) -> list[str]:
    """Run a case; give its problems."""
    only_keys(case, _KEYS, "the case")
    expect = mapping_of(case["expect"], "expect")
    only_keys(expect, _EXPECT, "expect")
    queue = mapping_of(case.get("queue", {}), "queue")
    only_keys(queue, {"visibility_timeout_s", "max_receive_count", "fifo"}, "queue")
    fifo = flag_of(queue.get("fifo", False), "fifo")
    limit = queue.get("max_receive_count")
    rules = FunctionRules(case.get("function", []), case.get("function_settings", {}), queue=True)
    configuration = queue_configuration(
        case["mapping"],
        fifo=fifo,
        visibility_timeout_seconds=integer_of(queue.get("visibility_timeout_s", 30), "visibility_timeout_s"),
        function_timeout_seconds=rules.timeout_ms // 1_000,
    )
    world = QueueWorld(
        configuration=configuration,
        messages=_read_messages(case.get("messages", []), fifo=fifo),
        maximum_receive_count=None if limit is None else integer_of(limit, "max_receive_count"),
        switches=read_switches(case.get("changes", [])),
        rules=rules,
    )
    passes = compile_filters(configuration.filters, source="sqs")
    passing = {message.ref: message.group or message.ref for message in world.messages if passes(message.record().body)}
    world.run(integer_of(case["until_ms"], "until_ms"))
    return _compare(expect, world, passing)


def _read_messages(parts: Any, *, fifo: bool) -> list[SentMessage]:
    messages = []
    known = {"ref", "at_ms", "body"} | ({"group"} if fifo else set())
    listed = list_of(parts, "messages")
    in_time = sorted(listed, key=lambda part: integer_of(mapping_of(part, "a message")["at_ms"], "at_ms"))
    for number, part in enumerate(in_time, start=1):
        only_keys(part, known, "a message")
        ref = text_of(part["ref"], "ref")
        messages.append(
            SentMessage(
                ref=ref,
                number=number,
                at_ms=integer_of(part["at_ms"], "at_ms"),
                body=text_of(part.get("body", encode_json({"ref": ref})), "body"),
                group=text_of(part.get("group", ref), "group") if fifo else None,
            )
        )
    return messages


def _compare(expect: Mapping[str, Any], world: QueueWorld, passing: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    runs = world.runs.all
    for name, value in expect.items():
        match name:
            case "invocations" | "invocations_any_order":
                problems += check_invocations(name, expect, runs, refs_key="messages")
            case "deleted":
                deleted = [message.ref for message in world.messages if message.deleted]
                problems += _check_refs(name, value, deleted)
            case "dead_letter":
                problems += _check_refs(name, value, [one.ref for one in world.messages if one.dead_lettered])
            case "on_failure":
                problems += check_on_failure(value, [], {})
            case "metrics":
                problems += check_metrics(value, world.metrics, METRICS)
            case "delivered":
                problems += check_delivered(value, runs)
            case _:
                problems += check_ordering(value, runs, passing=passing, group_word="group")
    return problems


def _check_refs(name: str, expected: Any, happened: Sequence[str]) -> list[str]:
    if sorted(refs_of(expected, name)) == sorted(happened):
        return []
    return [f"expected {name} {expected!r}, happened {list(happened)!r}"]
