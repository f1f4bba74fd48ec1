"""``penstock story`` from its arguments to its output."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from penstock import JOURNAL
from penstock.cli import main, parser
from penstock.story.facts import encode
from penstock.story.journal import Journal
from tests.story.chronicle import BEGAN, body, ended, invoked, mapping, written


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of a run with two records of one item."""
    path = tmp_path / "journal.jsonl"
    kept = Journal(path)
    for fact in (BEGAN, mapping(), written(1, key="k"), written(2, key="k"), invoked("a", 1), ended("a")):
        kept.tell(fact)
    kept.close()
    return path


def test_journal_of_the_last_run_is_read() -> None:
    """Where `penstock run` writes it."""
    assert parser().parse_args(["story", "1"]).journal == JOURNAL


def test_stories_are_printed_apart(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In order, an empty line between them, without colour where nobody sees it."""
    assert main(["story", "k", "--journal", str(journal)]) == 0

    first, second = capsys.readouterr().out.split("\n\n")
    assert "eventID e1" in first
    assert "attempt 1 (first), batch of 1: done" in first
    assert "eventID e2" in second
    assert "\x1b" not in first + second


def test_stories_are_printed_as_json(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with the run and its stories."""
    assert main(["story", "e1", "--journal", str(journal), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["run"] == {"path": "cdk.out", "stacks": ["Stack"], "seed": 0, "clock": "jumping", "version": "0"}
    assert [story["id"] for story in told["stories"]] == ["e1"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_key_that_the_terminal_cannot_show_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Whatever is in a record, its story is told, to people and to programs."""
    key = "ü😀\ud800"
    record = json.dumps(body(1, key))
    path = tmp_path / "journal.jsonl"
    path.write_text(f"{encode(BEGAN)}\n{encode(replace(written(1), records=(record,)))}\n")
    shown = {"ascii": r"id=\xfc\U0001f600\ud800,", "utf-8": "id=ü😀\\ud800,"}[encoding]

    def told(*options: str) -> str:
        printed = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding=encoding))
        assert main(["story", "e1", "--journal", str(path), *options]) == 0
        return printed.getvalue().decode(encoding)

    assert shown in told()
    assert f"id={key}," in json.loads(told("--json"))["stories"][0]["text"]


def test_fails_when_nothing_is_known_of_it(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what there is instead."""
    assert main(["story", "x", "--journal", str(journal)]) == 2

    assert "nothing is known of 'x' in the run of cdk.out; give one of its 1 key (k)" in capsys.readouterr().err
