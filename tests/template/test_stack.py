"""What names stand for: parameters, conditions, exports."""

from __future__ import annotations

import pytest

from penstock.errors import TemplateError
from tests.template.assembly_writer import AssemblyWriter

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}}


def topic(name: object) -> dict[str, object]:
    """Make a topic with a name that is to be resolved."""
    return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}


def test_export_is_imported_by_another_stack(assembly: AssemblyWriter) -> None:
    """A value crosses stacks by its export, also against the order of the manifest."""
    assembly.stack(topic({"Fn::ImportValue": "name-of-topic"}), name="Reader", dependencies=["Writer"], Outputs={})
    assembly.stack(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}},
        name="Writer",
        Outputs={
            "Name": {
                "Value": {"Fn::GetAtt": ["Queue", "QueueName"]},
                "Export": {"Name": "name-of-topic"},
            }
        },
    )

    template = assembly.load()

    assert [topic.name for topic in template.topics] == ["orders"]
    assert template.outputs == {"Name": "orders"}


def test_parameter_takes_its_value_then_its_default(assembly: AssemblyWriter) -> None:
    """A parameter has the value that the assembly gives it, else its default."""
    given = {"Name": {"Type": "String", "Default": "news"}}
    assembly.stack(TOPIC, name="Default", Parameters=given)
    assembly.stack(TOPIC, name="Given", Parameters=given, parameters={"Name": "alerts"})

    assert [topic.name for topic in assembly.load().topics] == ["news", "alerts"]


def test_bootstrap_version_does_not_disturb(assembly: AssemblyWriter) -> None:
    """The CDK's own parameter and rule, which nothing refers to, are no obstacle."""
    template = assembly.read(
        topic("news"),
        Parameters={"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk"}},
        Rules={
            "CheckBootstrapVersion": {
                "Assertions": [{"Assert": {"Fn::Contains": [["1"], {"Ref": "BootstrapVersion"}]}}]
            }
        },
    )

    assert len(template.topics) == 1


def test_condition_leaves_a_resource_and_an_output_out(assembly: AssemblyWriter) -> None:
    """What stands under a condition that fails is not there."""
    template = assembly.read(
        {
            "Kept": {"Type": "AWS::SNS::Topic", "Condition": "Here"},
            "Gone": {"Type": "AWS::SNS::Topic", "Condition": "There"},
        },
        Conditions={
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
            "There": {"Fn::Not": [{"Condition": "Here"}]},
        },
        Outputs={"Gone": {"Condition": "There", "Value": "x"}, "Kept": {"Value": "y"}},
    )

    assert list(template.resources) == ["App/Kept"]
    assert template.outputs == {"Kept": "y"}


def test_pseudo_parameters_are_those_of_the_environment(assembly: AssemblyWriter) -> None:
    """Pseudo parameters describe the one account, region and stack."""
    names = ("AccountId", "Region", "Partition", "URLSuffix", "StackName")
    outputs = {name: {"Value": {"Ref": f"AWS::{name}"}} for name in names}

    template = assembly.read(topic("news"), Outputs=outputs)

    assert template.outputs == {
        "AccountId": "123456789012",
        "Region": "us-east-1",
        "Partition": "aws",
        "URLSuffix": "amazonaws.com",
        "StackName": "App",
    }


@pytest.mark.parametrize(
    ("name", "sections", "said"),
    [
        ({"Ref": "Missing"}, {}, "no parameter or resource Missing"),
        ({"Ref": "Topic"}, {}, "circle: Topic → Topic"),
        ({"Fn::GetAtt": ["Other", "Size"]}, {}, "Other has no attribute Size; its attributes are: Arn"),
        ({"Fn::ImportValue": "nowhere"}, {}, "no stack exports nowhere"),
        (
            {"Ref": "Name"},
            {"Parameters": {"Name": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/key"}}},
            r"kept in SSM \(/key\)",
        ),
        ("news", {"Hooks": {}}, "section Hooks"),
    ],
)
def test_fails_when_a_name_stands_for_nothing(
    assembly: AssemblyWriter, name: object, sections: dict[str, object], said: str
) -> None:
    """A reference to what is not there is refused with its place."""
    other = {"Other": {"Type": "AWS::SQS::Queue"}}

    with pytest.raises(TemplateError, match=said):
        assembly.read({**topic(name), **other}, **sections)


def test_fails_when_a_referred_resource_is_left_out(assembly: AssemblyWriter) -> None:
    """A reference to a resource whose condition fails says so."""
    resources = {"Gone": {"Type": "AWS::SNS::Topic", "Condition": "Never"}, **topic({"Ref": "Gone"})}

    with pytest.raises(TemplateError, match="its condition does not hold"):
        assembly.read(resources, Conditions={"Never": {"Fn::Equals": ["a", "b"]}})


def test_fails_when_two_stacks_export_one_name(assembly: AssemblyWriter) -> None:
    """Export names are unique."""
    outputs = {"Out": {"Value": "x", "Export": {"Name": "taken"}}}
    assembly.stack({}, name="One", Outputs=outputs)
    assembly.stack({}, name="Two", Outputs=outputs)

    with pytest.raises(TemplateError, match="exported by One and by Two"):
        assembly.load()


def test_fails_when_a_type_is_not_supported(assembly: AssemblyWriter) -> None:
    """A type that the tool does not know is refused with logical id, type and what is supported."""
    said = r"Clicks \(AWS::Kinesis::Stream\): this type is not supported\nsupported types are AWS::ApiGat"

    with pytest.raises(TemplateError, match=said):
        assembly.read({"Clicks": {"Type": "AWS::Kinesis::Stream"}})


@pytest.mark.parametrize(
    ("resources", "outputs", "said"),
    [
        ({"Topic": "news"}, {}, "Topic: this resource is no object"),
        ({"Topic": {}}, {}, "Topic.Type: this property is missing"),
        ({"Topic": {"Type": "AWS::SNS::Topic", "Properties": [1]}}, {}, r"Topic.Properties: \[1\] is no object"),
        ({"Topic": {"Type": "AWS::SNS::Topic", "Condition": {}}}, {}, "Topic.Condition"),
        ({}, {"Out": None}, "Outputs.Out: this is no object"),
        ({}, {"Out": {}}, "Outputs.Out.Value: this output has no value"),
        ({}, {"Out": {"Value": {"Fn::GetAtt": [["A"], "Arn"]}}}, "Outputs.Out.Value.Fn::GetAtt: the name must be"),
        ({}, [1], "Outputs of stack App is no object"),
    ],
)
def test_fails_when_the_template_has_another_shape(
    assembly: AssemblyWriter, resources: dict[str, object], outputs: object, said: str
) -> None:
    """A template that is not shaped like one is refused at the place, never by a stack trace."""
    with pytest.raises(TemplateError, match=said):
        assembly.read(resources, Outputs=outputs)
