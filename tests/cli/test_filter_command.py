"""`penstock filter`: what it says about a file of records, and how it refuses."""

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from penstock.cli import main
from tests.template.assembly_writer import AssemblyWriter

PLACED = {"eventName": "INSERT", "dynamodb": {"NewImage": {"status": {"S": "PLACED"}, "total": {"N": "12"}}}}
REMOVED = {"eventName": "REMOVE", "dynamodb": {"OldImage": {"status": {"S": "PLACED"}}}}
PATTERN = {"dynamodb": {"NewImage": {"status": {"S": ["PLACED"]}, "total": {"N": [12]}}}}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A record, an empty line, and an event with two records."""
    path = tmp_path / "records.jsonl"
    path.write_text(f"{json.dumps(PLACED)}\n\n{json.dumps({'Records': [REMOVED, PLACED]})}\n")
    return path


def filtered(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command prints when it is done."""
    assert main(["filter", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code and message of a refusal."""
    code = main(["filter", *map(str, arguments)])
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err


def test_each_record_and_each_condition_is_accounted_for(capsys: pytest.CaptureFixture[str], records: Path) -> None:
    """The text names place, condition, value and hint, then what every condition let through."""
    printed = filtered(capsys, "--pattern", json.dumps(PATTERN), records)

    total = 'dynamodb.NewImage.total.N: wants [12], seen "12"; numbers travel as text: write "N": ["12"]'
    assert printed.splitlines() == [
        f"1: fails filter 1 at {total}",
        '3[0]: fails filter 1 at dynamodb.NewImage.status.S: wants ["PLACED"], seen nothing; '
        "REMOVE has no NewImage, only OldImage",
        f"3[1]: fails filter 1 at {total}",
        "",
        "0 of 3 records pass",
        "filter 1: 0",
        '  dynamodb.NewImage.status.S ["PLACED"]: 2',
        "  dynamodb.NewImage.total.N [12]: 0",
    ]


def test_example_of_the_readme_runs_as_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records that it names are there, and show one that passes beside one that does not."""
    root = Path(__file__).parents[2]
    (shown,) = re.findall(r"^\$ python -m penstock filter (.*)$", (root / "README.md").read_text(), re.MULTILINE)
    monkeypatch.chdir(root)

    printed = filtered(capsys, *shlex.split(shown, comments=True))

    assert printed.splitlines()[:2] == [
        "1: passes (filter 1)",
        '2: fails filter 1 at eventName: wants ["INSERT"], seen "MODIFY"',
    ]


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path) -> None:
    """With --json, the whole is one object; the pattern may come from a file."""
    pattern = tmp_path / "pattern.json"
    pattern.write_text('{"eventName": ["INSERT"]}')

    told = json.loads(filtered(capsys, "--pattern", pattern, records, "--json"))

    missed = {"filter": 1, "path": "eventName", "wants": ["INSERT"], "seen": ["REMOVE"], "hint": ""}
    assert told == {
        "records": [
            {"place": "1", "passes": True, "failures": []},
            {"place": "3[0]", "passes": False, "failures": [missed]},
            {"place": "3[1]", "passes": True, "failures": []},
        ],
        "filters": [
            {
                "pattern": '{"eventName": ["INSERT"]}',
                "passed": 2,
                "conditions": [{"path": "eventName", "wants": ["INSERT"], "passed": 2}],
            }
        ],
        "passed": 2,
        "total": 3,
    }


def test_records_come_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dash stands for the standard input; a message is looked into by its body."""
    message = {"eventSource": "aws:sqs", "body": json.dumps({"kind": "order"})}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(message).encode())))

    printed = filtered(capsys, "--pattern", '{"body": {"kind": ["order"]}}', "-")

    assert printed.splitlines()[0] == "1: passes (filter 1)"


def test_long_values_are_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A line stays readable, and a failure without a hint ends with what was seen."""
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"a": "x" * 500}))

    printed = filtered(capsys, "--pattern", '{"a": ["y"]}', path)

    assert printed.splitlines()[0] == f'1: fails filter 1 at a: wants ["y"], seen "{"x" * 119}…'


def resources(*patterns: dict[str, Any]) -> dict[str, Any]:
    """A table whose stream feeds a function through some filters."""
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    filters = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}} if patterns else {}
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {"KeySchema": key, "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Key": "code.zip"},
                "Handler": "a.b",
                "Runtime": "python3.13",
                "Role": "arn:aws:iam::1:role/a",
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
                **filters,
            },
        },
    }


def assembly(tmp_path: Path, *patterns: dict[str, Any]) -> Path:
    """A cloud assembly of these resources."""
    written = AssemblyWriter(tmp_path / "cdk.out")
    written.asset("code")
    written.stack(resources(*patterns))
    return written.path


def test_filters_of_a_mapping_are_alternatives(
    capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path
) -> None:
    """A record that one filter lets through passes; which one is told."""
    path = assembly(tmp_path, PATTERN, {"eventName": ["INSERT"]})

    printed = filtered(capsys, "--template", path, "--mapping", "Mapping", records)

    assert printed.splitlines()[0] == "1: passes (filter 2)"
    assert [line[:23] for line in printed.splitlines()[1:3]] == ["3[0]: fails filter 1 at", "3[0]: fails filter 2 at"]


def test_mapping_without_filters_passes_all(capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path) -> None:
    """No filter is no failure."""
    printed = filtered(capsys, "--template", assembly(tmp_path), "--mapping", "Mapping", records)

    assert printed.splitlines() == ["1: passes", "3[0]: passes", "3[1]: passes", "", "3 of 3 records pass"]


def test_template_need_not_run_here(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The filters of any template are found, whatever its functions are written in; a queue's look into bodies."""
    (tmp_path / "records.jsonl").write_text(json.dumps({"body": json.dumps({"detail": {"total": 12}})}))
    clean = Path(__file__).parents[1] / "checks" / "clean.yaml"

    printed = filtered(capsys, "--template", clean, "--mapping", "Messages", tmp_path / "records.jsonl")

    assert printed.splitlines()[0] == "1: passes (filter 1)"


@pytest.mark.parametrize("name", ["Mapping1A2B", "Relay/Mapping", "Relay", "Function3C4D"])
def test_mapping_is_called_by_any_of_its_names(
    capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path, name: str
) -> None:
    """Construct path, logical id, or the function that it feeds, when it feeds no other."""
    path = renamed(tmp_path, resources({"eventName": ["INSERT"]}))

    printed = filtered(capsys, "--template", path, "--mapping", name, records)

    assert printed.splitlines()[0] == "1: passes (filter 1)"


def test_fails_when_several_mappings_feed_the_function(
    capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path
) -> None:
    """The mappings are listed by their construct paths."""
    both = resources() | {"Other": resources()["Mapping"]}

    code, message = refused(capsys, "--template", renamed(tmp_path, both), "--mapping", "Relay", records)

    assert code == 2
    assert "several mappings called Relay; give one of Relay/Mapping, Relay/Other" in message


def renamed(tmp_path: Path, defined: dict[str, Any]) -> Path:
    """A cloud assembly in which mappings and function have logical ids of the CDK's and construct paths."""
    ids = {"Mapping": "Mapping1A2B", "Function": "Function3C4D", "Other": "Other5E6F"}
    text = json.dumps(defined)
    for plain, hashed in ids.items():
        text = text.replace(f'"{plain}": {{"Type"', f'"{hashed}": {{"Type"').replace(
            f'"Ref": "{plain}"', f'"Ref": "{hashed}"'
        )
    written = AssemblyWriter(tmp_path / "cdk.out")
    written.asset("code")
    written.stack(json.loads(text))
    paths = {f"/App/Relay/{plain}": [{"type": "aws:cdk:logicalId", "data": hashed}] for plain, hashed in ids.items()}
    written.artifacts["App"]["metadata"] |= paths
    written.write()
    return written.path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1}\nnot json', "records.jsonl, line 2: this is no JSON: "),
        ('{"a": 1}\n\n[1]', "records.jsonl, line 3: this is no JSON object; give one record a line"),
        ('{"Records": 1}', "records.jsonl, line 1: Records is no list of objects; give the event of a function"),
        ('{"Records": [1]}', "records.jsonl, line 1: Records is no list of objects; give the event of a function"),
    ],
)
def test_fails_when_a_line_is_no_record(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, problem: str
) -> None:
    """The line is named, and the exit code is that of a usage error."""
    (tmp_path / "records.jsonl").write_text(text)

    code, message = refused(capsys, "--pattern", '{"a": [1]}', tmp_path / "records.jsonl")

    assert code == 2
    assert problem in message


def test_text_that_separates_lines_separates_no_records(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A value may hold whatever Unicode calls a line's end."""
    records = tmp_path / "records.jsonl"
    records.write_text(json.dumps({"a": "x\u2028y\x85z"}, ensure_ascii=False) + '\n{"a": "b"}\n', encoding="utf-8")

    assert main(["filter", "--pattern", '{"a": [{"prefix": "x"}]}', str(records)]) == 0

    assert "1 of 2 records pass" in capsys.readouterr().out


def test_fails_when_a_file_is_no_text(capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path) -> None:
    """Neither as records nor as a pattern."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    as_records = refused(capsys, "--pattern", '{"a": [1]}', tmp_path / "binary")
    as_pattern = refused(capsys, "--pattern", tmp_path / "binary", records)

    assert (as_records[0], "binary, line 1: this is no JSON" in as_records[1]) == (2, True)
    assert (as_pattern[0], "binary is no text file; give one that" in as_pattern[1]) == (2, True)


def test_fails_when_there_is_nothing_to_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is missing is named with the reason."""
    code, message = refused(capsys, "--pattern", "{}", tmp_path / "none.jsonl")

    assert (code, "none.jsonl cannot be read: No such file" in message) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pattern", "nowhere.json"], (2, "--pattern nowhere.json is neither JSON nor a file: No such file")),
        (["--pattern", '{"a": 1}'], (1, "the pattern at a is a bare number where an array or an object must stand")),
        (["--pattern", '{"a": [1]}', "--mapping", "Mapping"], (2, "go with --template, not with --pattern")),
        (["--template", "{assembly}"], (2, "--template needs --mapping")),
        (
            ["--template", "{assembly}", "--mapping", "Other"],
            (2, "has no mapping Other of a DynamoDB stream or a queue; it has: Mapping"),
        ),
    ],
)
def test_fails_when_the_filter_is_not_to_be_found(
    capsys: pytest.CaptureFixture[str], records: Path, tmp_path: Path, arguments: list[str], told: tuple[int, str]
) -> None:
    """A pattern that AWS refuses, and arguments that do not go together, are told apart by the exit code."""
    path = assembly(tmp_path)

    code, message = refused(capsys, *[str(path) if given == "{assembly}" else given for given in arguments], records)

    assert code == told[0]
    assert told[1] in message
