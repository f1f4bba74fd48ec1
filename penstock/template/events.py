"""Event buses and their rules: ``AWS::Events::*`` to models."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from penstock.template.identifiers import last_segment
from penstock.template.messages import QUEUE_TYPE, TOPIC_TYPE, parsed
from penstock.template.models import EventBus, Resource, Rule, RuleTarget
from penstock.template.properties import Properties
from penstock.template.resources import ELSEWHERE, FUNCTION_TYPES, Resources
from penstock.template.state_machines import STATE_MACHINE_TYPE

# Event retry policy, Amazon EventBridge User Guide: retried for 24 hours and up to 185 times by default.
DEFAULT_MAXIMUM_EVENT_AGE_SECONDS: Final = 86_400
DEFAULT_MAXIMUM_RETRY_ATTEMPTS: Final = 185

_TARGET_TYPES: Final = (QUEUE_TYPE, TOPIC_TYPE, STATE_MACHINE_TYPE, *FUNCTION_TYPES)
# InputTransformer, Amazon EventBridge API Reference: at most 100 variables, 8,192 characters.
MAXIMUM_VARIABLES: Final = 100
MAXIMUM_TEMPLATE_CHARACTERS: Final = 8_192
_PATH: Final = re.compile(r"\$((\.[^.\[\]]+)|(\[(\d+|\*)\]))*")
_INPUTS: Final = ("Input", "InputPath", "InputTransformer")


def read_buses(resources: Resources) -> tuple[EventBus, ...]:
    """All buses but the account's own."""
    return tuple(
        EventBus(
            logical_id=resource.logical_id,
            stack=resource.stack,
            name=resource.physical_id,
            arn=resource.arn or "",
        )
        for resource in resources.of("AWS::Events::EventBus")
    )


def read_rules(resources: Resources, buses: Sequence[EventBus]) -> tuple[Rule, ...]:
    """All rules; a target that is no queue, topic, state machine or function of the template is refused."""
    return tuple(_rule(resource, resources, buses) for resource in resources.of("AWS::Events::Rule"))


def _rule(resource: Resource, resources: Resources, buses: Sequence[EventBus]) -> Rule:
    properties = Properties.of(resource)
    bus_name = last_segment(properties.text("EventBusName", "default"))
    if bus_name != "default" and all(bus.name != bus_name for bus in buses):
        raise properties.error("EventBusName", f"there is no bus {bus_name}", ELSEWHERE)
    pattern = parsed(properties, "EventPattern").values or None
    if pattern is None and "ScheduleExpression" not in properties:
        raise properties.error("EventPattern", "the rule has neither a pattern nor a schedule", "add EventPattern")
    return Rule(
        logical_id=resource.logical_id,
        label=resource.label,
        stack=resource.stack,
        name=resource.physical_id.rpartition("|")[2],
        arn=resource.arn or "",
        event_bus_name=bus_name,
        enabled=properties.text("State", "ENABLED") != "DISABLED",
        event_pattern=pattern,
        targets=tuple(_target(target, resources) for target in properties.objects("Targets")),
    )


def _target(target: Properties, resources: Resources) -> RuleTarget:
    arn = target.text("Arn")
    resources.at_arn(arn, target.place.at("Arn"), *_TARGET_TYPES)
    given = [name for name in _INPUTS if name in target]
    if len(given) > 1:
        raise target.error(given[1], f"{' and '.join(given)} exclude one another", "keep one of them")
    _check_inputs(target)
    retry = target.object("RetryPolicy")
    dead_letter_arn = target.object("DeadLetterConfig").text("Arn", None)
    if dead_letter_arn is not None:
        resources.at_arn(dead_letter_arn, target.place.at("DeadLetterConfig").at("Arn"), QUEUE_TYPE)
    return RuleTarget(
        id=target.text("Id"),
        arn=arn,
        role_arn=target.text("RoleArn", None),
        maximum_event_age_in_seconds=retry.integer("MaximumEventAgeInSeconds", DEFAULT_MAXIMUM_EVENT_AGE_SECONDS),
        maximum_retry_attempts=retry.integer("MaximumRetryAttempts", DEFAULT_MAXIMUM_RETRY_ATTEMPTS),
        dead_letter_arn=dead_letter_arn,
        input=target.text("Input", None),
        input_path=target.text("InputPath", None),
        input_transformer=target.object("InputTransformer").values or None,
        message_group_id=target.object("SqsParameters").text("MessageGroupId", None),
    )


def _check_inputs(target: Properties) -> None:
    """Refuse what EventBridge refuses when targets are put."""
    constant, path = target.text("Input", None), target.text("InputPath", None)
    if constant is not None:
        try:
            json.loads(constant)
        except ValueError:
            raise target.error("Input", "this is no JSON", "give JSON text; a text needs quotation marks") from None
    if path is not None and not _PATH.fullmatch(path):
        raise target.error("InputPath", f"{path} is no path", "write it as $.detail.name")
    if "InputTransformer" not in target:
        return
    transformer = target.object("InputTransformer")
    variables = transformer.object("InputPathsMap")
    if len(transformer.text("InputTemplate")) > MAXIMUM_TEMPLATE_CHARACTERS:
        raise transformer.error(
            "InputTemplate", "the template is too long", f"use {MAXIMUM_TEMPLATE_CHARACTERS} characters"
        )
    if len(variables.values) > MAXIMUM_VARIABLES:
        raise transformer.error("InputPathsMap", "there are too many variables", f"use {MAXIMUM_VARIABLES} at most")
    for name in variables.values:
        if name.lower().startswith("aws"):
            raise variables.error(name, "names that begin with AWS are reserved", "rename the variable")
        if not _PATH.fullmatch(variables.text(name)):
            raise variables.error(name, f"{variables.text(name)} is no path", "write it as $.detail.name")
