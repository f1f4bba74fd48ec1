"""What tests of the plugin share: a stranger's template, at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.testing.plugin import Session

PARCELS = Path(__file__).parent / "parcels.yaml"


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    """One application for all tests, as a session of the plugin has it."""
    session = Session(PARCELS, parameters={"Limit": "500"}, skip=[], seed=1)
    yield session
    session.close()
