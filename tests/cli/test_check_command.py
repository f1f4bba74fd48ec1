"""`penstock check`: what it prints, and when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs.generate.checks import PAGE
from penstock.cli import main
from tests.checks.templates import CLEAN, changed

UNPROTECTED = {"Table.DeletionProtectionEnabled": False}


def checked(capsys: pytest.CaptureFixture[str], template: dict[str, Any], path: Path, *options: str) -> tuple[int, str]:
    """Exit code and output for a template."""
    path.write_text(json.dumps(template))
    code = main(["check", str(path), *options])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code"),
    [({}, 0), (UNPROTECTED, 0), ({"Mapping.DestinationConfig": None}, 1)],
    ids=["clean", "warning", "error"],
)
def test_errors_fail_and_warnings_do_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: dict[str, Any], code: int
) -> None:
    """The exit code is 1 for an error alone."""
    assert checked(capsys, changed(change), tmp_path / "stack.json")[0] == code


def test_finding_is_told_with_evidence_remedy_and_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A person finds what, where, why and what to do; and at the end how much there is of it."""
    _, printed = checked(capsys, changed(UNPROTECTED), tmp_path / "stack.json")

    *lines, unread, counts, last = printed.splitlines()
    assert lines == [
        "warning PS704 stack/Table: a table that can be deleted by a slip of hand",
        "    DeletionProtectionEnabled is not set",
        "    Set DeletionProtectionEnabled. Where the data may go, in a stage for tests, suppress this and say so. "
        "(docs/checks.md#ps704)",
    ]
    assert unread.startswith("not judged: stack/ConsumerRole.")
    assert counts == f"{tmp_path / 'stack.json'}: 0 errors, 1 warning, 0 suppressed"
    assert last.endswith(" check --explain PS704` tells more of a rule")


def test_rule_is_explained_without_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever installed the package alone reads what the page says of a rule, without naming a template."""
    section = PAGE.read_text().partition("### PS302\n")[2].partition("\n##")[0]

    with pytest.raises(SystemExit) as ended:
        main(["check", "--explain", "ps302"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"PS302\n{section}".strip()


def test_fails_when_a_rule_to_explain_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped rule is answered with those that are there, those on suppressions too."""
    with pytest.raises(SystemExit) as ended:
        main(["check", "--explain", "PS999"])

    assert ended.value.code == 2
    assert "there is no rule PS999; there are PS101, " in (told := capsys.readouterr().err)
    assert "PS902" in told


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With --json there is one object, by path."""
    template = changed(UNPROTECTED | {"Mapping.DestinationConfig": None})
    suppression = {"rule": "PS704", "reason": "a test"}
    template["Resources"]["Table"]["Metadata"] = {"penstock": {"suppress": [suppression]}}

    code, printed = checked(capsys, template, tmp_path / "stack.json", "--json")

    (told,) = json.loads(printed).values()
    assert code == 1
    assert [(each["rule"], each["severity"], each["resource"]) for each in told["findings"]] == [
        ("PS301", "error", "stack/Mapping")
    ]
    assert [(each["rule"], each["reason"]) for each in told["suppressed"]] == [("PS704", "a test")]
    assert len(told["not_judged"]) == 1


def test_suppressed_finding_is_told_with_its_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A reviewer reads the reasons in the output."""
    template = changed(UNPROTECTED)
    template["Resources"]["Table"]["Metadata"] = {"penstock": {"suppress": [{"rule": "PS704", "reason": "a test"}]}}

    _, printed = checked(capsys, template, tmp_path / "stack.json")

    assert printed.splitlines()[0] == "suppressed PS704 stack/Table: a test"


def test_fails_when_only_aws_can_expand_the_template(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A template with a transform is refused with the way to its expansion."""
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({**CLEAN, "Transform": "AWS::Serverless-2016-10-31"}))

    assert main(["check", str(path)]) == 1
    assert "--template-stage Processed" in capsys.readouterr().err
