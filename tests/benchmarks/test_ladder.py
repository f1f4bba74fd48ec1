"""What the cost bench keeps of its figures and the machine has no part in: calls, units, and whether results are right.

The figures stand in the documentation, so they have to be those of today's functions.
"""

from collections.abc import Iterator

import pytest

from benchmarks.ladder import figures
from benchmarks.ladder.cloud import Cloud
from benchmarks.ladder.figures import PLAIN, POWERTOOLS
from benchmarks.ladder.measurement import measure
from benchmarks.ladder.rungs import RUNGS, Rung
from benchmarks.ladder.tables import goals

ORDER_BLIND = {PLAIN, POWERTOOLS}
"""A key for each event says nothing of the order of events."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """The embedded cloud's engine."""
    cloud = Cloud()
    yield cloud
    cloud.reset()


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_kept_figures_are_those_of_today(cloud: Cloud, rung: Rung) -> None:
    """Every function makes as many calls a record and takes as many units as is written down, on every workload."""
    kept = figures.read().of(rung.name)
    assert list(kept) == list(rung.workloads(rung.tested_records))

    for workload, row in kept.items():
        measured = figures.row_of(rung.name, workload, measure(cloud, rung, workload, count=rung.tested_records))

        assert (measured.calls_a_record, measured.write_units_a_record, measured.read_units_a_record) == (
            row.calls_a_record,
            row.write_units_a_record,
            row.read_units_a_record,
        ), f"on {workload}: run `make bench-effects` and `python -m docs.generate`"
        assert not measured.wrong or (row.wrong and rung.name in ORDER_BLIND)


@pytest.mark.parametrize("rung", [rung for rung in RUNGS if rung.name in ORDER_BLIND], ids=lambda rung: rung.name)
def test_check_finds_rows_that_went_back(cloud: Cloud, rung: Rung) -> None:
    """What a key for each event cannot see, the bench does: an older event that comes later overwrites the row."""
    measured = measure(cloud, rung, "stale only, PACKED", count=rung.tested_records)

    assert measured.wrong == measured.records


def test_kept_figures_meet_the_goals() -> None:
    """No goal of the effects' cost was missed in the run that is written down."""
    assert [target for target in goals(figures.read()) if not target.is_met] == []
