"""Suppressions, and what is told where a template cannot be read."""

from pathlib import Path
from typing import Any

import pytest

from penstock.template.yaml_text import parse_yaml
from tests.checks.templates import HERE, changed, found, judged

UNPROTECTED = {"Table.DeletionProtectionEnabled": False}


def suppressing(*suppressions: Any) -> dict[str, Any]:
    """A template with an unprotected table that suppresses some rules."""
    template = changed(UNPROTECTED)
    template["Resources"]["Table"]["Metadata"] = {"penstock": {"suppress": list(suppressions)}}
    return template


def test_suppressed_finding_is_kept_with_its_reason(tmp_path: Path) -> None:
    """What a reason covers is no finding any more, and is still told."""
    judgement = judged(suppressing({"rule": "PS704", "reason": "a stage for tests"}), tmp_path)

    assert judgement.findings == ()
    assert [(each.rule, each.resource, each.reason) for each in judgement.suppressed] == [
        ("PS704", "stack/Table", "a stage for tests")
    ]


@pytest.mark.parametrize(
    ("suppression", "evidence"),
    [
        ({"rule": "PS704"}, "PS704 is suppressed without a reason"),
        ({"rule": "PS704", "reason": " "}, "PS704 is suppressed without a reason"),
        ({"rule": "PS704", "reason": ["x"]}, "PS704 is suppressed without a reason"),
        ({"rule": "PS999", "reason": "x"}, "there is no rule PS999"),
        ({"reason": "x"}, "{'reason': 'x'} names no rule"),
        ("PS704", "'PS704' names no rule"),
    ],
)
def test_suppression_that_is_not_whole_is_an_error_and_suppresses_nothing(
    suppression: Any, evidence: str, tmp_path: Path
) -> None:
    """Without rule and reason the finding stays."""
    judgement = judged(suppressing(suppression), tmp_path)

    assert found(judgement) == ["PS704 Table", "PS901 Table"]
    assert [each.evidence for each in judgement.errors] == [evidence]


def test_metadata_that_suppresses_nothing_readable_is_an_error(tmp_path: Path) -> None:
    """A slip in the metadata does not pass for a suppression."""
    template = changed({})
    template["Resources"]["Table"]["Metadata"] = {"penstock": {"ignore": []}}

    assert [each.evidence for each in judged(template, tmp_path).errors] == [
        "Metadata.penstock holds no list `suppress`"
    ]


def test_unused_suppression_is_a_warning(tmp_path: Path) -> None:
    """A suppression that finds nothing is told, so that it goes when its reason is gone."""
    judgement = judged(
        suppressing({"rule": "PS704", "reason": "tests"}, {"rule": "PS401", "reason": "never"}), tmp_path
    )

    assert found(judgement) == ["PS902 Table"]
    assert judgement.findings[0].evidence == "PS401 finds nothing here"
    assert judgement.errors == ()


def test_what_cannot_be_judged_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    """A number that is known at deployment only silences the rules that need it, for that mapping."""
    judgement = judged(changed({"Mapping.BatchSize": {"Ref": "Topic"}, "Mapping.DestinationConfig": None}), tmp_path)

    assert found(judgement) == ["PS301 Mapping"]
    assert [line.partition(": ")[0] for line in judgement.untold if line.startswith("PS")] == [
        "PS110 could not be judged",
        "PS202 could not be judged",
        "PS204 could not be judged",
    ]


SAMPLES = sorted((HERE / "samples").glob("*.yaml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_has_the_defects_that_were_planted(path: Path, tmp_path: Path) -> None:
    """A template as public collections have them is found to have its planted defects, and no other."""
    template = parse_yaml(path)

    judgement = judged(template, tmp_path)

    planted = template["Metadata"]["Planted"]
    assert found(judgement) == sorted(f"{rule} {name}" for name, rules in planted.items() for rule in rules)


def test_samples_without_planted_errors_have_none(tmp_path: Path) -> None:
    """Some samples are sound: not every template is accused."""
    sound = [path for path in SAMPLES if not judged(parse_yaml(path), tmp_path).errors]

    assert [path.stem for path in sound] == ["global_table_fan_out", "queue_worker"]
