"""The pytest plugin: the fixture ``application``, and the story of a test that failed.

One application is started in each session (each worker of pytest-xdist), at the first test that asks for it, and
begun anew before each such test; a test with another template ends it and starts its own, since a process has room for
one. What is heavy is imported then: who does not use the fixture does not pay for it.
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

NO_STORY = (
    "nothing of it has a story: no stream record, message, event or asynchronous invocation came of it, and no "
    "invocation failed"
)

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


class Sessions:
    """The application that is running, one at a time: a process has one embedded cloud."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._asked: dict[str, Any] = {}
        self._session: Session | None = None
        self._failed: list[tuple[dict[str, Any], PenstockError]] = []

    def of(self, path: Path, *, parameters: dict[str, str], skip: list[str]) -> Session:
        """The application of a template with these parameters; what cannot start is tried once."""
        asked: dict[str, Any] = {"path": path, "parameters": parameters, "skip": skip}
        for failed, problem in self._failed:
            if failed == asked:
                raise problem
        if self._session is None or asked != self._asked:
            self.close()
            session = Session(**asked, seed=self._seed)
            try:
                session.start()
            except PenstockError as problem:
                self._failed.append((asked, problem))
                raise
            self._session, self._asked = session, asked
        return self._session

    def close(self) -> None:
        """Stop it; closing twice does nothing."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


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
def penstock_parameters(pytestconfig: pytest.Config) -> dict[str, str]:
    """Values of the template's parameters: the lines ``penstock_parameters``. Redefine it as the template."""
    return _parameters(pytestconfig.getini("penstock_parameters"))


@pytest.fixture(scope="session")
def penstock_skip(pytestconfig: pytest.Config) -> list[str]:
    """Resources to leave out: the lines ``penstock_skip``. Redefine it as the template."""
    return list(pytestconfig.getini("penstock_skip"))


@pytest.fixture(scope="session")
def _penstock_sessions(pytestconfig: pytest.Config) -> Iterator[Sessions]:
    sessions = Sessions(seed=_seed(pytestconfig.getini("penstock_seed")))
    yield sessions
    sessions.close()


@pytest.fixture
def application(
    penstock_template: Path,
    penstock_parameters: dict[str, str],
    penstock_skip: list[str],
    _penstock_sessions: Sessions,
    request: pytest.FixtureRequest,
) -> ApplicationUnderTest:
    """The running application, with nothing of any other test in it."""
    problem = ""
    try:
        session = _penstock_sessions.of(penstock_template, parameters=penstock_parameters, skip=penstock_skip)
        held = request.node.stash[_HELD] = session.begin(request.node.nodeid)
    except PenstockError as raised:
        problem = str(raised)
    if problem:  # failing in there would show it twice
        pytest.fail(problem, pytrace=False)
    return held


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed, or could not begin or end, what became of all that it did."""
    report = yield
    held = item.stash.get(_HELD, None)
    if held is not None and report.failed:
        report.sections.append(("penstock story", "\n".join(_capped(held.running.journal.stories()))))
    return report


def _capped(story: Iterator[str]) -> list[str]:
    """As many lines as are shown; what comes behind them is not even made."""
    shown = list(islice(story, STORY_LINES))
    more = ["… and more; application.story() gives all of it"] if next(story, None) is not None else []
    return [*shown, *more] or [NO_STORY]


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
