"""What is read of a cloud assembly or a template file, and what is said when it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.errors import EnvironmentProblem, TemplateError, UsageError
from penstock.template.reader import load
from tests.template.assembly_writer import AssemblyWriter

QUEUE = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}}


def test_stacks_come_in_deployment_order(assembly: AssemblyWriter) -> None:
    """A stack comes after the stacks that it depends on, whatever the manifest's order."""
    assembly.stack(QUEUE, name="Second", dependencies=["First"])
    assembly.stack({}, name="First")

    assert assembly.load().stacks == ("First", "Second")


def test_environment_comes_from_the_manifest(assembly: AssemblyWriter) -> None:
    """Account and region are those that the stacks are made for."""
    assembly.stack(QUEUE, environment="aws://210987654321/eu-west-1")

    template = assembly.load()

    assert (template.account_id, template.region) == ("210987654321", "eu-west-1")
    assert template.queues[0].arn == "arn:aws:sqs:eu-west-1:210987654321:orders"


def test_environment_given_wins(assembly: AssemblyWriter) -> None:
    """An account and a region given by the caller replace those of the assembly; without both there are defaults."""
    assembly.stack(QUEUE)

    given = load(assembly.path, account_id="210987654321", region="eu-west-1")
    default = load(assembly.path)

    assert (given.account_id, given.region) == ("210987654321", "eu-west-1")
    assert (default.account_id, default.region) == ("123456789012", "us-east-1")


def test_nested_assembly_is_read(assembly: AssemblyWriter, tmp_path: Path) -> None:
    """The stacks of a CDK stage lie in an assembly of their own and are read too."""
    assembly.stack(QUEUE)
    (assembly.path / "nested").mkdir()
    for file in ("manifest.json", "App.template.json", "App.assets.json"):
        (assembly.path / "nested" / file).write_bytes((assembly.path / file).read_bytes())
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "nested"}}
    (assembly.path / "manifest.json").write_text(json.dumps({"artifacts": {"Stage": stage}}))

    assert assembly.load().stacks == ("App",)


def test_construct_path_names_a_resource(assembly: AssemblyWriter) -> None:
    """A resource knows the construct path that people gave it, without stack and L1."""
    assembly.stack(QUEUE)

    assert assembly.load().resources["App/Queue"].path == "Queue"


def test_template_file_is_read_alone(tmp_path: Path) -> None:
    """A template file without an assembly is one stack, named like the file."""
    path = tmp_path / "my_orders.template.json"
    path.write_text(json.dumps({"Resources": QUEUE}))

    template = load(path)

    assert template.stacks == ("my-orders",)
    assert [queue.name for queue in template.queues] == ["orders"]


def test_yaml_is_read_with_short_forms(tmp_path: Path) -> None:
    """YAML is read with the short forms of intrinsics, and dates stay text."""
    path = tmp_path / "orders.yaml"
    path.write_text(
        """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${AWS::StackName}-queue", VisibilityTimeout: 60}}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Id: !Join ["-", [!Ref "AWS::Region", !Select [0, [a, b]]]]
        Statement: [{Effect: Allow, Action: "sqs:*", Principal: "*", Resource: !GetAtt Queue.Arn}]
"""
    )

    template = load(path)

    queue = template.queues[0]
    assert (queue.name, queue.visibility_timeout_seconds) == ("orders-queue", 60)
    document = template.resource_policies[queue.arn]
    assert (document["Version"], document["Id"]) == ("2012-10-17", "us-east-1-a")
    assert document["Statement"][0]["Resource"] == queue.arn


def test_fails_when_there_is_no_assembly(tmp_path: Path) -> None:
    """A directory without an assembly, or nothing at all, is answered with how to make one."""
    for path in (tmp_path / "cdk.out", tmp_path):
        with pytest.raises(UsageError, match=r"give the path of a cdk.out directory.*`cdk synth`"):
            load(path)


@pytest.mark.parametrize("file", ["manifest.json", "App.template.json"])
def test_fails_when_json_is_broken(assembly: AssemblyWriter, file: str) -> None:
    """A file that is not JSON is named."""
    assembly.stack(QUEUE)
    (assembly.path / file).write_text('{"artifacts": ')

    with pytest.raises(TemplateError, match=f"{file} is not JSON"):
        assembly.load()


def test_fails_when_the_template_is_missing(assembly: AssemblyWriter) -> None:
    """An assembly that lacks the template of a stack is to be synthesized again."""
    assembly.stack(QUEUE)
    (assembly.path / "App.template.json").unlink()

    with pytest.raises(EnvironmentProblem, match="is missing from its cloud assembly"):
        assembly.load()


def test_fails_when_it_is_no_template(tmp_path: Path) -> None:
    """JSON without Resources is no template, and one with a transform is not expanded."""
    path = tmp_path / "package.json"
    path.write_text('{"name": "other"}')
    with pytest.raises(TemplateError, match="no CloudFormation template"):
        load(path)

    path.write_text('{"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}')
    with pytest.raises(TemplateError, match="Transform"):
        load(path)


@pytest.mark.parametrize(
    ("transform", "named"),
    [
        ("AWS::Serverless-2016-10-31", "AWS::Serverless-2016-10-31"),
        (["AWS::LanguageExtensions", {"Name": "Own", "Parameters": {}}], "AWS::LanguageExtensions, Own"),
    ],
)
def test_fails_when_only_aws_expands_it(tmp_path: Path, transform: object, named: str) -> None:
    """A transform is refused by name, with the commands that expand a template."""
    template = tmp_path / "sam.json"
    template.write_text(json.dumps({"Transform": transform, "Resources": {}}))

    with pytest.raises(TemplateError, match=f"sam.json has a Transform \\({named}\\)") as refused:
        load(template)

    assert "create-change-set" in str(refused.value)
    assert "--template-stage Processed" in str(refused.value)


def test_fails_when_yaml_is_broken(tmp_path: Path) -> None:
    """A file that is not YAML is named."""
    path = tmp_path / "broken.yaml"
    path.write_text("Resources: [}")

    with pytest.raises(TemplateError, match="is not YAML"):
        load(path)


def test_fails_when_there_is_no_stack(assembly: AssemblyWriter) -> None:
    """An assembly without a stack is nothing to run."""
    assembly.write()

    with pytest.raises(TemplateError, match="has no stack"):
        assembly.load()


def test_fails_when_stacks_belong_to_two_environments(assembly: AssemblyWriter) -> None:
    """One run has one account and one region."""
    assembly.stack(QUEUE, name="Here", environment="aws://123456789012/eu-west-1")
    assembly.stack(QUEUE, name="There", environment="aws://123456789012/us-west-2")

    with pytest.raises(TemplateError, match="eu-west-1, us-west-2"):
        assembly.load()


@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        ({"App": None}, "manifest.json.artifacts.App: this is no object"),
        ({"App": {"type": "aws:cloudformation:stack"}}, "templateFile: this property is missing"),
        ({"App": {"type": "cdk:asset-manifest", "properties": {}}}, "properties.file: this property is missing"),
        ({"A": {"dependencies": ["B"]}, "B": {"dependencies": ["A"]}}, "in a circle: A → B → A"),
    ],
)
def test_fails_when_the_manifest_has_another_shape(
    assembly: AssemblyWriter, artifacts: dict[str, object], said: str
) -> None:
    """A manifest that is not shaped like one is refused at the place."""
    (assembly.path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))

    with pytest.raises(TemplateError, match=said):
        assembly.load()
