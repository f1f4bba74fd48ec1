"""Each field of the JSON output is described beside the code that emits it, and no description is of nothing."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from penstock.cli import SUBCOMMANDS, main, parser
from penstock.cli.fields import Fields
from penstock.cli.story import run_of
from penstock.story.step import Step
from penstock.story.telling import document
from tests.checks.templates import changed
from tests.cli.field_paths import undescribed, unused
from tests.story.chronicle import BEGAN
from tests.template.assembly_writer import AssemblyWriter
from tests.template.every_property import write_every_property

ELSEWHERE = {"demo", "story"}
"""Commands that tell of a run; their documents are held against their descriptions without one."""


def described(name: str) -> Fields:
    """The descriptions of a command's fields."""
    fields: Fields = importlib.import_module(f"penstock.cli.{name}").fields()
    return fields


def speaking_json() -> list[str]:
    """The commands that take --json."""
    whole = parser()
    return [name for name in SUBCOMMANDS if "--json" in whole._subparsers._group_actions[0].choices[name].format_help()]  # type: ignore[union-attr, index]


class Samples:
    """For each command, command lines whose documents have all its fields between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, document: Any) -> str:
        """Write a file and give its path."""
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    def check(self) -> Sequence[Sequence[str]]:
        """An error, a warning that is suppressed, and what cannot be read."""
        template = changed({"Table.DeletionProtectionEnabled": False, "Mapping.DestinationConfig": None})
        suppressed = [{"rule": "PS704", "reason": "a test"}]
        template["Resources"]["Table"]["Metadata"] = {"penstock": {"suppress": suppressed}}
        return [["check", self.file("stack.json", template)]]

    def fidelity(self) -> Sequence[Sequence[str]]:
        """A template that a run refuses, and that cannot be read whole."""
        table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Ref": "Unknown"}}}
        return [["fidelity", self.file("template.json", {"Resources": {"Table": table}})]]

    def filter(self) -> Sequence[Sequence[str]]:
        """A record that passes and one that does not."""
        records = self.file("records.jsonl", '{"a": "x"}\n{"a": "y"}\n')
        return [["filter", "--pattern", '{"a": ["x"]}', records]]

    def token(self) -> Sequence[Sequence[str]]:
        """A template with an authorizer."""
        assembly = AssemblyWriter(self.folder / "cdk.out")
        write_every_property(assembly)
        return [["token", str(assembly.path), "--claim", "groups=[1]"]]

    def conform(self) -> Sequence[Sequence[str]]:
        """A case that fails."""
        cases = {"format": "penstock-conformance/1", "cases": [{"id": "a", "about": "b", "kind": "c"}]}
        return [["conform", self.file("cases.json", cases)]]


@pytest.mark.parametrize("name", [name for name in speaking_json() if name not in ELSEWHERE])
def test_fields_and_descriptions_agree(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed with --json, nested included, is described; what is described is printed."""
    monkeypatch.chdir(tmp_path)
    sample: Callable[[], Sequence[Sequence[str]]] = getattr(Samples(tmp_path), name)
    documents = []
    for arguments in sample():
        main([*arguments, "--json"])
        documents.append(json.loads(capsys.readouterr().out))

    fields = described(name)
    assert [undescribed(document, fields) for document in documents] == [set()] * len(documents)
    assert unused(documents, fields) == set()
    assert all(meaning.strip() for meaning in fields.values())


def test_fields_of_a_story_are_described() -> None:
    """Each attribute that a step can have is described; the steps below it have the same form."""
    leaf = Step(at_ms=1, kind="call", text="t")
    step = Step(
        at_ms=1,
        kind="attempt",
        text="t",
        id="i",
        mapping="m",
        function="f",
        request_id="r",
        attempt=1,
        reason="r",
        outcome="done",
        passes=False,
        faults=("throttle",),
        steps=(leaf,),
    )
    told = {"run": run_of(BEGAN), "stories": [document(step)]}

    assert undescribed(json.loads(json.dumps(told)), described("story")) == set()
    assert unused([json.loads(json.dumps(told))], described("story")) == set()
    assert {field.name for field in dataclasses.fields(Step)} <= set(document(step))
    assert set(document(leaf)) <= set(document(step))


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        ({"a": 1}, set()),
        ({"a": 1, "b": 2}, {"b"}),
        ({"a": {"c": 1}}, {"a.c"}),
        ({"list": []}, set()),
        ({"list": [{"x": 1}, {"y": 2}]}, {"list.[].y"}),
        ({"any": {"a.b": {"z": 1}}}, set()),
        ({"any": {"a.b": {"y": 1}}}, {"any.a.b.y"}),
        ({"whole": {"q": [1]}}, set()),
    ],
)
def test_undescribed_field_is_found(document: Any, missing: set[str]) -> None:
    """At any depth, in lists, and below keys that are data."""
    fields = {"a": "…", "list[].x": "…", "any.<name>.z": "…", "whole…": "…"}

    assert undescribed(document, fields) == missing


def test_description_of_nothing_is_found() -> None:
    """A field that is never printed is not to be described."""
    assert unused([{"a": 1}, {"b": [2]}], {"a": "…", "b[]": "…", "c": "…"}) == {"c"}
