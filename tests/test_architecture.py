"""The three houses meet only in the template, and inside the tool imports run one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSES = {
    "stacks": {"stacks"},
    "lambda_src": {path.name for path in (ROOT / "lambda_src").iterdir() if path.is_dir()},
    "penstock": {"penstock"},
}
FLOORS = [
    ["cli"],
    ["demo", "testing"],
    ["application"],
    ["composition"],
    ["premises"],
    ["gateway"],
    ["checks", "conformance"],
    ["runtime"],
    ["cloud"],
    ["story"],
    ["template"],
    ["mapping"],
    ["collector", "errors", "loopback", "terminal"],
]
"""The rooms of ``penstock/``, top to bottom: each may import what is below it and itself."""


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def sources(house: str) -> list[Path]:
    """The Python files of a house."""
    files = sorted((ROOT / house).rglob("*.py"))
    assert files
    return files


@pytest.mark.parametrize("house", HOUSES)
def test_no_house_imports_another(house: str) -> None:
    """stacks, lambda_src and penstock know nothing of one another's code."""
    foreign = set().union(*(names for other, names in HOUSES.items() if other != house))

    found = [(path.name, name) for path in sources(house) for name in imports(path) if name.split(".")[0] in foreign]

    assert found == []


def test_penstock_knows_no_cdk_and_stacks_no_boto() -> None:
    """Each house speaks the language of its own side of the template."""
    foreign = {"penstock": {"aws_cdk", "constructs", "aws_lambda_powertools"}, "stacks": {"boto3", "moto"}}

    found = [
        (path.name, name)
        for house, names in foreign.items()
        for path in sources(house)
        for name in imports(path)
        if name.split(".")[0] in names
    ]

    assert found == []


def test_imports_inside_penstock_run_down() -> None:
    """No room of the tool imports one above it or beside it, and every room has its floor."""
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    upward = []
    for path in sources("penstock"):
        room = path.relative_to(ROOT / "penstock").parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "penstock" and len(parts) > 1 and parts[1] != room and floor[parts[1]] <= floor[room]:
                upward.append((str(path.relative_to(ROOT)), name))

    assert upward == []


@pytest.mark.parametrize("room", ["mapping", "template", "checks"])
def test_decisions_are_pure(room: str) -> None:
    """Deciding rooms read no clock, no randomness, no environment, no network."""
    impure = {"time", "random", "os", "socket", "asyncio", "threading", "subprocess", "secrets", "logging"}

    found = [
        (path.name, name)
        for path in (ROOT / "penstock" / room).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in impure
    ]

    assert found == []
