"""`penstock fidelity`: what it tells of a template, also of one that does not run here."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli import main
from penstock.cli.fidelity import last_words, report_on
from tests.template.assembly_writer import AssemblyWriter

QUEUE = {"QueueName": "orders", "VisibilityTimeout": 30, "SqsManagedSseEnabled": True, "Invented": 1}
RESOURCES: dict[str, Any] = {
    **{f"Queue{number}": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": number}} for number in "123"},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": QUEUE},
    "Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}},
}
INSTANCE = {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami"}}


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command prints."""
    assert main(["fidelity", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_what_is_not_exactly_so_is_told_by_property(
    capsys: pytest.CaptureFixture[str], assembly: AssemblyWriter
) -> None:
    """Counts first, then the worst first, each with its reason and the resources concerned."""
    assembly.stack(RESOURCES)

    assert told(capsys, assembly.path).splitlines() == [
        f"{assembly.path}: 5 resources, 8 verdicts: 5 simulated, 2 not simulated, 1 unknown",
        "",
        "unknown: penstock does not know it: whatever it does, it does not do it here",
        "  AWS::SQS::Queue.Invented: penstock does not know this property",
        "      Queue",
        "",
        "not simulated: it has no effect here",
        "  AWS::CloudWatch::Dashboard: there is nothing that shows it",
        "      Board",
        "  AWS::SQS::Queue.SqsManagedSseEnabled: nothing is encrypted here",
        "      Queue",
        "",
        f"`penstock fidelity {assembly.path} --all` shows everything",
    ]


def test_all_shows_what_is_simulated_too(capsys: pytest.CaptureFixture[str], assembly: AssemblyWriter) -> None:
    """With --all nothing is left out."""
    assembly.stack(RESOURCES)

    lines = told(capsys, assembly.path, "--all").splitlines()

    assert lines[lines.index("  AWS::SQS::Queue.VisibilityTimeout") + 1] == "      Queue1, Queue2, Queue3, Queue"


def test_many_resources_are_cut(capsys: pytest.CaptureFixture[str], assembly: AssemblyWriter) -> None:
    """A line names the first few and says how many more there are."""
    assembly.stack({f"Board{number}": RESOURCES["Board"] for number in range(9)})

    assert "      Board0, Board1, Board2, Board3, Board4 and 4 more" in told(capsys, assembly.path).splitlines()


def test_json_holds_every_verdict(capsys: pytest.CaptureFixture[str], assembly: AssemblyWriter) -> None:
    """With --json there is one object with all."""
    assembly.stack({"Queue": RESOURCES["Queue"]})

    document = json.loads(told(capsys, assembly.path, "--json"))

    assert document["counts"] == {
        "not supported": 0,
        "unknown": 1,
        "not simulated": 1,
        "approximated": 0,
        "simulated": 2,
    }
    assert document["verdicts"][2] == {
        "stack": "App",
        "logical_id": "Queue",
        "label": "Queue",
        "type": "AWS::SQS::Queue",
        "property": "SqsManagedSseEnabled",
        "verdict": "not simulated",
        "how": "nothing is encrypted here",
    }


def test_unsupported_type_is_told_with_the_way_around(
    capsys: pytest.CaptureFixture[str], assembly: AssemblyWriter
) -> None:
    """A template that does not run is judged all the same."""
    assembly.stack({"Instance": INSTANCE, "Board": RESOURCES["Board"]})

    lines = told(capsys, assembly.path).splitlines()

    assert lines[2:5] == [
        "not supported: a run refuses it",
        "  AWS::EC2::Instance: this type is not supported; leave it out with --skip",
        "      Instance",
    ]


def test_fails_when_there_is_no_template(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A path that leads nowhere is a usage error."""
    assert main(["fidelity", str(tmp_path / "nowhere")]) == 2
    assert "give the path of a cdk.out directory" in capsys.readouterr().err


def test_run_ends_with_the_short_form(assembly: AssemblyWriter) -> None:
    """Counts, what is not exactly so by name, and the command that says more."""
    assembly.stack(RESOURCES)

    assert list(last_words(report_on(assembly.path))) == [
        f"fidelity: 5 of 8 properties are simulated; `penstock fidelity {assembly.path}` says how and where",
        "  unknown: Queue.Invented",
        "  not simulated: Dashboard, Queue.SqsManagedSseEnabled",
    ]


def test_run_says_nothing_when_all_is_simulated(assembly: AssemblyWriter) -> None:
    """There is nothing to tell then."""
    assembly.stack({"Queue1": RESOURCES["Queue1"]})

    assert list(last_words(report_on(assembly.path))) == []
