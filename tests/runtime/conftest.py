"""An empty workshop for each test, one cache for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.workshop import Workshop


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one cache to the whole session: compiling the runtime interface client takes longer than a test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workshop(tmp_path: Path, cache: Path) -> Workshop:
    """Give an empty workshop."""
    return Workshop(tmp_path, cache)
