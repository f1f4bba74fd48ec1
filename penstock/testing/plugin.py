"""The pytest plugin: the fixture ``application``, and the story of a test that failed.

One application is started in each session (each worker of pytest-xdist), at the first test that asks for it, and
begun anew before each such test. What is heavy is imported then: who does not use the fixture does not pay for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.testing.application_under_test import ApplicationUnderTest

STORY_LINES = 120
"""How much of its story a failed test shows at most; our choice."""

_HELD = pytest.StashKey["ApplicationUnderTest"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The lines of ``pytest.ini`` (or ``[tool.pytest.ini_options]``) that configure the fixture."""
    parser.addini("penstock_template", "the cloud assembly or template to run, from the root folder")
    parser.addini("penstock_parameters", "values of parameters, a line each: Name=Value", type="linelist")
    parser.addini("penstock_skip", "resources to leave out, a line each", type="linelist")
    parser.addini("penstock_seed", "a number that makes, with a test's name, the ids in it", default="0")


class Session:
    """The application of one session; it is started once, and once more when it could not begin anew."""

    def __init__(self, path: Path, *, parameters: dict[str, str], skip: list[str], seed: int) -> None:
        self._given: dict[str, Any] = {"path": path, "parameters": parameters, "skip": skip, "seed": seed}
        self._seed = seed
        self._running: Application | None = None
        self._clients: dict[str, Any] = {}

    def start(self) -> Application:
        """Start the application, if it is not there."""
        from penstock.application import Application

        if self._running is None:
            self._running = Application.start(clock="jumping", **self._given)
        return self._running

    def begin(self, test: str) -> ApplicationUnderTest:
        """Give a test the application with nothing in it: what it sees depends on its own name and on no other test."""
        from penstock.testing.application_under_test import ApplicationUnderTest

        running = self.start()
        try:
            running.reset(seed=zlib.crc32(f"{self._seed}/{test}".encode()))
        except BaseException:
            self.close()
            raise
        return ApplicationUnderTest(running, self._clients)

    def close(self) -> None:
        """Stop the application; closing twice does nothing."""
        running, self._running = self._running, None
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if running is not None:
            running.close()


@pytest.fixture(scope="session")
def penstock_template(pytestconfig: pytest.Config) -> Path:
    """Where the template is: the line ``penstock_template`` of the configuration. Redefine it to make one first."""
    given = pytestconfig.getini("penstock_template")
    if not given:
        pytest.fail(
            "the fixture application needs a template; add a line to the pytest section of "
            f"{pytestconfig.inipath or 'pytest.ini'}: penstock_template = cdk.out",
            pytrace=False,
        )
    path: Path = pytestconfig.rootpath / given
    if not path.exists():
        pytest.fail(f"penstock_template: there is no {path}; make it with: cdk synth", pytrace=False)
    return path


@pytest.fixture(scope="session")
def _penstock_session(penstock_template: Path, pytestconfig: pytest.Config) -> Iterator[Session]:
    session = Session(
        penstock_template,
        parameters=_parameters(pytestconfig.getini("penstock_parameters")),
        skip=pytestconfig.getini("penstock_skip"),
        seed=_seed(pytestconfig.getini("penstock_seed")),
    )
    try:
        session.start()  # here, so that what cannot start is tried once
    except PenstockError as problem:
        pytest.fail(str(problem), pytrace=False)
    yield session
    session.close()


@pytest.fixture
def application(_penstock_session: Session, request: pytest.FixtureRequest) -> ApplicationUnderTest:
    """The running application, with nothing of any other test in it."""
    try:
        held = _penstock_session.begin(request.node.nodeid)
    except PenstockError as problem:
        pytest.fail(str(problem), pytrace=False)
    request.node.stash[_HELD] = held
    return held


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed, or could not begin or end, what became of the records it touched."""
    report = yield
    held = item.stash.get(_HELD, None)
    if held is not None and report.failed:
        report.sections.append(("penstock story", "\n".join(_capped(held.running.journal.stories()))))
    return report


def _capped(story: Iterator[str]) -> list[str]:
    """As many lines as are shown; what comes behind them is not even made."""
    shown = list(islice(story, STORY_LINES))
    more = ["… and more; application.story() gives all of it"] if next(story, None) is not None else []
    return [*shown, *more] or ["nothing was written, sent or published"]


def _parameters(lines: list[str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines]
    wrong = next((name for name, equals, _ in pairs if not equals), None)
    if wrong is not None:
        pytest.fail(f"penstock_parameters: {wrong!r} is no parameter; write Name=Value", pytrace=False)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _seed(text: str) -> int:
    if not text.isdecimal():
        pytest.fail(f"penstock_seed: {text!r} is no number; write one such as 7", pytrace=False)
    return int(text)
