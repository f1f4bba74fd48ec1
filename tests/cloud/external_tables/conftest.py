"""An endpoint that is not ours, started once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def another_dynamodb() -> Iterator[str]:
    """The URL of another DynamoDB, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cloud.external_tables.another_dynamodb"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            url = server.stdout.readline().strip()
            assert url.startswith("http"), "the endpoint did not start"
            yield url
        finally:
            server.stdin.close()
