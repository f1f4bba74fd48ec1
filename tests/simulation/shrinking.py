"""Makes a failing plan smaller: fewer records and faults, a plainer mapping, as long as the same rule still breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from tests.simulation.behaviour import GOOD
from tests.simulation.queue_plan import GOOD_RECEIVING
from tests.simulation.stream_plan import GOOD_DELIVERY, GOOD_READING, PlannedShard, StreamPlan
from tests.simulation.world import Plan, play

TRIES_LIMIT = 1_500
"""Worlds played at most to shrink one."""

_USUAL: dict[str, Any] = {
    "behaviours": GOOD,
    "readings": GOOD_READING,
    "receivings": GOOD_RECEIVING,
    "deliveries": GOOD_DELIVERY,
}
"""What the elements of a plan's tuples become where they can be usual."""

_KEPT = frozenset(("seed", "configuration", "shards", "filtering", "announcements"))
"""What is not made usual by itself."""


def shrink(plan: Plan, rule: str) -> Plan:
    """Give the smallest plan found that breaks the same rule; deterministic."""
    tries = iter(range(TRIES_LIMIT))

    def fails(smaller: Plan) -> bool:
        return next(tries, None) is not None and _breaks(smaller, rule)

    while True:
        before = plan
        for name in ("records", "messages", "behaviours", "readings", "receivings", "deliveries", "spells", "switches"):
            if hasattr(plan, name):
                plan = _shorten(plan, name, fails)
        for candidate in _plainer(plan):
            if fails(candidate(plan)):
                plan = candidate(plan)
        if plan == before or next(tries, None) is None:
            return plan


def _breaks(plan: Plan, rule: str) -> bool:
    failure = play(plan).failure
    return failure is not None and failure.rule == rule


def _shorten(plan: Plan, name: str, fails: Callable[[Plan], bool]) -> Plan:
    """Take away runs of elements, from the end, ever shorter ones; what keeps its place becomes usual instead."""
    length = len(getattr(plan, name))
    while length > 0:
        end = len(getattr(plan, name))
        while end > 0:
            start = max(end - length, 0)
            for candidate in _without(plan, name, start, end):
                if candidate != plan and fails(candidate):
                    plan = candidate
                    break
            end = start
        length //= 2
    return plan


def _without(plan: Plan, name: str, start: int, end: int) -> Iterator[Plan]:
    values = getattr(plan, name)
    shorter = replace(plan, **{name: values[:start] + values[end:]})
    yield shorter
    usual = _USUAL.get(name)
    if usual is not None and end < len(values):
        yield replace(plan, **{name: values[:start] + (usual,) * (end - start) + values[end:]})
    if usual is None:
        for fewer in range(end - start, 0, -1):
            if all(behaviour == GOOD for behaviour in plan.behaviours[:fewer]):
                # Fewer records make fewer calls: what goes wrong then must go wrong sooner.
                yield replace(shorter, behaviours=plan.behaviours[fewer:])
                return


def _plainer(plan: Plan) -> Iterator[Callable[[Plan], Plan]]:
    """Give changes of one setting to its usual value."""
    if isinstance(plan, StreamPlan) and len(plan.shards) > 1:
        yield _in_one_shard
    if isinstance(plan, StreamPlan) and plan.filtering is not None:
        yield _without_filters
    for field in fields(plan):
        name, usual = field.name, field.default
        if name not in _KEPT and name not in _USUAL and usual is not MISSING and getattr(plan, name) != usual:
            yield _setting(name, usual)
    for field in fields(plan.configuration):
        if field.name not in ("filters", "fifo") and getattr(plan.configuration, field.name) != field.default:
            yield _property(field.name, field.default)


def _in_one_shard(plan: Plan) -> Plan:
    if isinstance(plan, StreamPlan):
        records = tuple([replace(record, shard=0) for record in plan.records])
        return replace(plan, shards=(PlannedShard(),), announcements=(0,), records=records)
    return plan


def _without_filters(plan: Plan) -> Plan:
    if isinstance(plan, StreamPlan):
        return replace(plan, filtering=None, configuration=replace(plan.configuration, filters=()))
    return plan


def _setting(name: str, value: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **{name: value})


def _property(name: str, value: Any) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        changed: Any = replace(plan.configuration, **{name: value})
        return replace(plan, configuration=changed)

    return change
