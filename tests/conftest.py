"""What tests of the whole share: the cloud assembly of the application, synthesized once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time, however slow the machine: no test here is about time.
settings.register_profile(
    "repository", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("repository")

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the contract tests."""
    group = parser.getgroup("contract")
    group.addoption("--dynamodb-endpoint", metavar="URL", help="hold the contracts against the DynamoDB at this URL")
    group.addoption("--without-their-repairs", action="store_true", help="run each contract without what it needs")


@pytest.fixture(scope="session")
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``dev`` stage, synthesized as `make run` does it."""
    directory = tmp_path_factory.mktemp("assembly") / "cdk.out"
    environment = {**os.environ, "CDK_OUTDIR": str(directory), "CDK_VALIDATION": "false"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    synth = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert synth.returncode == 0, synth.stderr
    return directory


@pytest.fixture(scope="session")
def penstock_template(cloud_assembly: Path) -> Path:
    """What the fixture ``application`` runs here: the application of this repository."""
    return cloud_assembly
