"""Outputs that a stack asks for by the name of another one: `Fn::GetStackOutput`."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError
from tests.template.assembly_writer import AssemblyWriter


def reading(**arguments: Any) -> dict[str, Any]:
    """Make a topic that is called what an output of the stack Data gives."""
    asked = {"StackName": "Data", "OutputName": "Name", **arguments}
    return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetStackOutput": asked}}}}


def data_stack(assembly: AssemblyWriter, **outputs: Any) -> None:
    """Write the stack whose outputs are asked for; it comes behind the one that asks."""
    queue = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}}
    name = {"Name": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}}
    assembly.stack(queue, name="Data", Outputs={**name, **outputs})


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"Region": {"Ref": "AWS::Region"}},
        {"Region": "us-east-1", "RoleArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/reader"}},
    ],
)
def test_output_is_read_without_an_export(assembly: AssemblyWriter, arguments: dict[str, Any]) -> None:
    """An output of another stack is its value, whichever of the two comes first."""
    assembly.stack(reading(**arguments))
    data_stack(assembly)

    assert [topic.name for topic in assembly.load().topics] == ["orders"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"StackName": "Gone"}, r"no stack Gone among those loaded \(App, Data\)"),
        ({"OutputName": "Gone"}, "Data has no output Gone; its outputs are: Name, Circle"),
        ({"OutputName": "Never"}, "Data has no output Never"),
        ({"OutputName": "Circle"}, "the output Circle of Data depends on itself"),
        ({"Region": "eu-west-1"}, r"Data is elsewhere \(eu-west-1\); give stacks of one account and region"),
        ({"RoleArn": "arn:aws:iam::210987654321:role/reader"}, "elsewhere .*210987654321"),
    ],
)
def test_fails_when_an_output_is_not_there(assembly: AssemblyWriter, arguments: dict[str, Any], said: str) -> None:
    """What is not loaded, in another region or account, or depends on itself is refused by name."""
    assembly.stack(reading(**arguments))
    data_stack(
        assembly,
        Never={"Value": "x", "Condition": "Off"},
        Circle={"Value": {"Fn::GetStackOutput": {"StackName": "Data", "OutputName": "Circle"}}},
    )
    data = assembly.path / "Data.template.json"
    data.write_text(data.read_text().replace("{", '{"Conditions": {"Off": {"Fn::Equals": ["a", "b"]}}, ', 1))

    with pytest.raises(TemplateError, match=said) as refused:
        assembly.load()

    assert "Fn::GetStackOutput" in str(refused.value)
