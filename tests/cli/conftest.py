"""A cloud assembly to be written for each test of a command."""

from pathlib import Path

import pytest

from tests.template.assembly_writer import AssemblyWriter


@pytest.fixture
def assembly(tmp_path: Path) -> AssemblyWriter:
    """A cloud assembly without stacks."""
    return AssemblyWriter(tmp_path / "cdk.out")
