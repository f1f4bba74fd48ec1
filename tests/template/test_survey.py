"""Reading strangers' templates as far as they can be read."""

import json
from pathlib import Path
from typing import Any

from penstock.template.survey import Survey, survey
from tests.template.assembly_writer import AssemblyWriter


def surveyed(tmp_path: Path, resources: dict[str, Any], **sections: Any) -> Survey:
    """The survey of one template, whose stack is called ``stack``."""
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({"Resources": resources, **sections}))
    return survey(path)


def test_resource_of_any_type_is_read(tmp_path: Path) -> None:
    """A type that the run does not support has properties and a name like others."""
    told = surveyed(tmp_path, {"Vault": {"Type": "Own::Vault::Vault", "Properties": {"Size": 1}}})

    (vault,) = told.resources.of("Own::Vault::Vault")
    assert vault.properties == {"Size": 1}
    assert vault.physical_id.startswith("stack-Vault-")
    assert told.untold == ()


def test_unknown_value_stays_as_a_text_that_names_it(tmp_path: Path) -> None:
    """References to one unknown thing remain equal, whatever they are written as."""
    values = {
        "A": {"Ref": "Parameter"},
        "B": {"Fn::GetAtt": ["Vault", "Door.Key"]},
        "C": {"Fn::GetAtt": "Vault.Door"},
        "D": {"Fn::Sub": "to ${Parameter}"},
        "E": {"Fn::Join": ["-", ["x", {"Ref": "Parameter"}]]},
        "F": {"Fn::ImportValue": "shared"},
        "G": "{{resolve:ssm:name}}",
        "H": {"Fn::Sub": ["to ${Nobody}", {}]},
    }
    told = surveyed(
        tmp_path,
        {"Vault": {"Type": "Own::Vault::Vault", "Properties": values}},
        Parameters={"Parameter": {"Type": "String"}},
    )

    (vault,) = told.resources.of("Own::Vault::Vault")
    assert vault.properties == {
        "A": "${Parameter}",
        "B": "${Vault.Door.Key}",
        "C": "${Vault.Door}",
        "D": "to ${Parameter}",
        "E": "x-${Parameter}",
        "F": '${{"Fn::ImportValue": "shared"}}',
        "G": "{{resolve:ssm:name}}",
        "H": "to ${Nobody}",
    }
    assert len(told.untold) == 8
    assert told.untold[0] == (
        "stack/Vault.A.Ref: the parameter Parameter has no value; give the value: --parameter Parameter=VALUE"
    )


def test_condition_that_cannot_be_decided_is_taken_to_hold(tmp_path: Path) -> None:
    """What may be deployed is judged; what a known condition rules out is not."""
    told = surveyed(
        tmp_path,
        {
            "Maybe": {"Type": "A::B::C", "Condition": "Unknown"},
            "Also": {"Type": "A::B::C", "Condition": "Unknown"},
            "Never": {"Type": "A::B::C", "Condition": "Known"},
        },
        Conditions={"Unknown": {"Fn::Transform": {}}, "Known": {"Fn::Equals": ["a", "b"]}},
    )

    assert [resource.logical_id for resource in told.resources.of("A::B::C")] == ["Maybe", "Also"]
    (line,) = told.untold
    assert line.endswith("(the condition is taken to hold)")


def test_what_is_no_resource_and_no_section_is_told(tmp_path: Path) -> None:
    """The rest of the template is read all the same."""
    told = surveyed(tmp_path, {"Bad": "text", "Worse": {"Type": 1}, "Good": {"Type": "A::B::C"}}, Globals={})

    assert list(told.resources.by_address) == ["stack/Good"]
    assert told.untold == (
        "stack: the section Globals is not read",
        "stack/Bad: this is no resource",
        "stack/Worse: this is no resource",
    )


def test_metadata_and_deletion_policy_are_kept(tmp_path: Path) -> None:
    """They stand as written, and empty where there is none."""
    told = surveyed(
        tmp_path,
        {
            "A": {"Type": "A::B::C", "Metadata": {"x": 1}, "DeletionPolicy": "Retain"},
            "B": {"Type": "A::B::C", "Metadata": 1},
        },
    )

    assert [(each.metadata, each.deletion_policy) for each in told.resources.of("A::B::C")] == [
        ({"x": 1}, "Retain"),
        ({}, ""),
    ]


def test_stacks_refer_to_one_another(tmp_path: Path) -> None:
    """An export of one stack is what the other imports; a second export of the name is told."""
    written = AssemblyWriter(tmp_path / "cdk.out")
    export = {"Queue": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": "queue"}}}
    written.stack({"Queue": {"Type": "AWS::SQS::Queue"}}, name="First", Outputs=export)
    written.stack({"User": {"Type": "A::B::C", "Properties": {"Arn": {"Fn::ImportValue": "queue"}}}}, name="Second")
    written.stack({"Queue": {"Type": "AWS::SQS::Queue"}}, name="Third", Outputs=export)

    told = survey(written.path)

    assert told.resources.by_address["Second/User"].properties["Arn"] == told.resources.by_address["First/Queue"].arn
    assert len(told.untold) == 1
    assert "queue is exported by First and by Third" in told.untold[0]
