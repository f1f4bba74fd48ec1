"""What goes wrong in the demo: the plan, and whole runs that survive it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from penstock.cloud.faults.kinds import KINDS, DestinationRefused, Error, InvocationFailed, ProcessKilled
from penstock.demo.fault_plan import fault_plan
from penstock.demo.orders import PACKAGED_FILE, read_orders
from penstock.demo.session import run_demo
from penstock.errors import UsageError
from penstock.terminal import Progress
from tests.demo.conftest import FaultyDemo

INVOICES = read_orders(PACKAGED_FILE, limit=40).invoices


def test_plan_has_every_kind_that_can_be_survived() -> None:
    """All but a destination that refuses and a function that fails on whole batches."""
    planned = {fault.kind for fault in fault_plan(INVOICES, seed=1).faults}

    assert planned == KINDS.keys() - {DestinationRefused.kind, InvocationFailed.kind}


def test_every_function_is_killed() -> None:
    """No worker is spared, whatever the seed."""
    for seed in range(50):
        killed = {fault.caller for fault in fault_plan(INVOICES, seed=seed).faults if isinstance(fault, ProcessKilled)}

        assert killed == {"Api", "Enrich", "Notify", "Relay", "Replicate", "Summarize"}, f"seed {seed}"


def test_plan_is_made_by_its_seed() -> None:
    """The same seed plans the same; other seeds poison other orders."""
    plans = [fault_plan(INVOICES, seed=seed) for seed in (1, 1, 2)]
    poisons = {
        fault.matching
        for seed in range(30)
        for fault in fault_plan(INVOICES, seed=seed).faults
        if isinstance(fault, Error) and fault.code == "ValidationException"
    }

    assert plans[0] == plans[1] != plans[2]
    assert len(poisons) > 10


def test_demo_survives_its_faults(faulty_demo: FaultyDemo) -> None:
    """Nothing is lost, double, out of order or unexplained, and one order is where it cannot be judged."""
    report = faulty_demo.report

    assert report.account.wrong == (), f"{faulty_demo.replay}\n{report.table()}"
    assert (report.exit_code, report.account.dead_lettered) == (0, 1)


def test_fails_when_the_fault_script_is_missing(cloud_assembly: Path) -> None:
    """A script that cannot be read stops the demo before anything starts."""
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be read"):
        run_demo(
            assembly=cloud_assembly,
            orders_file=PACKAGED_FILE,
            limit=1,
            seed=1,
            progress=Progress(io.StringIO()),
            faults=Path("nowhere.json"),
        )
