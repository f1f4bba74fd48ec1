"""The figures as tables in Markdown, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.ladder import prices
from benchmarks.ladder.figures import (
    ENRICH,
    LATENCY_MS,
    NOTIFY,
    PLAIN,
    POWERTOOLS,
    RELAY,
    REPLICATE,
    SUMMARIZE,
    TRANSACTION,
    UPDATE_ITEM,
    Figures,
)

NEW, EXISTING, REPEATED, FOLDED, WINDOW = (
    "all new",
    "all existing",
    "all repeated",
    "two changes an order",
    "one window",
)

LADDER = (
    ("version fence, UpdateItem", UPDATE_ITEM, NEW),
    ("version fence, BatchExecuteStatement (`replicate`)", REPLICATE, NEW),
    ("fold per batch, then the fence (`replicate`, two changes an order)", REPLICATE, FOLDED),
    ("fold over a tumbling window (`summarize`, 6,000 records)", SUMMARIZE, WINDOW),
    ("marker and effect in one transaction", TRANSACTION, NEW),
    ("Powertools idempotency, as `effects/idempotency.py` sets it up", POWERTOOLS, NEW),
    ("Powertools idempotency, as its documentation shows it", PLAIN, NEW),
)
HANDLERS = (REPLICATE, SUMMARIZE, RELAY, ENRICH, NOTIFY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A goal, and what was reached."""

    what: str
    goal: str
    reached: str
    is_met: bool


def ladder(figures: Figures) -> Iterator[str]:
    """What each rung costs a record, and what a repetition of it costs."""
    yield from _head("rung", "calls", "write units", "a repeat: calls", "write units", "DynamoDB, $ a million")
    for name, rung, workload in LADDER:
        row, repeat = figures.row(rung, workload), figures.of(rung).get(REPEATED) if workload == NEW else None
        repeated = (_number(repeat.calls_a_record), _number(repeat.write_units_a_record)) if repeat else ("", "")
        costs = (_number(row.calls_a_record), _number(row.write_units_a_record))
        yield _line(name, *costs, *repeated, f"{row.dynamodb_dollars:.4f}")


def workloads(figures: Figures) -> Iterator[str]:
    """`replicate` beside the single fence and plain Powertools, on every workload."""
    yield from _head(
        "workload", "`replicate`: calls", "units", "UpdateItem: calls", "units", "plain: calls", "units", "wrong"
    )
    for workload, row in figures.of(REPLICATE).items():
        others = [figures.row(rung, workload) for rung in (REPLICATE, UPDATE_ITEM, PLAIN)]
        cells = [_number(cost) for row in others for cost in (row.calls_a_record, row.write_units_a_record)]
        yield _line(workload, *cells, f"{100 * others[-1].wrong / others[-1].records:.0f}")
        assert row.wrong == 0, f"replicate is wrong on {workload}"


def handlers(figures: Figures) -> Iterator[str]:
    """What the application's own functions cost a record."""
    yield from _head("function", "records", "calls", "write units", "read units", "DynamoDB, $ a million")
    for rung in HANDLERS:
        for workload, row in figures.of(rung).items():
            if workload in (NEW, REPEATED, WINDOW):
                costs = (row.calls_a_record, row.write_units_a_record, row.read_units_a_record)
                yield _line(rung, workload, *map(_number, costs), f"{row.dynamodb_dollars:.4f}")


def speed(figures: Figures) -> Iterator[str]:
    """Processor time, and what it and waiting allow in one execution environment."""
    yield from _head(
        "function",
        "client CPU, ms",
        "records/s at 0 ms",
        f"at {LATENCY_MS} ms",
        "really waited for",
        "Lambda, $ a million",
    )
    for row in figures.timed():
        assert row.waited_ms is not None
        yield _line(
            row.rung,
            f"{row.processor_ms:.3f}",
            f"{row.per_second(0):,.0f}",
            f"{row.per_second(LATENCY_MS):,.0f}",
            f"{1_000 / row.waited_ms:,.0f}",
            f"{row.lambda_dollars:.3f}",
        )
    yield ""
    yield f"Measured on {figures.date} on {figures.machine}, load average {figures.load:.1f}."


def targets(figures: Figures) -> Iterator[str]:
    """The goals, and what was reached."""
    yield from _head("", "goal", "reached", "")
    for target in goals(figures):
        yield _line(target.what, target.goal, target.reached, "met" if target.is_met else "**missed**")


def goals(figures: Figures) -> Iterator[Target]:
    """Every goal of the effects' cost."""
    for workload in (NEW, EXISTING):
        row = figures.row(REPLICATE, workload)
        what = f"`replicate`, {row.records:,} keys, {workload}"
        yield _at_most(f"{what}: write units a record", 1.0, row.write_units_a_record)
        yield _at_most(f"{what}: calls a record", 0.04, row.calls_a_record)
    window, plain = figures.row(SUMMARIZE, WINDOW), figures.row(PLAIN, NEW)
    what = f"`summarize`, {window.records:,} records a window: write units a record"
    yield _at_most(what, 0.002, window.write_units_a_record)
    for row in (figures.row(REPLICATE, NEW), window):
        units, calls = plain.write_units_a_record / row.write_units_a_record, plain.calls_a_record / row.calls_a_record
        throughput = row.per_second(LATENCY_MS) / plain.per_second(LATENCY_MS)
        yield _times(f"{row.rung} against plain Powertools: fewer units", 3, units)
        yield _times(f"{row.rung} against plain Powertools: fewer calls", 40, calls)
        yield _times(f"{row.rung} against plain Powertools: throughput at {LATENCY_MS} ms", 20, throughput)


def price_list(figures: Figures) -> Iterator[str]:
    """The prices behind the dollars."""
    del figures
    yield (
        f"Prices: list prices of {prices.REGION}, read on {prices.READ_ON}: ${prices.WRITE_MILLION_DOLLARS} a million "
        f"write request units and ${prices.READ_MILLION_DOLLARS} a million read request units (DynamoDB on demand), "
        f"${prices.GB_SECOND_DOLLARS:.10f} a GB-second on Arm and ${prices.INVOCATIONS_MILLION_DOLLARS:.2f} a million "
        f"requests (Lambda), as quoted by {' and '.join(prices.SOURCES)}. Lambda's price is for {prices.MEMORY_MB} MB, "
        f"processor time stretched by {prices.PROCESSOR_MB:,}/{prices.MEMORY_MB}, and {LATENCY_MS} ms a call."
    )


TABLES: Mapping[str, Callable[[Figures], Iterator[str]]] = {
    "ladder": ladder,
    "workloads": workloads,
    "handlers": handlers,
    "speed": speed,
    "targets": targets,
    "prices": price_list,
}


def _at_most(what: str, goal: float, reached: float) -> Target:
    return Target(what=what, goal=f"≤ {goal:g}", reached=_number(reached), is_met=reached <= goal)


def _times(what: str, goal: float, reached: float) -> Target:
    return Target(what=what, goal=f"≥ {goal:g} ×", reached=f"{reached:,.1f} ×", is_met=reached >= goal)


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:.5f}"


def _head(*cells: str) -> Iterable[str]:
    return _line(*cells), "|" + "---|" * len(cells)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
