"""How functions are invoked asynchronously: ``AWS::Lambda::EventInvokeConfig`` to models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from penstock.template.functions import qualified_arn
from penstock.template.messages import QUEUE_TYPE, TOPIC_TYPE
from penstock.template.models import EventInvokeConfiguration, Function, Resource
from penstock.template.properties import Properties
from penstock.template.resources import FUNCTION_TYPES, Resources

# AWS::Lambda::EventInvokeConfig, AWS CloudFormation Template Reference.
DEFAULT_MAXIMUM_EVENT_AGE_SECONDS: Final = 21_600
MINIMUM_EVENT_AGE_SECONDS: Final = 60
DEFAULT_MAXIMUM_RETRY_ATTEMPTS: Final = 2

_DESTINATION_TYPES: Final = (QUEUE_TYPE, TOPIC_TYPE, *FUNCTION_TYPES, "AWS::Events::EventBus")
_ON_FAILURE_TYPES: Final = (*_DESTINATION_TYPES, "AWS::S3::Bucket")


def read_event_invoke_configurations(
    resources: Resources, functions: Sequence[Function]
) -> tuple[EventInvokeConfiguration, ...]:
    """All of them; a second one for the same version or alias is refused, and a destination that is not there."""
    found: dict[str, EventInvokeConfiguration] = {}
    for resource in resources.of("AWS::Lambda::EventInvokeConfig"):
        configuration = _configuration(resource, functions, resources)
        if configuration.function_arn in found:
            other = found[configuration.function_arn].logical_id
            raise Properties.of(resource).error(
                "FunctionName", f"{other} configures {configuration.function_arn} already", "keep one of them"
            )
        found[configuration.function_arn] = configuration
    return tuple(found.values())


def _configuration(resource: Resource, functions: Sequence[Function], resources: Resources) -> EventInvokeConfiguration:
    properties = Properties.of(resource)
    qualifier = properties.text("Qualifier")
    named = properties.text("FunctionName")
    whole = Properties({"FunctionName": f"{named}:{qualifier}"}, properties.place)
    destinations = properties.object("DestinationConfig")
    return EventInvokeConfiguration(
        logical_id=resource.logical_id,
        function_arn=qualified_arn(functions, whole, "FunctionName").removesuffix(":$LATEST"),
        maximum_event_age_in_seconds=_within(
            properties,
            "MaximumEventAgeInSeconds",
            DEFAULT_MAXIMUM_EVENT_AGE_SECONDS,
            range(MINIMUM_EVENT_AGE_SECONDS, DEFAULT_MAXIMUM_EVENT_AGE_SECONDS + 1),
        ),
        maximum_retry_attempts=_within(
            properties,
            "MaximumRetryAttempts",
            DEFAULT_MAXIMUM_RETRY_ATTEMPTS,
            range(DEFAULT_MAXIMUM_RETRY_ATTEMPTS + 1),
        ),
        on_success_arn=_destination(destinations.object("OnSuccess"), resources, _DESTINATION_TYPES),
        on_failure_arn=_destination(destinations.object("OnFailure"), resources, _ON_FAILURE_TYPES),
    )


def _within(properties: Properties, name: str, default: int, legal: range) -> int:
    value = properties.integer(name, default)
    if value not in legal:
        raise properties.error(name, f"{value} is out of range", f"use {legal.start} to {legal.stop - 1}")
    return value


def _destination(properties: Properties, resources: Resources, types: Sequence[str]) -> str | None:
    arn = properties.text("Destination", None)
    if arn is not None and not arn.endswith(":event-bus/default"):
        resources.at_arn(arn, properties.place.at("Destination"), *types)
    return arn
