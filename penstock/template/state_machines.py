"""State machines: ``AWS::StepFunctions::StateMachine`` to models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from penstock.template.models import Resource, StateMachine
from penstock.template.properties import Properties
from penstock.template.resources import Resources

STATE_MACHINE_TYPE = "AWS::StepFunctions::StateMachine"

_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def read_state_machines(resources: Resources) -> tuple[StateMachine, ...]:
    """All state machines; a definition that this run cannot execute is refused."""
    return tuple(_state_machine(resource) for resource in resources.of(STATE_MACHINE_TYPE))


def _state_machine(resource: Resource) -> StateMachine:
    assert resource.arn is not None
    properties = Properties.of(resource)
    kind = properties.text("StateMachineType", "STANDARD")
    if kind not in ("STANDARD", "EXPRESS"):
        raise properties.error("StateMachineType", f"there is no type {kind}", "use STANDARD or EXPRESS")
    return StateMachine(
        logical_id=resource.logical_id,
        label=resource.label,
        stack=resource.stack,
        name=resource.attributes["Name"],
        arn=resource.arn,
        role_arn=properties.text("RoleArn"),
        type="STANDARD" if kind == "STANDARD" else "EXPRESS",
        definition=definition_of(resource),
    )


def definition_of(resource: Resource) -> str:
    """The definition of a state machine as text, substitutions made; JSON in which every state uses JSONPath."""
    properties = Properties.of(resource)
    name = next((name for name in ("DefinitionString", "Definition") if name in properties), None)
    if name is None:
        raise properties.error(
            "DefinitionString", "the state machine has no definition", "give DefinitionString or Definition"
        )
    given = properties.values[name]
    text = given if isinstance(given, str) else json.dumps(given)
    substitutions = properties.object("DefinitionSubstitutions")

    def substitute(match: re.Match[str]) -> str:
        return substitutions.text(match[1]) if match[1] in substitutions else match[0]

    text = _SUBSTITUTION.sub(substitute, text)
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise properties.error(name, f"the definition is not JSON: {error}", "correct the definition") from None
    if "JSONata" in _query_languages(definition):
        raise properties.error(name, "JSONata is not executed here", "write the states with JSONPath")
    return text


def _query_languages(value: Any) -> Iterator[str]:
    """The query languages that a definition names, in the machine or in a state."""
    if isinstance(value, dict):
        if isinstance(value.get("QueryLanguage"), str):
            yield value["QueryLanguage"]
        for inner in value.values():
            yield from _query_languages(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _query_languages(inner)
