"""The templates of a stage, as the tests ask about them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app as composition_root

# Above, since it finds Node, which the CDK starts as soon as it is imported.
# isort: split
import aws_cdk as cdk

from stacks.data_stack import DataStack
from stacks.pipeline_stack import PipelineStack
from stacks.stage_settings import StageSettings

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesized:
    """The templates of one stage, as parsed JSON."""

    data: dict[str, Any]
    pipeline: dict[str, Any]

    def resources(self, resource_type: str) -> dict[str, Properties]:
        """Logical id → properties of every resource of a type, over both stacks."""
        return {
            logical_id: resource.get("Properties", {})
            for template in (self.data, self.pipeline)
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == resource_type
        }

    def only(self, resource_type: str, starts_with: str = "") -> Properties:
        """The properties of the one resource of a type whose logical id starts so."""
        (properties,) = (
            properties
            for logical_id, properties in self.resources(resource_type).items()
            if logical_id.startswith(starts_with)
        )
        return properties


Synthesize = Callable[[StageSettings], Synthesized]


def new_app(outdir: Path, **context: object) -> cdk.App:
    """An app that bundles nothing and leaves the CDK's own validation to `make test`, which runs it with the CLI."""
    flags = json.loads((composition_root.ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return cdk.App(
        outdir=str(outdir),
        context={**flags, **context, "aws:cdk:bundling-stacks": [], "aws:cdk:enable-path-metadata": True},
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )


def synthesize_anew(settings: StageSettings, outdir: Path) -> Synthesized:
    """Define both stacks with these settings and read their templates."""
    app = new_app(outdir)
    data = DataStack(app, "Data", settings=settings)
    PipelineStack(app, "Pipeline", settings=settings, data=data)
    app.synth()
    return Synthesized(
        data=json.loads((outdir / "Data.template.json").read_text(encoding="utf-8")),
        pipeline=json.loads((outdir / "Pipeline.template.json").read_text(encoding="utf-8")),
    )
