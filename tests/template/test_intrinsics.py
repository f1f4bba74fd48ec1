"""What each intrinsic function resolves to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.template.intrinsics import NO_VALUE, Place, Resolver

PLACE = Place(logical_id="Thing", property_path="Name")


class Names:
    """References to what a test knows."""

    def ref(self, name: str, place: Place) -> Any:
        """Look a name up."""
        return {"Queue": "https://queue", "Zone": "b", "AWS::NoValue": NO_VALUE, "Count": 3}[name]

    def attribute(self, logical_id: str, attribute: str, place: Place) -> Any:
        """Name an attribute."""
        return f"{logical_id}/{attribute}"

    def import_value(self, export: str, place: Place) -> Any:
        """Name an export."""
        return f"imported {export}"

    def stack_output(self, arguments: Mapping[str, str], place: Place) -> Any:
        """Name an output."""
        return ", ".join(f"{name} {value}" for name, value in arguments.items())


def resolver(conditions: Mapping[str, Any] | None = None) -> Resolver:
    """Make a resolver with these conditions."""
    mappings = {"Sizes": {"dev": {"Memory": 128}}}
    return Resolver(references=Names(), mappings=mappings, conditions=conditions or {}, region="eu-west-1")


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ({"Ref": "Queue"}, "https://queue"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue/Arn"),
        ({"Fn::GetAtt": "Stack.Outputs.Name"}, "Stack/Outputs.Name"),
        ({"Fn::Sub": "${Zone}-${Queue.Arn}-${!Literal}"}, "b-Queue/Arn-${Literal}"),
        ({"Fn::Sub": ["${Given} ${Zone}", {"Given": {"Ref": "Count"}}]}, "3 b"),
        ({"Fn::Join": [":", ["a", {"Ref": "Zone"}, 7, True]]}, "a:b:7:true"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "x:y"]}]}, "y"),
        ({"Fn::Split": ["-", {"Fn::Sub": "a-${Zone}"}]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Sizes", "dev", "Memory"]}, 128),
        ({"Fn::ImportValue": {"Fn::Sub": "out-${Zone}"}}, "imported out-b"),
        ({"Fn::GetStackOutput": {"StackName": {"Ref": "Zone"}, "OutputName": "Url"}}, "StackName b, OutputName Url"),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"a": [1, {"Ref": "Zone"}], "b": None}, {"a": [1, "b"], "b": None}),
    ],
)
def test_intrinsic_resolves(written: Any, resolved: Any) -> None:
    """Each supported intrinsic gives what CloudFormation gives, nested and alone."""
    assert resolver().resolve(written, PLACE) == resolved


def test_no_value_removes_what_holds_it() -> None:
    """A property or element that is AWS::NoValue is not there."""
    written = {"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}

    assert resolver().resolve(written, PLACE) == {"b": [1]}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"Fn::Equals": [{"Ref": "Zone"}, "b"]}, True),
        ({"Fn::Equals": [{"Ref": "Count"}, "3"]}, True),
        ({"Fn::Not": [{"Condition": "Always"}]}, False),
        ({"Fn::And": [{"Condition": "Always"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Condition": "Always"}, {"Fn::Equals": ["a", "b"]}]}, True),
    ],
)
def test_condition_chooses_the_branch(rule: Any, holds: bool) -> None:
    """Fn::If takes the branch of its condition and does not look at the other one."""
    given = resolver({"Asked": rule, "Always": {"Fn::Equals": ["1", "1"]}})
    unknown = {"Fn::Unheard": 1}
    then, otherwise = ("yes", unknown) if holds else (unknown, "no")

    assert given.resolve({"Fn::If": ["Asked", then, otherwise]}, PLACE) == ("yes" if holds else "no")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"Fn::Cidr": ["10.0.0.0/16", 2]}, "Fn::Cidr is not supported"),
        ({"Fn::GetStackOutput": {}}, "it takes OutputName, Region, RoleArn, StackName"),
        ({"Fn::GetStackOutput": {"StackName": "A", "OutputName": "B", "Account": "1"}}, "it takes OutputName, Region"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "Fn::Transform belongs to a transform"),
        ({"Fn::ForEach::Name": ["Name", ["a"], {}]}, "Fn::ForEach::Name belongs to a transform"),
        ({"Fn::Sub": "x", "Other": 1}, "stands beside other keys"),
        ({"Fn::Select": [2, ["a"]]}, "no element 2"),
        ({"Fn::FindInMap": ["Sizes", "prod", "Memory"]}, "Sizes.prod.Memory"),
        ({"Fn::If": ["Missing", 1, 2]}, "no condition Missing"),
        ({"Fn::Join": ["", "text"]}, "must be a list"),
        ({"Fn::Join": ["", [["list"]]]}, "must be a text"),
        ({"Fn::Split": [","]}, "takes a list of 2"),
        ("{{resolve:ssm:/name}}", "known only to AWS"),
    ],
)
def test_fails_when_an_intrinsic_cannot_be_resolved(written: Any, said: str) -> None:
    """What is not supported or wrong is refused with its place."""
    with pytest.raises(TemplateError, match=said) as refused:
        resolver().resolve(written, PLACE)

    assert str(refused.value).startswith("Thing.Name")


def test_fails_when_a_condition_depends_on_itself() -> None:
    """A circle of conditions is refused."""
    given = resolver({"A": {"Condition": "B"}, "B": {"Condition": "A"}})

    with pytest.raises(TemplateError, match="depends on itself"):
        given.condition("A", PLACE)
