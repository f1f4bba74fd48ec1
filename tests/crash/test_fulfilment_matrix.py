"""The fulfilment, struck at each of its tasks, and started once, again, and twice at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from penstock.template.models import Template
from penstock.template.reader import load
from tests.crash.fulfilment import Plan, Run, Starts, TaskFault, rounds, run_all
from tests.crash.verdict import Verdict


@pytest.fixture(scope="module")
def template(cloud_assembly: Path) -> Template:
    """The application as it is deployed."""
    return load(cloud_assembly, account_id="123456789012", region="eu-west-1")


@pytest.fixture(scope="module")
def played(template: Template) -> Sequence[Run]:
    """Every case, with no fault, one or two."""
    return [run for runs in rounds(template) for run in runs]


def test_every_order_is_shipped_once_or_reported(played: Sequence[Run]) -> None:
    """Nothing is wrong, lost or doubled, wherever faults strike and however often the event comes."""
    assert [run for run in played if run.verdict != Verdict()] == []


def test_every_task_was_struck_by_every_fault(played: Sequence[Run]) -> None:
    """The cases reach each kind of task with each fault that is short, and with each way to start."""
    struck = {(run.plan.starts, operation, fault) for run in played for operation, fault in run.struck}

    for starts in Starts:
        for operation in ("UpdateItem", "GetItem", "SendMessage"):
            assert {(starts, operation, fault) for fault in (TaskFault.ERROR, TaskFault.LOST)} <= struck


def test_order_that_could_not_be_shipped_is_reported(template: Template) -> None:
    """The comparison sees the queue of failures: without the report the order would count as lost."""
    [run] = run_all(template, [Plan(starts=Starts.ONCE, faults={1: TaskFault.ERROR_FOR_GOOD})])

    assert run.requests[-1] == "SendMessage"
    assert run.verdict == Verdict()
