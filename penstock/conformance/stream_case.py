"""Cases of kind ``stream``: a stream mapping through virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.conformance.function import FunctionRules
from penstock.conformance.on_failure import check_on_failure
from penstock.conformance.parts import (
    DESCRIPTION_KEYS,
    CaseNotUnderstood,
    flag_of,
    integer_of,
    list_of,
    mapping_of,
    one_of,
    only_keys,
    refs_of,
    text_of,
)
from penstock.conformance.properties import stream_configuration
from penstock.conformance.statements import check_delivered, check_invocations, check_metrics, check_ordering
from penstock.conformance.stream_record import VIEWS, Written, write
from penstock.conformance.stream_world import STREAM_ARN, CaseShard, StreamWorld
from penstock.conformance.world import Switch
from penstock.mapping import metrics
from penstock.mapping.filters import compile_filters

_KEYS = DESCRIPTION_KEYS | {
    "mapping", "destination", "writes", "shards", "view", "changes", "function", "function_settings", "until_ms",
    "expect",
}  # fmt: skip
_EXPECT = {"invocations", "invocations_any_order", "on_failure", "metrics", "delivered", "ordering"}
METRICS = (
    metrics.POLLED,
    metrics.FILTERED_OUT,
    metrics.INVOKED,
    metrics.FAILED_INVOKE,
    metrics.DROPPED,
    metrics.DELIVERED_ON_FAILURE,
    metrics.DELIVERY_FAILURES,
    metrics.DELETED,
)
"""Every metric whose total a case may name; those of the other kind of source have no data."""


def run_stream_case(case: Mapping[str, Any]) -> list[str]:
    """Run a case; give its problems."""
    only_keys(case, _KEYS, "the case")
    expect = mapping_of(case["expect"], "expect")
    only_keys(expect, _EXPECT, "expect")
    configuration, denied = stream_configuration(case["mapping"], case.get("destination"))
    writes = _read_writes(case)
    world = StreamWorld(
        configuration=configuration,
        shards=_read_shards(case.get("shards"), writes),
        writes=writes,
        switches=read_switches(case.get("changes", [])),
        rules=FunctionRules(case.get("function", []), case.get("function_settings", {}), queue=False),
        destination_denied=denied,
    )
    world.run(integer_of(case["until_ms"], "until_ms"))
    passes = compile_filters(configuration.filters, source="dynamodb")
    passing = {written.ref: written.item for written in writes if passes(written.record.body)}
    return _compare(expect, world, passing)


def read_switches(changes: Any) -> list[Switch]:
    """Read the ``changes`` of a case."""
    switches = []
    for change in list_of(changes, "changes"):
        part = mapping_of(change, "a change")
        only_keys(part, {"at_ms", "Enabled", "source_readable"}, "a change")
        enabled, readable = part.get("Enabled"), part.get("source_readable")
        switches.append(
            Switch(
                at_ms=integer_of(part["at_ms"], "at_ms"),
                enabled=None if enabled is None else flag_of(enabled, "Enabled"),
                source_readable=None if readable is None else flag_of(readable, "source_readable"),
            )
        )
    return switches


def _read_writes(case: Mapping[str, Any]) -> list[Written]:
    view = one_of(case.get("view", "NEW_AND_OLD_IMAGES"), VIEWS, "view")
    parts = list_of(case.get("writes", []), "writes")
    in_time = sorted(parts, key=lambda part: integer_of(mapping_of(part, "a write")["at_ms"], "at_ms"))
    return [write(part, number=number, view=view, stream_arn=STREAM_ARN) for number, part in enumerate(in_time, 1)]


def _read_shards(parts: Any, writes: Sequence[Written]) -> list[CaseShard]:
    """Read ``shards``: names, objects with a name and perhaps a parent, or an object of such (or parents) by name.

    The default shard need not be listed.
    """
    if parts is None:
        shards = [CaseShard(name="s0")]
    elif isinstance(parts, dict):
        named = {name: part if isinstance(part, dict) else {"parent": part} for name, part in parts.items()}
        shards = [_read_shard({"id": name, **part}) for name, part in named.items()]
    else:
        shards = [_read_shard(part) for part in list_of(parts, "shards")]
    names = {shard.name for shard in shards}
    used = {written.shard for written in writes} | {parent for shard in shards for parent in shard.parents}
    if parts is not None and used - names == {"s0"}:
        shards.insert(0, CaseShard(name="s0"))
    elif used - names:
        raise CaseNotUnderstood(f"no such shard: {sorted(used - names)}")
    return shards


def _read_shard(part: Any) -> CaseShard:
    if isinstance(part, str):
        return CaseShard(name=part)
    shard = mapping_of(part, "a shard")
    names = {"id", "shard", "name", "shard_id", "ref"}
    only_keys(shard, names | {"parent", "parents"}, "a shard")
    named = [text_of(shard[key], "a shard's name") for key in sorted(names & set(shard))]
    if len(named) != 1:
        raise CaseNotUnderstood(f"a shard has not one name: {dict(shard)!r}")
    parents = shard.get("parent", shard.get("parents"))
    return CaseShard(name=named[0], parents=() if parents is None else tuple(refs_of(parents, "parent")))


def _compare(expect: Mapping[str, Any], world: StreamWorld, passing: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    runs = world.runs.all
    for name, value in expect.items():
        match name:
            case "invocations" | "invocations_any_order":
                problems += check_invocations(name, expect, runs, refs_key="records")
            case "on_failure":
                problems += check_on_failure(value, world.delivered, world.by_sequence_number)
            case "metrics":
                problems += check_metrics(value, world.metrics, METRICS)
            case "delivered":
                problems += check_delivered(value, runs)
            case _:
                problems += check_ordering(value, runs, passing=passing, group_word="item")
    return problems
