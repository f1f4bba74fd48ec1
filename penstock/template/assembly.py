"""Reading what was synthesized: the files of a cloud assembly, or one template file.

A cloud assembly is the directory that `cdk synth` writes: ``manifest.json`` names the stacks, their templates and
the asset manifests, and the asset manifests name the code (aws/aws-cdk, package ``cloud-assembly-schema``).
Nothing is resolved here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import EnvironmentProblem, TemplateError, UsageError
from penstock.template.intrinsics import EXPAND, Place
from penstock.template.properties import Properties

SYNTHESIZE = "run `cdk synth`"
GIVE_A_PATH = f"give the path of a cdk.out directory or of a template file, or {SYNTHESIZE} first"

_ENVIRONMENT = re.compile(r"aws://(?P<account>[^/]+)/(?P<region>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDocument:
    """The template of one stack as it was written.

    ``parameters`` are the values that the assembly gives (name → value), ``paths`` is logical id → construct path
    within the stack, ``directory`` is where the template lies. ``account_id`` and ``region`` are ``None`` where the
    stack leaves them to whoever deploys.
    """

    name: str
    document: Mapping[str, Any]
    directory: Path
    parameters: Mapping[str, Any]
    paths: Mapping[str, str]
    account_id: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The stacks in deployment order, and object key → file or directory of each asset."""

    path: Path
    stacks: tuple[StackDocument, ...]
    assets: Mapping[str, Path]


def read_assembly(path: Path) -> Assembly:
    """Read a cloud assembly directory or a single template file.

    Raises `UsageError` when there is none at ``path``, `EnvironmentProblem` when a file of it is missing,
    `TemplateError` when it cannot be understood.
    """
    if path.is_dir():
        if not (path / "manifest.json").is_file():
            raise UsageError(f"no cloud assembly at {path}: it has no manifest.json; {GIVE_A_PATH}")
        assets: dict[str, Path] = {}
        stacks = tuple(_read_directory(path, assets))
        if not stacks:
            raise TemplateError(f"the cloud assembly {path} has no stack", remedy="define one in the CDK application")
        return Assembly(path=path, stacks=stacks, assets=assets)
    if path.is_file():
        stack = StackDocument(
            name=_stack_name(path),
            document=_read_template(path),
            directory=path.parent,
            parameters={},
            paths={},
            account_id=None,
            region=None,
        )
        return Assembly(path=path, stacks=(stack,), assets={})
    raise UsageError(f"there is nothing at {path}; {GIVE_A_PATH}")


def _read_directory(directory: Path, assets: dict[str, Path]) -> Iterator[StackDocument]:
    """The stacks of one assembly directory in deployment order, nested assemblies (CDK stages) after its own."""
    artifacts = dict(_read_object(directory / "manifest.json").object("artifacts").entries())
    for artifact in artifacts.values():
        if artifact.text("type", "") == "cdk:asset-manifest":
            assets.update(_read_assets(directory, artifact.object("properties").text("file")))
    for artifact_id in _deployment_order(artifacts):
        if artifacts[artifact_id].text("type", "") == "aws:cloudformation:stack":
            yield _read_stack(directory, artifact_id, artifacts[artifact_id])
    for artifact in artifacts.values():
        if artifact.text("type", "") == "cdk:cloud-assembly":
            yield from _read_directory(directory / artifact.object("properties").text("directoryName"), assets)


def _read_stack(directory: Path, artifact_id: str, artifact: Properties) -> StackDocument:
    properties = artifact.object("properties")
    environment = _ENVIRONMENT.fullmatch(artifact.text("environment", ""))
    account_id, region = (environment["account"], environment["region"]) if environment else (None, None)
    return StackDocument(
        name=properties.text("stackName", artifact_id),
        document=_read_template(directory / properties.text("templateFile")),
        directory=directory,
        parameters=properties.object("parameters").values,
        paths=dict(_construct_paths(directory, artifact_id, artifact)),
        account_id=None if account_id == "unknown-account" else account_id,
        region=None if region == "unknown-region" else region,
    )


def _construct_paths(directory: Path, artifact_id: str, artifact: Properties) -> Iterator[tuple[str, str]]:
    """Logical id → construct path, without the stack before and ``Resource`` behind it."""
    metadata = artifact.object("metadata")
    if "additionalMetadataFile" in artifact:
        metadata = _read_object(directory / artifact.text("additionalMetadataFile"))
    for path in metadata.values:
        for entry in metadata.objects(path):
            if entry.text("type", "") == "aws:cdk:logicalId":
                within = path.strip("/").removeprefix(artifact.text("displayName", artifact_id)).strip("/")
                yield entry.text("data"), re.sub("(/Resource)+$", "", within)


def _deployment_order(artifacts: Mapping[str, Properties]) -> list[str]:
    """Artifact ids, each after those that it depends on, else in the order of the manifest."""
    ordered: dict[str, None] = {}

    def visit(artifact_id: str, above: tuple[str, ...]) -> None:
        if artifact_id in above:
            circle = " → ".join([*above, artifact_id])
            raise TemplateError(f"the stacks depend on one another in a circle: {circle}", remedy=SYNTHESIZE)
        if artifact_id in ordered or artifact_id not in artifacts:
            return
        for dependency in artifacts[artifact_id].texts("dependencies"):
            visit(dependency, (*above, artifact_id))
        ordered[artifact_id] = None

    for artifact_id in artifacts:
        visit(artifact_id, ())
    return list(ordered)


def _read_assets(directory: Path, file_name: str) -> Iterator[tuple[str, Path]]:
    """Object key → place in the assembly of every file asset."""
    for _, asset in _read_object(directory / file_name).object("files").entries():
        source = asset.object("source").text("path", None)
        if source is not None:
            for _, destination in asset.object("destinations").entries():
                yield destination.text("objectKey"), directory / source


def _read_template(path: Path) -> Mapping[str, Any]:
    """A template file, JSON or YAML by its ending."""
    if not path.is_file():
        raise EnvironmentProblem(f"the template {path} is missing from its cloud assembly; {SYNTHESIZE}")
    if path.suffix.lower() in (".yaml", ".yml"):
        from penstock.template.yaml_text import parse_yaml

        document: Mapping[str, Any] = parse_yaml(path)
    else:
        document = _read_object(path).values
    for section in ("Transform", "Fn::Transform"):
        if section in document:
            named = _transforms(document[section])
            raise TemplateError(f"{path.name} has a {section} ({named}), which only AWS expands", remedy=EXPAND)
    if not isinstance(document.get("Resources"), dict):
        raise TemplateError(
            f"{path.name} has no Resources object, so it is no CloudFormation template",
            remedy="give a cdk.out directory or a template file",
        )
    return document


def _read_object(path: Path) -> Properties:
    """A file that holds one JSON object."""
    try:
        parsed = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise EnvironmentProblem(f"{path} is missing from its cloud assembly; {SYNTHESIZE}") from None
    except ValueError as error:
        raise TemplateError(f"{path} is not JSON: {error}", remedy=f"{SYNTHESIZE} again") from None
    if not isinstance(parsed, dict):
        raise TemplateError(f"{path} holds no JSON object", remedy=f"{SYNTHESIZE} again")
    return Properties(parsed, Place(logical_id=path.name))


def _transforms(written: Any) -> str:
    """The names of a template's transforms."""
    each = written if isinstance(written, list) else [written]
    return ", ".join(str(one.get("Name", "")) if isinstance(one, dict) else str(one) for one in each)


def _stack_name(path: Path) -> str:
    """A stack name made of a file's name: ``my.template.json`` → ``my``."""
    stem = path.name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9-]", "-", stem).strip("-") or "stack"
