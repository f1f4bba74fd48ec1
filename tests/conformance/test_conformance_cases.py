"""Every case of the recorded behaviour of AWS, one test each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.conformance.runner import read_cases, run_case

FILES = sorted(Path(__file__).parent.glob("*.json"))
CASES = [pytest.param(case, id=case["id"]) for path in FILES for case in read_cases(path)]


@pytest.mark.parametrize("case", CASES)
def test_a_case_holds(case: Any) -> None:
    """Everything that the case expects happens."""
    verdict = run_case(case)

    assert verdict.passed, f"{verdict.about}\n" + "\n".join(verdict.problems)


def test_the_cases_are_all_there() -> None:
    """Four files, and no case twice."""
    identifiers = [case.id for case in CASES]

    assert [path.name for path in FILES] == ["filters.json", "mappings.json", "queues.json", "streams.json"]
    assert len(identifiers) == len(set(identifiers)) == 488
