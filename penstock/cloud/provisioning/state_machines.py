"""State machines, executed by the engine."""

from __future__ import annotations

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning.definition import agree, define
from penstock.template.models import Resource
from penstock.template.properties import Properties
from penstock.template.state_machines import definition_of


def provision_state_machine(resource: Resource, engine: Engine) -> None:
    """Define a state machine under its computed name."""
    properties = Properties.of(resource)
    params = {
        "name": resource.attributes["Name"],
        "definition": definition_of(resource),
        "roleArn": properties.text("RoleArn"),
        "type": properties.text("StateMachineType", "STANDARD"),
    }
    answer = define(engine, resource, "stepfunctions", "CreateStateMachine", params)
    agree(resource, ours=resource.arn, theirs=answer["stateMachineArn"])
