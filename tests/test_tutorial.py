"""The tutorial does what it says, followed to the letter; without network, so with what is installed here."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.tutorial import PAGE, ROOT, Command, File, _without_met, follow, steps

INSTALLED = ("export PENSTOCK=", "python3 -m venv ", ". venv/", "pip install ")
"""What makes an environment; `make tutorial` does it."""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the programs that pip would install."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, function in (("penstock", "penstock.cli.main"), ("pytest", "pytest.main")):
        module, _, attribute = function.rpartition(".")
        text = f"#!{sys.executable}\nimport sys\nfrom {module} import {attribute}\nsys.exit({attribute}())\n"
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    return folder


def test_tutorial_is_as_it_says(programs: Path, tmp_path: Path) -> None:
    """From the template to the test that passes, every command gives what is shown below it."""
    folder = tmp_path / "empty"
    folder.mkdir()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AWS_", "COV"))}
    variables |= {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    variables |= {"PYTEST_PLUGINS": "penstock.testing.plugin"}  # pip installs it as an entry point

    follow(folder, variables, skipped=lambda command: command.startswith(INSTALLED))


def test_every_file_is_named_before_it_is_written() -> None:
    """The reader learns from the text what the file is called."""
    page = PAGE.read_text(encoding="utf-8")

    for step in steps(page):
        if isinstance(step, File):
            before = page.partition(step.text)[0]
            assert f"`{step.name}`" in before[-700:], step.name


def test_steps_are_read_in_order() -> None:
    """Files, commands with what is shown below them, and an interrupt."""
    page = "```python a.py\nx\n```\n\n```console\n$ b\nc\n$ d\n```\n\n```console second\n^C\nstopping\n```\n"

    assert list(steps(page)) == [
        File(name="a.py", text="x\n"),
        Command(terminal="", text="b", shown=("c",)),
        Command(terminal="", text="d", shown=()),
        Command(terminal="second", text="^C", shown=("stopping",)),
    ]


@pytest.mark.parametrize(
    ("wanted", "line", "left"),
    [
        (["a"], "a", []),
        (["a"], "b", ["a"]),
        (["a…c", "d"], "abc", ["d"]),
        (["…", "a"], "a", []),
        (["…"], "a", ["…"]),
    ],
)
def test_shown_lines_are_met_in_order(wanted: list[str], line: str, left: list[str]) -> None:
    """An ellipsis stands for anything within a line, and for lines."""
    assert _without_met(wanted, line) == left


def test_ten_lines_are_enough() -> None:
    """The end-to-end test is about ten lines long."""
    (text,) = (step.text for step in steps(PAGE.read_text(encoding="utf-8")) if _is_test(step))

    assert len([line for line in text.splitlines() if line.strip()]) <= 10


def _is_test(step: File | Command) -> bool:
    return isinstance(step, File) and bool(re.fullmatch(r"test_\w+\.py", step.name))
