"""The plugin in a stranger's project: one line of configuration, tests of ten lines, isolation at speed."""

from __future__ import annotations

import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penstock.testing.plugin import NO_STORY, STORY_LINES, _capped
from tests.tutorial import File, steps

ROOT = Path(__file__).parent.parent.parent
PARCELS = Path(__file__).parent / "parcels.yaml"
CONFIGURED = "[pytest]\npenstock_template = parcels.yaml\npenstock_parameters = Limit=500\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's folder: a template, and the configuration that names it."""
    (tmp_path / "parcels.yaml").write_text(PARCELS.read_text())
    (tmp_path / "pytest.ini").write_text(CONFIGURED)
    (tmp_path / ".penstock").mkdir()
    if (ROOT / ".penstock" / "bytecode").exists():  # spares compiling boto3 once more
        (tmp_path / ".penstock" / "bytecode").symlink_to(ROOT / ".penstock" / "bytecode")
    return tmp_path


def outcome_of(project: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What a session of pytest says of these tests."""
    (project / "test_parcels.py").write_text(tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "penstock.testing.plugin", "-p", "no:cacheprovider", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )


def test_strangers_test_passes_and_a_failing_one_tells_its_story(project: Path) -> None:
    """A poison parcel reaches its destination while its neighbours are weighed; a wrong expectation shows why."""
    tests = """
import pytest
from penstock.testing import ApplicationUnderTest

def test_heavy_parcel_is_set_aside(application: ApplicationUnderTest) -> None:
    for name, grams in {"a": 1, "poison": 501, "b": 2}.items():
        application.api.post("/parcels", json={"id": name, "grams": grams})
    application.settle()
    assert sorted({message.body["id"] for message in application.queues["Weighed"].messages()}) == ["a", "b"]
    (failure,) = application.queues["TooHeavy"].messages()
    assert failure.body["requestContext"]["condition"] == "RetryAttemptsExhausted"

def test_wrong(application):
    application.tables["Parcels"].put({"id": "mine", "grams": 7})
    application.settle()
    assert application.queues["Weighed"].messages() == []

def test_right(application):
    assert application.tables["Parcels"].items() == []

@pytest.fixture
def weighed(application):
    application.tables["Parcels"].put({"id": "early", "grams": 7})
    application.settle()
    assert application.queues["Weighed"].messages() == []

def test_cannot_begin(weighed): pass
"""
    ended = outcome_of(project, tests)

    assert "1 failed, 2 passed, 1 error" in ended.stdout, ended.stdout + ended.stderr
    _, early, story = ended.stdout.split("penstock story")
    assert "INSERT Parcels id=early" in early
    assert re.search(r"INSERT Parcels id=mine.*Weighing → Weigh.*sqs:SendMessage Weighed", story, re.DOTALL), (
        ended.stdout
    )
    assert "poison" not in story


def test_page_is_followed_to_the_letter(project: Path) -> None:
    """Whoever writes the files that the page on tests shows, and nothing else, has a passing test."""
    files = [step for step in steps((ROOT / "docs" / "testing.md").read_text()) if isinstance(step, File) and step.name]
    for file in files:
        (project / file.name).write_text(file.text)

    ended = outcome_of(project, (project / "test_parcels.py").read_text())

    assert [file.name for file in files] == ["parcels.yaml", "pytest.ini", "test_parcels.py"]
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_each_module_may_have_a_template_of_its_own(project: Path) -> None:
    """A redefined fixture counts where it stands, its parameters too; what cannot start fails there alone."""
    (project / "other.yaml").write_text("""
Parameters: {Name: {Type: String}}
Resources: {Others: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}}
""")
    (project / "test_other.py").write_text("""
from pathlib import Path
import pytest

@pytest.fixture(scope="session")
def penstock_template():
    return Path("other.yaml")

@pytest.fixture(scope="session")
def penstock_parameters():
    return {"Name": "theirs"}

def test_other(application):
    application.queues["theirs"].send("here")
    assert list(application.queues) == ["Others"]
    assert list(application.tables) == []
""")
    (project / "test_wrong.py").write_text("""
from test_other import penstock_template

def test_wrong(application):
    pass
""")
    one = """
def test_one(application):
    application.tables["Parcels"].put({"id": "1", "grams": 7})
    application.settle()
    assert [message.body["id"] for message in application.queues["Weighed"].messages()] == ["1"]
"""

    order = ["test_parcels.py", "test_other.py", "test_wrong.py", "test_parcels.py::test_one"]
    ended = outcome_of(project, one, *order, "--keep-duplicates")

    assert "3 passed, 1 error" in ended.stdout, ended.stdout + ended.stderr
    assert "there is no parameter Limit" in ended.stdout
    assert "During handling" not in ended.stdout


def test_fails_when_no_template_is_named(project: Path) -> None:
    """Tests without the fixture pass; one with it says which line to add, and where."""
    (project / "pytest.ini").write_text("[pytest]\n")

    ended = outcome_of(project, "def test_other(): pass\ndef test_one(application): pass\n")

    assert "1 passed, 1 error" in ended.stdout, ended.stdout
    assert "pytest.ini: penstock_template = cdk.out" in ended.stdout
    assert "Traceback" not in ended.stdout


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("penstock_template = cdk.out", r"there is no .*cdk\.out; make it with: cdk synth"),
        (f"{CONFIGURED[9:]}  Limits=3", r"Limits"),
        (f"{CONFIGURED[9:]}penstock_skip = Nothing", r"Nothing"),
        (f"{CONFIGURED[9:]}penstock_seed = lucky", r"penstock_seed: 'lucky' is no number"),
    ],
)
def test_fails_when_the_configuration_is_wrong(project: Path, configuration: str, message: str) -> None:
    """What is wrong with a line is told once the fixture is asked for, without a traceback."""
    (project / "pytest.ini").write_text(f"[pytest]\n{configuration}\n")

    ended = outcome_of(project, "def test_one(application): pass\n")

    assert re.search(message, ended.stdout), ended.stdout
    assert "Traceback" not in ended.stdout
    assert "1 error" in ended.stdout


def test_story_of_a_failed_test_is_cut() -> None:
    """What is not shown is not made either, however much a test wrote; a test of which nothing came says so."""
    lines = iter(range(1_000_000))

    shown = _capped(str(line) for line in lines)

    assert shown == [*map(str, range(STORY_LINES)), "… and more; application.story() gives all of it"]
    assert next(lines) == STORY_LINES + 1
    assert _capped(iter(["one"])) == ["one"]
    assert _capped(iter([])) == [NO_STORY]


def test_plugin_imports_nothing_heavy() -> None:
    """Who has the tool installed and does not use the fixture does not wait for it."""
    asked = "import sys, pytest, penstock.testing.plugin; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)

    heavy = {"aiohttp", "asyncio", "boto3", "botocore", "moto", "cryptography", "yaml"}
    assert not heavy & set(loaded.stdout.split())


def test_two_hundred_tests_leave_each_other_alone(project: Path) -> None:
    """In random order, over two workers, each of 200 tests sees its own records and no others.

    They take less than a minute, of processor time: how much of it others leave is not the tool's doing.
    """
    seed = random.SystemRandom().getrandbits(32)
    order = list(range(200))
    random.Random(seed).shuffle(order)
    body = """
def test_{0}(application):
    application.tables["Parcels"].put({{"id": "{0}", "grams": {0}}})
    if {0} % 10 == 3:
        return  # leaves it in flight
    if {0} % 25 == 0:
        application.faults({{"kind": "invocation-failed", "function": "Weigh", "how": "exits", "when": {{"first": 1}}}})
        application.clock.advance(hours=1)
    application.settle()
    assert [parcel["id"] for parcel in application.tables["Parcels"].items()] == ["{0}"]
    assert {{message.body["id"] for message in application.queues["Weighed"].messages()}} == {{"{0}"}}
    assert {{each.record["dynamodb"]["Keys"]["id"]["S"] for each in application.records("Weigh")}} == {{"{0}"}}
"""

    begun, spent_before = time.monotonic(), _spent_seconds()
    ended = outcome_of(project, "".join(body.format(number) for number in order), "-n", "2")
    took_seconds, spent_seconds = time.monotonic() - begun, _spent_seconds() - spent_before

    print(f"200 tests, order of seed {seed}: {took_seconds:.1f} s, {spent_seconds:.1f} s of processor time")
    assert "200 passed" in ended.stdout, f"order of seed {seed}\n{ended.stdout[-5000:]}"
    assert spent_seconds < 60


def _spent_seconds() -> float:
    """Processor time of all processes that this one started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
