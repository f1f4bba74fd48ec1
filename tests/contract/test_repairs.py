"""Each repair is needed, and each contract that says so can fail."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from penstock.cloud import repairs
from penstock.errors import EnvironmentProblem

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.timeout(600)
def test_every_contract_fails_without_its_repair(tmp_path: Path) -> None:
    """Left out one by one, each repair breaks every contract that names it, and there is one for each repair."""
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "tests/contract", "--without-their-repairs", f"--junitxml={report}"]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--tb=no", "--deselect=tests/contract/test_repairs.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    cases = {
        str(case.get("name")): {child.tag for child in case} for case in ElementTree.parse(report).iter("testcase")
    }
    skipped = {name for name, outcome in cases.items() if "skipped" in outcome}

    held = sorted(name for name in cases.keys() - skipped if "failure" not in cases[name])
    assert held == [], run.stdout
    assert skipped == {"test_keys_have_limits[NOTSET]"}
    left_out = {name.partition("[")[2] for name in cases}
    assert [name for name in repairs.REPAIRS if not any(case.startswith(name) for case in left_out)] == []


def test_fails_when_moto_is_another() -> None:
    """The repairs were made for one version and say so of any other."""
    with pytest.raises(EnvironmentProblem, match=f"moto 5.2.6 is installed.*install moto=={repairs.SUPPORTED_MOTO}"):
        repairs.require_supported_moto("5.2.6")


def test_documentation_tells_of_each_repair() -> None:
    """The table in the documentation is the one of the code."""
    documented = (ROOT / "docs" / "local-run.md").read_text()

    rows = "".join(f"| {repair.name} | {repair.behaviour} |\n" for repair in repairs.REPAIRS.values())
    assert f"| repair | |\n|---|---|\n{rows}\n" in documented
