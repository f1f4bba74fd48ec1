"""Contracts of DynamoDB, held against the embedded cloud or, with ``--dynamodb-endpoint URL``, any other.

A contract names the repairs that it needs, none where moto is right as it is. With ``--without-their-repairs`` it runs
once for each of them with that one left out, or with all of those joined by ``+``, each of which would do; it must then
fail.
"""

import time
from collections.abc import Iterator

import pytest

from penstock.cloud import repairs
from tests.contract.endpoint import Endpoint, Table, endpoint_at


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a contract for each repair to be left out, where that was asked for."""
    if metafunc.config.getoption("--without-their-repairs") and "table_endpoint" in metafunc.fixturenames:
        needed = tuple(name for marker in metafunc.definition.iter_markers("needs_repair") for name in marker.args)
        metafunc.parametrize("left_out", needed, indirect=True)


@pytest.fixture(scope="session")
def table_endpoint(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """The endpoint of this run."""
    with endpoint_at(request.config.getoption("--dynamodb-endpoint")) as endpoint:
        yield endpoint


@pytest.fixture
def left_out(request: pytest.FixtureRequest) -> str | None:
    """The repair that is left out in this test."""
    return getattr(request, "param", None)


@pytest.fixture
def endpoint(table_endpoint: Endpoint, left_out: str | None, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """The endpoint, with all repairs in place but the one left out."""
    assert request.node.get_closest_marker("needs_repair"), "a contract says which repairs it needs"
    embedded = table_endpoint.embedded
    if embedded is None and request.node.get_closest_marker("embedded"):
        pytest.skip("it moves the clock of the embedded cloud")
    clock = embedded.clock.now_ms if embedded is not None else lambda: int(time.time() * 1000)
    repairs.install(now_ms=clock, without=left_out.split(" + ") if left_out else [])
    yield table_endpoint
    repairs.install(now_ms=clock)


@pytest.fixture
def table(endpoint: Endpoint) -> Iterator[Table]:
    """A table with the key ``pk``."""
    made = Table(endpoint)
    yield made
    made.drop()


@pytest.fixture
def ordered_table(endpoint: Endpoint) -> Iterator[Table]:
    """A table with the keys ``pk`` and ``sk``."""
    made = Table(endpoint, sort_key=True)
    yield made
    made.drop()


@pytest.fixture
def indexed_table(endpoint: Endpoint) -> Iterator[Table]:
    """A table with the keys ``pk`` and ``sk`` and an index with the keys ``customer`` and ``n``, a number."""
    made = Table(endpoint, sort_key=True, index=True)
    yield made
    made.drop()
