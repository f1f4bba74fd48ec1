"""Whole runs of the demo with its faults, each made once for all tests that look at it."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.demo.orders import PACKAGED_FILE
from penstock.demo.report import Report
from penstock.demo.session import run_demo
from penstock.terminal import Progress

LIMIT = 12
"""Orders of a run: as many as every kind of fault needs to strike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyDemo:
    """A run that is over: its report, and the journal that it kept."""

    report: Report
    journal: Path

    @property
    def replay(self) -> str:
        """The command that plays it again."""
        return f"python -m penstock demo --limit {LIMIT} --seed {self.report.seed}"


@pytest.fixture(scope="session", params=[1, 2, 3], ids="seed {}".format)
def faulty_demo(
    request: pytest.FixtureRequest, cloud_assembly: Path, tmp_path_factory: pytest.TempPathFactory
) -> FaultyDemo:
    """The demo's own plan of faults, under one seed."""
    journal = tmp_path_factory.mktemp("demo") / "journal.jsonl"
    report = run_demo(
        assembly=cloud_assembly,
        orders_file=PACKAGED_FILE,
        limit=LIMIT,
        seed=request.param,
        progress=Progress(io.StringIO()),
        journal=journal,
    )
    return FaultyDemo(report=report, journal=journal)
