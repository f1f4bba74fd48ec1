"""The cost of exactly once: every rung of the idempotency ladder and plain Powertools, on the same records, in one run.

`PYTHONPATH=lambda_src python -m benchmarks.ladder [--rounds N] [--keep]`. The functions are those that are deployed,
called in this process against the embedded cloud's engine; see `benchmarks/README.md`. `--keep` writes the figures
that `docs/idempotency.md` is generated from.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.ladder.cloud import Cloud
from benchmarks.ladder.figures import KEPT, LATENCY_MS, Figures, Row, row_of
from benchmarks.ladder.measurement import Measured, measure
from benchmarks.ladder.rungs import RUNGS, Rung
from benchmarks.ladder.tables import TABLES


def run(*, rounds: int) -> Figures:
    """Measure all."""
    cloud = Cloud()
    firsts = {rung.name: next(iter(rung.workloads(rung.tested_records))) for rung in RUNGS}
    found: dict[str, list[Measured]] = {rung.name: [] for rung in RUNGS}
    for number in range(rounds):
        for rung in RUNGS:
            _say(f"round {number + 1}: {rung.name}")
            found[rung.name].append(measure(cloud, rung, firsts[rung.name], count=rung.records))
    rows: list[Row] = []
    for rung in RUNGS:
        _say(f"waiting for requests and other workloads: {rung.name}")
        waited = measure(cloud, rung, firsts[rung.name], count=rung.records, latency_ms=LATENCY_MS)
        rows.append(_timed(row_of(rung.name, firsts[rung.name], found[rung.name][0]), found[rung.name], waited))
        rows += _untimed(cloud, rung, firsts[rung.name])
    return Figures(
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        machine=f"{os.cpu_count()} processors ({_processor()}), Python {platform.python_version()}",
        load=round(os.getloadavg()[0], 1),
        rows=rows,
    )


def _timed(row: Row, found: list[Measured], waited: Measured) -> Row:
    """The least processor time of all rounds: what is over it was somebody else's doing."""
    return replace(
        row,
        processor_ms=round(min(measured.processor_seconds for measured in found) * 1_000 / row.records, 5),
        waited_ms=round(waited.elapsed_seconds * 1_000 / waited.records, 5),
    )


def _untimed(cloud: Cloud, rung: Rung, timed: str) -> Iterator[Row]:
    for name in rung.workloads(rung.other_records):
        if name != timed:
            yield row_of(rung.name, name, measure(cloud, rung, name, count=rung.other_records))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often to time each function; the best counts")
    parser.add_argument("--keep", action="store_true", help=f"write {KEPT.name}, then run `python -m docs.generate`")
    given = parser.parse_args()
    figures = run(rounds=given.rounds)
    for name, table in TABLES.items():
        print(f"\n{name}\n")
        print("\n".join(table(figures)))
    if given.keep:
        figures.write(KEPT)


if __name__ == "__main__":
    main()
