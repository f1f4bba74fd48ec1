"""End to end: records through real worker processes, Penstock beside MiniStack, interleaved in one run.

`python -m benchmarks.end_to_end [--repetitions N] [--puts N]`. Both run the same minimal application (one table with a
stream, one function, one mapping, no filter) with the same handler, on this machine, driven by the same client; see
`benchmarks/README.md` for what each figure means. Figures are medians over the repetitions. MiniStack must be installed
(`python -m benchmarks.peers`); without it Penstock is measured alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.emulators import EMULATORS, OWN_ASSEMBLY, Emulator, OwnApplication
from benchmarks.minimal_assembly import TABLE
from benchmarks.peers import PEERS, interpreter_of

BATCH_RECORDS = {100: 10_000, 1_000: 20_000}
"""Batch size → how many records are written before the gate opens."""

TEXT = "a text of the length that a small record of an application has, somewhat above one hundred characters in all"
SETTLING_SECONDS = 2.0
IDLE_SECONDS = 5.0
"""How long nothing is asked of an emulator while its processor time is looked at, and how long before that."""

PAUSE_SECONDS = (0.1, 0.15)
"""Between two puts that are apart: longer than what MiniStack rests after it woke for nothing (0.05)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report; ``more_is_better`` says how to read a ratio, ``earlier`` is MiniStack's elsewhere."""

    key: str
    title: str
    digits: int = 2
    more_is_better: bool = False
    goal: str = ""
    earlier: str = ""


FIGURES = (
    Figure(key="apart sent p50", title="put sent → handler p50, ms", goal="at most 15"),
    Figure(key="apart sent p95", title="put sent → handler p95, ms"),
    Figure(key="apart answered p50", title="put answered → handler p50, ms", earlier="0.2"),
    Figure(key="apart answered p95", title="put answered → handler p95, ms", earlier="0.3"),
    Figure(key="apart put p50", title="put sent → answered p50, ms"),
    Figure(key="close sent p50", title="without pauses: put sent → handler p50"),
    Figure(key="close sent p95", title="without pauses: put sent → handler p95"),
    Figure(
        key="records/s at 100",
        title="records/s at batch 100",
        digits=0,
        more_is_better=True,
        goal="at least 2,000",
        earlier="1,821",
    ),
    Figure(
        key="records/s at 1000",
        title="records/s at batch 1,000",
        digits=0,
        more_is_better=True,
        goal="above 10,900",
        earlier="10,897",
    ),
    Figure(key="written/s", title="records/s written, 25 a call", digits=0, more_is_better=True),
    Figure(key="start", title="start → first record, s", goal="at most 3", earlier="0.55-0.85"),
    Figure(key="own start", title="the same, this repository's cdk.out", goal="at most 3"),
    Figure(key="memory", title="memory of the idle main process, MB", digits=0, earlier="49"),
    Figure(key="memory of all", title="with its function's process, MB", digits=0),
    Figure(key="idle", title="processor when idle, % of a core", goal="0"),
)


ORDER: dict[str, Any] = {
    "order_id": {"S": "measured"},
    "status": {"S": "PLACED"},
    "version": {"N": "1"},
    "kind": {"S": "order"},
    "country": {"S": "France"},
    "placed_at": {"S": "2010-12-01T08:45:00"},
    "content_hash": {"S": "0"},
    "lines": {
        "L": [
            {
                "M": {
                    "stock_code": {"S": "22728"},
                    "quantity": {"N": "2"},
                    "unit_price": {"N": "3.75"},
                    "invoiced_at": {"S": "2010-12-01T08:45:00"},
                }
            }
        ]
    },
}
"""An order as this repository's application keeps it."""


class Ears:
    """Where the function tells that it was called."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(120)

    def hear(self) -> dict[str, Any]:
        """Wait for the next batch: when, how many records, which item first."""
        told: dict[str, Any] = json.loads(self._socket.recv(65536))
        return told

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def item(name: str, number: int = 0) -> dict[str, Any]:
    """Make an item."""
    return {"id": {"S": name}, "number": {"N": str(number)}, "text": {"S": TEXT}}


def put(emulator: Emulator, name: str) -> tuple[float, float]:
    """Put one item; tell when it was sent and when it was answered."""
    sent_at = time.time()
    emulator.client.put_item(TableName=TABLE, Item=item(name))
    return sent_at, time.time()


def measure_start(emulator: Emulator, ears: Ears) -> dict[str, float]:
    """Put the first item and wait until it is handled; then let the emulator be idle."""
    put(emulator, "first")
    first = ears.hear()
    time.sleep(SETTLING_SECONDS)
    began, spent = time.monotonic(), emulator.processor_seconds
    time.sleep(IDLE_SECONDS)
    return {
        "start": first["called_at"] - emulator.started_at,
        "memory": emulator.memory_mb(whole=False),
        "memory of all": emulator.memory_mb(whole=True),
        "idle": 100 * (emulator.processor_seconds - spent) / (time.monotonic() - began),
    }


def measure_latency(emulator: Emulator, ears: Ears, *, puts: int) -> dict[str, float]:
    """Put one item after another, each after the last one is handled; first with pauses, then without."""
    pauses = random.Random(1)
    measured = {}
    for rhythm in ("apart", "close"):
        sent, answered, took = [], [], []
        for number in range(puts):
            if rhythm == "apart":
                time.sleep(pauses.uniform(*PAUSE_SECONDS))
            sent_at, answered_at = put(emulator, f"{rhythm}-{number}")
            called_at = ears.hear()["called_at"]
            sent.append((called_at - sent_at) * 1000)
            answered.append((called_at - answered_at) * 1000)
            took.append((answered_at - sent_at) * 1000)
        for name, values in (("sent", sent), ("answered", answered), ("put", took)):
            measured[f"{rhythm} {name} p50"] = median(values)
            measured[f"{rhythm} {name} p95"] = quantiles(values, n=20)[-1]
    return measured


def measure_throughput(emulator: Emulator, ears: Ears, gate: Path) -> dict[str, float]:
    """Let records pile up behind a batch that waits, then measure how fast they are handled."""
    records = BATCH_RECORDS[emulator.batch_size]
    put(emulator, "gate")
    ears.hear()
    begun = time.time()
    for start in range(0, records, 25):
        requests = [{"PutRequest": {"Item": item(f"many-{n}", n)}} for n in range(start, start + 25)]
        answer = emulator.client.batch_write_item(RequestItems={TABLE: requests})
        assert not answer.get("UnprocessedItems")
    written = time.time()
    gate.touch()
    opened_at = time.time()
    handled, called_at = 0, opened_at
    while handled < records:
        batch = ears.hear()
        handled += batch["records"]
        called_at = batch["called_at"]
    gate.unlink()
    assert handled == records
    return {
        f"records/s at {emulator.batch_size}": records / (called_at - opened_at),
        "written/s": records / (written - begun),
    }


def measure(kind: type[Emulator], folder: Path, *, cache: Path, batch_size: int, puts: int) -> dict[str, float]:
    """Run one emulator once, with one batch size, and give what was measured; figure → value."""
    folder.mkdir(parents=True)
    gate, path = folder / "gate", folder / "ears"
    ears = Ears(path)
    environment = {"GATE": str(gate), "EARS": str(path)}
    try:
        with kind(folder / kind.name, cache=cache, batch_size=batch_size, environment=environment) as emulator:
            measured = measure_start(emulator, ears)
            if batch_size == min(BATCH_RECORDS):
                measured |= measure_latency(emulator, ears, puts=puts)
            return measured | measure_throughput(emulator, ears, gate)
    finally:
        ears.close()


def measure_own_start(folder: Path, *, cache: Path) -> dict[str, float]:
    """Start this repository's own application, write one order, and wait until it tells of the first invocation."""
    from penstock.template.reader import load

    table = load(OWN_ASSEMBLY).outputs["OrdersTableName"]
    with OwnApplication(folder, cache=cache, batch_size=0, environment={}) as application:
        application.client.put_item(TableName=table, Item=ORDER)
        application.await_invocation()
        return {"own start": time.time() - application.started_at}


def report(measured: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Print a line for each figure."""
    print(f"\n{'end to end, medians':40}{'penstock':>12}{'ministack':>12}   penstock is")
    for figure in FIGURES:
        ours, theirs = (_median(measured.get(name, ()), figure.key) for name in ("penstock", "ministack"))
        line = f"{figure.title:40}{_shown(ours, figure):>12}{_shown(theirs, figure):>12}"
        if ours is not None and theirs is not None and min(ours, theirs) > 0:
            ratio = ours / theirs if figure.more_is_better else theirs / ours
            line += f"   {ratio:.2f} times as good"
        notes = [f"goal {figure.goal}"] if figure.goal else []
        notes += [f"MiniStack elsewhere, not in this run: {figure.earlier}"] if figure.earlier else []
        print(line + (f" ({'; '.join(notes)})" if notes else ""))
    print(
        "LocalStack elsewhere, not measured in this run: 576/967 ms, 95/s at batch 100, 8 s to the first, 308 MB; "
        "12/23 ms at a 10 ms poll, for which it takes 122 % of a core when idle"
    )


def _median(runs: Sequence[Mapping[str, float]], key: str) -> float | None:
    values = [run[key] for run in runs if key in run]
    return median(values) if values else None


def _shown(value: float | None, figure: Figure) -> str:
    return "-" if value is None else f"{value:,.{figure.digits}f}"


def _keep(measured: dict[str, list[dict[str, float]]], name: str, one: dict[str, float], repetition: int) -> None:
    """Print what was measured, and count it unless it was the warm-up."""
    told = ", ".join(f"{key} {value:,.2f}" for key, value in one.items())
    print(f"  {repetition or 'warm-up'} {name}: {told}", flush=True)
    if repetition:
        measured[name].append(one)


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repetitions", type=int, default=5)
    arguments.add_argument("--puts", type=int, default=100, help="items put one by one, a repetition")
    arguments.add_argument("--only", choices=[kind.name for kind in EMULATORS], help="measure one emulator")
    given = arguments.parse_args()
    kinds = [kind for kind in EMULATORS if given.only in (None, kind.name)]
    for kind in list(kinds):
        if kind.name in PEERS and not interpreter_of(kind.name).exists():
            print(f"{kind.name} is not installed: python -m benchmarks.peers {kind.name}")
            kinds.remove(kind)
    measured: dict[str, list[dict[str, float]]] = {kind.name: [] for kind in kinds}
    print(f"load before: {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        cache = folder / "cache"
        cache.mkdir()
        for repetition in range(given.repetitions + 1):  # the first one warms caches and is not counted
            for batch_size in BATCH_RECORDS:
                for kind in kinds if repetition % 2 else reversed(kinds):
                    place = folder / f"{repetition}-{batch_size}-{kind.name}"
                    one = measure(kind, place, cache=cache, batch_size=batch_size, puts=given.puts)
                    _keep(measured, kind.name, one, repetition)
            if "penstock" in measured and (OWN_ASSEMBLY / "manifest.json").exists():
                _keep(measured, "penstock", measure_own_start(folder / f"{repetition}-own", cache=cache), repetition)
    report(measured)
    print(f"load after: {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
