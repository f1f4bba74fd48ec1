"""``penstock conform``: failures with their reasons, the count last, and the exit code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli import conform


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A file with one case that holds and one that does not."""
    path = tmp_path / "cases.json"
    pattern: dict[str, Any] = {"kind": "filter", "source": "event-bus", "pattern": {"a": [1]}, "expect": True}
    document = {
        "format": "penstock-conformance/1",
        "cases": [
            {**pattern, "id": "one", "about": "One is one.", "record": {"a": 1}},
            {**pattern, "id": "two", "about": "Two is one.", "record": {"a": 2}},
        ],
    }
    path.write_text(json.dumps(document))
    return path


def run(*words: str) -> int:
    """Run the command as the command line does."""
    parser = argparse.ArgumentParser()
    conform.add_arguments(parser)
    return conform.main(parser.parse_args(words))


def test_a_failure_is_told_and_the_exit_code_is_one(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case, what it is about, what was expected and what happened."""
    assert run(str(cases)) == 1
    assert capsys.readouterr().out == "FAILED two: Two is one.\n  expected True, happened False\n1 passed, 1 failed\n"


def test_without_a_failure_the_exit_code_is_zero(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed but the count."""
    document = json.loads(cases.read_text())
    document["cases"].pop()
    cases.write_text(json.dumps(document))

    assert run(str(cases), str(cases)) == 0
    assert capsys.readouterr().out == "2 passed, 0 failed\n"


def test_the_verdicts_may_be_had_as_json(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same in an object."""
    assert run(str(cases), "--json") == 1
    assert json.loads(capsys.readouterr().out) == {
        "passed": 1,
        "failed": 1,
        "failures": [{"id": "two", "about": "Two is one.", "problems": ["expected True, happened False"]}],
    }
