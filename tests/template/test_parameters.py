"""What parameters are given, and what their template allows."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import TemplateError, UsageError
from tests.template.assembly_writer import AssemblyWriter

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}}


def name_of_topic(assembly: AssemblyWriter, given: dict[str, str], **declared: Any) -> str:
    """Give a value to the parameter that a topic is called by, and tell what it is called."""
    assembly.stack(TOPIC, Parameters={"Name": {"Type": "String", **declared}})
    (topic,) = assembly.load(parameters=given).topics
    return topic.name


def test_value_given_wins_over_assembly_and_default(assembly: AssemblyWriter) -> None:
    """What the user gives is what the parameter stands for."""
    assembly.stack(TOPIC, Parameters={"Name": {"Type": "String", "Default": "a"}}, parameters={"Name": "b"})

    (topic,) = assembly.load(parameters={"Name": "c"}).topics

    assert topic.name == "c"


def test_value_for_one_stack_wins_over_that_for_all(assembly: AssemblyWriter) -> None:
    """Two stacks with a parameter of one name may get two values."""
    for stack in ("One", "Two"):
        assembly.stack(TOPIC, name=stack, Parameters={"Name": {"Type": "String"}})

    topics = assembly.load(parameters={"Name": "all", "Two:Name": "two"}).topics

    assert [topic.name for topic in topics] == ["all", "two"]


def test_value_decides_a_condition(assembly: AssemblyWriter) -> None:
    """Conditions see what was given."""
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Condition": "Loud"}}
    assembly.stack(
        resources,
        Parameters={"Volume": {"Type": "Number", "Default": 1}},
        Conditions={"Loud": {"Fn::Equals": [{"Ref": "Volume"}, "11"]}},
    )

    assert assembly.load().topics == ()
    assert len(assembly.load(parameters={"Volume": "11"}).topics) == 1


def test_list_is_split(assembly: AssemblyWriter) -> None:
    """A parameter of a list type is a list."""
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Select": [1, {"Ref": "Names"}]}}}
    }
    assembly.stack(resources, Parameters={"Names": {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}})

    (topic,) = assembly.load(parameters={"Names": "one, two"}).topics

    assert topic.name == "two"


def test_value_of_ssm_is_given_itself(assembly: AssemblyWriter) -> None:
    """A parameter that is kept in SSM takes the value that would be there."""
    kept = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/key", "AllowedPattern": "/.*"}

    assert name_of_topic(assembly, {"Name": "news"}, **kept) == "news"


@pytest.mark.parametrize(
    ("value", "declared", "said"),
    [
        ("qa", {"AllowedValues": ["dev", "prod"]}, r"'qa' is none of AllowedValues \(dev, prod\)"),
        ("a1", {"AllowedPattern": "[a-z]+"}, r"'a1' does not match AllowedPattern \[a-z\]\+"),
        ("ab", {"MinLength": 3}, "'ab' is not within MinLength and MaxLength"),
        ("abc", {"MaxLength": "2"}, "'abc' is not within"),
        ("many", {"Type": "Number"}, "'many' is no number"),
        ("7", {"Type": "Number", "MinValue": 8}, "'7' is not within MinValue and MaxValue"),
        ("9", {"Type": "Number", "MaxValue": 8}, "'9' is not within"),
        ("1,x", {"Type": "List<Number>"}, "'x' is no number"),
        ("a,b", {"Type": "CommaDelimitedList", "AllowedValues": ["a"]}, "'b' is none of"),
        ("x", {"MinLength": 2, "ConstraintDescription": "two letters"}, "; two letters"),
    ],
)
def test_fails_when_a_value_is_not_allowed(
    assembly: AssemblyWriter, value: str, declared: dict[str, Any], said: str
) -> None:
    """Each constraint is checked before anything starts, of what is given and of a default that is used."""
    with pytest.raises(UsageError, match=f"the parameter Name of App: .*{said}"):
        name_of_topic(assembly, {"Name": value}, **declared)
    with pytest.raises(TemplateError, match=f"Parameters.Name.Default: .*{said}"):
        name_of_topic(assembly, {}, **declared, Default=value)


def test_fails_when_a_hidden_value_is_not_allowed(assembly: AssemblyWriter) -> None:
    """What NoEcho hides is not told, not even when it is wrong."""
    with pytest.raises(UsageError, match="its value is none of AllowedValues") as refused:
        name_of_topic(assembly, {"Name": "hunter2"}, NoEcho=True, AllowedValues=["other"])

    assert "hunter2" not in str(refused.value)


def test_fails_when_a_pattern_is_no_expression(assembly: AssemblyWriter) -> None:
    """A pattern that cannot be read is the template's fault."""
    with pytest.raises(TemplateError, match=r"Parameters\.Name\.AllowedPattern: this is no regular expression"):
        name_of_topic(assembly, {"Name": "a"}, AllowedPattern="(")


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("true", {"AllowedValues": [True, False]}),
        ("0.5", {"Type": "Number", "MinValue": 0.5, "MaxValue": "1.5"}),
        ("", {"MaxLength": 0}),
    ],
)
def test_value_at_a_limit_is_allowed(assembly: AssemblyWriter, value: str, declared: dict[str, Any]) -> None:
    """Limits are included, and what YAML reads as true or as a number is compared as CloudFormation would."""
    assembly.stack({}, Parameters={"Name": {"Type": "String", **declared}})

    assembly.load(parameters={"Name": value})


def test_fails_when_a_limit_is_none(assembly: AssemblyWriter) -> None:
    """A limit that is no number is the template's fault."""
    with pytest.raises(TemplateError, match=r"Parameters\.Name\.MinLength: few is no number"):
        name_of_topic(assembly, {"Name": "a"}, MinLength="few")


@pytest.mark.parametrize("name", ["Size", "Other:Name"])
def test_fails_when_there_is_no_such_parameter(assembly: AssemblyWriter, name: str) -> None:
    """An unknown name is refused with those that there are."""
    with pytest.raises(UsageError, match=f"there is no parameter {name}; the parameters are: Name"):
        name_of_topic(assembly, {name: "1"}, Default="a")


def test_fails_when_parameters_have_no_value(assembly: AssemblyWriter) -> None:
    """All parameters without a value are named at once, with the options that give one."""
    assembly.stack({}, Parameters={name: {"Type": "String"} for name in ("One", "Two", "Three")})

    with pytest.raises(UsageError, match="parameter One, Three; give --parameter One=VALUE --parameter Three=VALUE"):
        assembly.load(parameters={"Two": "2"})
