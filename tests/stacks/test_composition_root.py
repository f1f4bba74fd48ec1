"""The composition root: stage from the context, stack ids, and the same templates every time."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import app as composition_root

# Above, since it finds Node, which the CDK starts as soon as it is imported.
# isort: split
import aws_cdk as cdk

from penstock.checks.judgement import judge
from stacks.settings import DEV, STAGES
from tests.stacks.synthesized import Synthesized, new_app, synthesize_anew

Assembly = Callable[..., list[str]]


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    """Synthesizes what the composition root defines for a context, and names the templates."""

    def synthesized(**context: str) -> list[str]:
        application = new_app(tmp_path, **context)
        composition_root.define(application)
        return sorted(stack.stack_name for stack in application.synth().stacks)

    return synthesized


def test_stage_is_dev_unless_the_context_names_one(assembly: Assembly) -> None:
    """Without a stage in the context, dev is defined."""
    assert assembly() == ["Penstock-dev-Data", "Penstock-dev-Pipeline"]


def test_stage_comes_from_the_context(assembly: Assembly) -> None:
    """`-c stage=prod` defines prod."""
    assert assembly(stage="prod") == ["Penstock-prod-Data", "Penstock-prod-Pipeline"]


def test_fails_when_the_context_names_an_unknown_stage(assembly: Assembly) -> None:
    """A misspelled stage does not silently become another."""
    with pytest.raises(ValueError, match="unknown stage 'production'"):
        assembly(stage="production")


def test_stages_are_named_by_their_settings() -> None:
    """A stage is found by the name that its stacks carry."""
    assert {settings.stage: settings for settings in STAGES.values()} == STAGES


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_synth_of_each_stage_passes_the_check(stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is found in our own templates, neither an error nor a warning, that has no reason beside it."""
    application = new_app(tmp_path, stage=stage)
    composition_root.define(application)

    assert composition_root.synthesize(application) == 0
    assert capsys.readouterr().err == ""
    assert [f"{finding.rule} {finding.resource}" for finding in judge(tmp_path).findings] == []


def test_fails_when_the_check_finds_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A synth ends with 1 and the finding, though the CDK has no objection."""
    application = new_app(tmp_path)
    cdk.CfnResource(cdk.Stack(application, "Stack"), "LostDLQ", type="AWS::SQS::Queue")

    assert composition_root.synthesize(application) == 1
    assert capsys.readouterr().err.startswith("error PS303 Stack/LostDLQ: a dead-letter queue that nothing is sent to")


def test_templates_are_the_same_from_run_to_run(dev: Synthesized, tmp_path: Path) -> None:
    """Two syntheses of the same settings give equal templates."""
    assert synthesize_anew(DEV, tmp_path) == dev


def test_references_between_stacks_are_strong() -> None:
    """The flag that a new CDK would set otherwise is pinned."""
    context = json.loads((composition_root.ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]

    assert context["@aws-cdk/core:defaultCrossStackReferences"] == "strong"
    assert context["@aws-cdk/core:validateAgainstDefaultRules"] is True
