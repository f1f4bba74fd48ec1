"""What is said about each property of a template."""

from __future__ import annotations

from penstock.template.fidelity import PROPERTIES, SUPPORTED_TYPES
from penstock.template.identifiers import IDENTITIES, names_needed
from penstock.template.spelling import SPELLING
from tests.template.assembly_writer import AssemblyWriter


def test_every_property_gets_a_verdict(assembly: AssemblyWriter) -> None:
    """Each property is simulated, approximated, not simulated or unknown; none is passed over."""
    properties = {
        "QueueName": "orders",
        "VisibilityTimeout": 30,
        "SqsManagedSseEnabled": True,
        "Invented": {"Deep": 1},
    }

    template = assembly.read({"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}})

    verdicts = {entry.property_path: entry.verdict for entry in template.fidelity}
    assert verdicts == {
        "QueueName": "simulated",
        "VisibilityTimeout": "simulated",
        "SqsManagedSseEnabled": "not simulated",
        "Invented": "unknown",
    }
    assert {entry.property_path for entry in template.unsupported} == {"SqsManagedSseEnabled", "Invented"}


def test_nested_property_has_a_path(assembly: AssemblyWriter) -> None:
    """A property within objects and lists is named by its path, once for all elements."""
    target = {"Id": "A", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "HttpParameters": {}}
    rule = {"EventPattern": {"source": ["x"]}, "Targets": [target, {**target, "Id": "B"}]}

    template = assembly.read(
        {"Queue": {"Type": "AWS::SQS::Queue"}, "Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}
    )

    told = [(entry.property_path, entry.verdict) for entry in template.fidelity if entry.logical_id == "Rule"]
    assert told == [
        ("EventPattern", "simulated"),
        ("Targets.Id", "simulated"),
        ("Targets.Arn", "simulated"),
        ("Targets.HttpParameters", "unknown"),
    ]


def test_type_without_effect_is_one_entry(assembly: AssemblyWriter) -> None:
    """A type that has no effect here is reported as a whole."""
    template = assembly.read({"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": "b"}}})

    entry = template.fidelity[0]
    assert (entry.property_path, entry.verdict) == ("", "not simulated")
    assert entry.how


def test_tables_agree_about_types() -> None:
    """Each type that has names has verdicts, and the other way round."""
    assert set(SUPPORTED_TYPES) == set(IDENTITIES)


def test_property_that_names_depend_on_is_known() -> None:
    """What a name is made of is never reported as unknown."""
    for resource_type, verdicts in PROPERTIES.items():
        assert set(names_needed(IDENTITIES[resource_type])) <= set(verdicts), resource_type


def test_mapping_setting_is_known() -> None:
    """Each setting that is spelled for a mapping has a verdict."""
    known = PROPERTIES["AWS::Lambda::EventSourceMapping"]

    assert {path.split(".")[0] for path in SPELLING} <= set(known)
