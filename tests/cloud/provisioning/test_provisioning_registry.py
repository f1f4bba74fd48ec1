"""Which resource types are provisioned, and which are not by intent."""

from __future__ import annotations

import json
from collections.abc import Callable

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.registry import HELD_IN_TEMPLATE, PROVISIONERS
from penstock.template.fidelity import PROPERTIES
from penstock.template.models import Template


def test_every_simulated_type_is_provisioned_or_held() -> None:
    """Each type with properties of its own is either the engine's or ours, and never both."""
    provisioned = {resource_type for resource_type, _ in PROVISIONERS}

    assert provisioned | set(HELD_IN_TEMPLATE) == set(PROPERTIES)
    assert not provisioned & set(HELD_IN_TEMPLATE)


def test_state_machine_has_the_arn_of_the_template(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A state machine is found under the template's ARN, with its definition and role."""
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": {"Ref": "Topic"}, "End": True}}}
    role_arn = "arn:aws:iam::123456789012:role/ship"
    template = provisioned(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": role_arn, "Definition": definition},
            },
        }
    )
    machine = template.state_machines[0]

    told = engine.call("stepfunctions", "DescribeStateMachine", {"stateMachineArn": machine.arn})

    assert (told["name"], told["roleArn"], told["type"]) == (machine.name, role_arn, "STANDARD")
    assert json.loads(told["definition"])["States"]["Done"]["Result"] == template.topics[0].arn


def test_what_we_hold_does_not_reach_the_engine(engine: Engine, provisioned: Callable[..., Template]) -> None:
    """A bus is a model of the template; the engine is never asked for it."""
    template = provisioned(
        {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "orders"}},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm"},
        }
    )

    assert [bus.name for bus in template.buses] == ["orders"]
    assert engine.call("sqs", "ListQueues", {}).get("QueueUrls", []) == []
