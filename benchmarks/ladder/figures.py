"""What a run of the bench found, as data: kept beside this file, from where the documentation takes its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ladder import prices

if TYPE_CHECKING:  # the documentation is made from the figures alone, without the functions
    from benchmarks.ladder.measurement import Measured

PLAIN, UPDATE_ITEM, REPLICATE, SUMMARIZE = "plain Powertools", "fence, UpdateItem", "`replicate`", "`summarize`"
POWERTOOLS, TRANSACTION = "Powertools, set up", "marker and effect together"
RELAY, ENRICH, NOTIFY = "`relay`", "`enrich`", "`notify`"

KEPT = Path(__file__).with_name("figures.json")
LATENCY_MS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A function on a workload. Calls, units and wrong results are totals; times are ms a record, where measured.

    ``waited_ms`` is a record's time with requests that really took `LATENCY_MS`.
    """

    rung: str
    workload: str
    records: int
    invocations: int
    calls: int
    write_units: float
    read_units: float
    wrong: int
    processor_ms: float | None = None
    waited_ms: float | None = None

    @property
    def calls_a_record(self) -> float:
        """AWS calls a record."""
        return self.calls / self.records

    @property
    def write_units_a_record(self) -> float:
        """Write units a record."""
        return self.write_units / self.records

    @property
    def read_units_a_record(self) -> float:
        """Read units a record."""
        return self.read_units / self.records

    @property
    def dynamodb_dollars(self) -> float:
        """DynamoDB's price of a million such records."""
        return prices.dynamodb_dollars(self.write_units_a_record, self.read_units_a_record)

    @property
    def lambda_dollars(self) -> float:
        """Lambda's price of a million such records, with requests of `LATENCY_MS`."""
        return prices.lambda_dollars(
            self._processor_ms, self.calls_a_record * LATENCY_MS, self.invocations / self.records
        )

    def per_second(self, latency_ms: float) -> float:
        """Records a second in one execution environment, computed from processor time and calls."""
        return 1_000 / (self._processor_ms + self.calls_a_record * latency_ms)

    @property
    def _processor_ms(self) -> float:
        assert self.processor_ms is not None, f"{self.rung} on {self.workload} was not timed"
        return self.processor_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All rows of a run, and where and when it was: a date, a machine and how busy it was."""

    date: str
    machine: str
    load: float
    rows: Sequence[Row]

    def row(self, rung: str, workload: str) -> Row:
        """One row; raises StopIteration when there is none."""
        return next(row for row in self.rows if (row.rung, row.workload) == (rung, workload))

    def of(self, rung: str) -> Mapping[str, Row]:
        """The rows of a rung, by workload."""
        return {row.workload: row for row in self.rows if row.rung == rung}

    def timed(self) -> Sequence[Row]:
        """The rows that have times."""
        return [row for row in self.rows if row.processor_ms is not None]

    def write(self, path: Path) -> None:
        """Keep the figures."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read(path: Path = KEPT) -> Figures:
    """Read what was kept."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Figures(**{**document, "rows": [Row(**row) for row in document["rows"]]})


def row_of(rung: str, workload: str, measured: Measured) -> Row:
    """Write a measurement as a row without times."""
    return Row(
        rung=rung,
        workload=workload,
        records=measured.records,
        invocations=measured.invocations,
        calls=measured.calls,
        write_units=measured.write_units,
        read_units=measured.read_units,
        wrong=measured.wrong,
    )
