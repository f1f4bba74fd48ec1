"""What runs nowhere here is named at once."""

from __future__ import annotations

import re

import pytest

from penstock.errors import TemplateError
from tests.template.assembly_writer import AssemblyWriter


def test_fails_with_all_that_does_not_run(assembly: AssemblyWriter) -> None:
    """Types, runtimes and images are told in one message, with what is supported and what leaves them out."""
    assembly.stack(
        {
            "Clicks": {"Type": "AWS::Kinesis::Stream"},
            "Resizer": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": {"Fn::Sub": "nodejs22.x"}}},
            "Trainer": {"Type": "AWS::Lambda::Function", "Properties": {"PackageType": "Image"}},
            "Never": {"Type": "AWS::EC2::VPC", "Condition": "Off"},
            "News": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["Clicks", "Arn"]}}},
        },
        Conditions={"Off": {"Fn::Equals": ["a", "b"]}},
    )
    assembly.stack({"Clicks": {"Type": "AWS::Kinesis::Stream"}}, name="Other")

    with pytest.raises(TemplateError) as refused:
        assembly.load()

    message = str(refused.value)
    assert message.startswith(
        "what does not run here:\n"
        "  App/Clicks (AWS::Kinesis::Stream): this type is not supported\n"
        "  Resizer (AWS::Lambda::Function): the runtime nodejs22.x is not run here\n"
        "  Trainer (AWS::Lambda::Function): container images are not run here\n"
        "  Other/Clicks (AWS::Kinesis::Stream): this type is not supported\n"
        "supported types are AWS::ApiGatewayV2::Api, "
    )
    assert "supported are functions in Python (runtimes python3.x)" in message
    options = re.findall("--skip ([^ ]+)", message)
    assert options == ["App/Clicks", "Resizer", "Trainer", "Other/Clicks"]
    assert [topic.logical_id for topic in assembly.load(skip=options).topics] == ["News"]
