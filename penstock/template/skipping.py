"""What is left out of a run knowingly (``--skip``), and what is left out with it because it only hangs on that.

A resource hangs on another when one of the properties in `HANGS_ON` leads to it: an alias on its function, a route on
its integration. What merely mentions it stays: environment variables get a made-up text, and of a list in `LEADS_TO`
(a rule's targets) only the element that leads there goes. Everything that goes is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from penstock.errors import UsageError
from penstock.template.assembly import StackDocument
from penstock.template.identifiers import Environment
from penstock.template.models import LeftOut

HANGS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApiGatewayV2::Authorizer": ("ApiId",),
    "AWS::ApiGatewayV2::Integration": ("ApiId", "IntegrationUri"),
    "AWS::ApiGatewayV2::Route": ("ApiId", "Target", "AuthorizerId"),
    "AWS::ApiGatewayV2::Stage": ("ApiId",),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId",),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("ScalingTargetId", "ResourceId"),
    "AWS::Events::Rule": ("EventBusName",),
    "AWS::KMS::Alias": ("TargetKeyId",),
    "AWS::Lambda::Alias": ("FunctionName", "FunctionVersion"),
    "AWS::Lambda::EventInvokeConfig": ("FunctionName",),
    "AWS::Lambda::EventSourceMapping": ("FunctionName", "EventSourceArn"),
    "AWS::Lambda::Permission": ("FunctionName",),
    "AWS::Lambda::Version": ("FunctionName",),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SNS::Subscription": ("TopicArn", "Endpoint"),
    "Custom::S3BucketNotifications": ("BucketName",),
}
"""Resource type → the properties that lead to what a resource of this type is a part of or works for."""

PROVIDED_BY: Final = ("ServiceToken",)
"""What any other type hangs on: a custom resource, on the function or topic that provides it."""

LEADS_TO: Final[Mapping[str, Mapping[str, str]]] = {
    "AWS::Events::Rule": {"Targets": "Arn"},
    "AWS::IAM::ManagedPolicy": {"Roles": ""},
    "AWS::IAM::Policy": {"Roles": ""},
    "AWS::Lambda::Function": {"Layers": ""},
    "AWS::S3::Bucket": {
        "NotificationConfiguration.LambdaConfigurations": "Function",
        "NotificationConfiguration.QueueConfigurations": "Queue",
        "NotificationConfiguration.TopicConfigurations": "Topic",
    },
    "AWS::SNS::Topic": {"Subscription": "Endpoint"},
    "AWS::SNS::TopicPolicy": {"Topics": ""},
    "AWS::SQS::QueuePolicy": {"Queues": ""},
    "Custom::S3BucketNotifications": {
        "NotificationConfiguration.LambdaFunctionConfigurations": "LambdaFunctionArn",
        "NotificationConfiguration.QueueConfigurations": "QueueArn",
        "NotificationConfiguration.TopicConfigurations": "TopicArn",
    },
}
"""Resource type → lists of which an element goes that leads to what is left out, and its property that does; empty
where the element itself does."""

SENDS_TO: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::Lambda::EventInvokeConfig": (
        "DestinationConfig.OnFailure.Destination",
        "DestinationConfig.OnSuccess.Destination",
    ),
    "AWS::Lambda::EventSourceMapping": ("DestinationConfig.OnFailure.Destination",),
    "AWS::Lambda::Function": ("DeadLetterConfig.TargetArn",),
    "AWS::SNS::Subscription": ("RedrivePolicy.deadLetterTargetArn",),
    "AWS::SQS::Queue": ("RedrivePolicy.deadLetterTargetArn",),
}
"""Resource type → properties that may not lead to what is left out: what fails would be lost without a word."""


class Skipping:
    """The resources that are asked to be left out, and which of those left out a value leads to."""

    def __init__(self, asked: Collection[str], stacks: Sequence[StackDocument]) -> None:
        """Each of ``asked`` is a logical id, a construct path, one of them behind ``<stack>/``, or an ARN.

        A construct path stands for all that is below it, an ARN for what no stack defines and values may lead to.
        Raises `UsageError` for what names nothing, or things of several stacks.
        """
        self.asked = frozenset(address for name in asked for address in _addresses(name, stacks))
        self._met: list[list[str]] = []

    def meet(self, address: str) -> None:
        """Note that a value leads to a resource that is left out."""
        if self._met:
            self._met[-1].append(address)

    def check(self, left_out: Iterable[LeftOut]) -> None:
        """Raise `UsageError` for an ARN that nothing leads to, once it is known what is left out."""
        because = {each.because for each in left_out}
        for address in self.asked:
            if address.startswith("arn:") and address not in because:
                raise UsageError(
                    f"nothing that could be left out leads to {address}; give what leads there by its name"
                )

    @contextmanager
    def watch(self) -> Iterator[list[str]]:
        """What is met while a value is resolved."""
        met: list[str] = []
        self._met.append(met)
        try:
            yield met
        finally:
            self._met.pop()


def at(properties: Mapping[str, Any], path: str) -> Any:
    """The value at a path of property names, as it is written; ``None`` where there is none."""
    value: Any = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def replaced(properties: Mapping[str, Any], path: str, value: Any) -> Mapping[str, Any]:
    """Properties with another value at a path that is there."""
    name, _, rest = path.partition(".")
    return {**properties, name: replaced(properties[name], rest, value) if rest else value}


def made_up(attribute: str, resource_type: str, name: str, environment: Environment) -> str:
    """What an attribute of a resource gives that is left out and whose type is not known: our choice."""
    if not attribute.endswith("Arn"):
        return f"{name}-{attribute}"
    service = resource_type.split("::")[1].lower() if "::" in resource_type else "none"
    return f"arn:{environment.partition}:{service}:{environment.region}:{environment.account_id}:{name}"


def _addresses(name: str, stacks: Sequence[StackDocument]) -> list[str]:
    """The addresses (stack and logical id) that a name stands for; an ARN stands for itself."""
    if name.startswith("arn:"):
        return [name]
    by_stack = {stack.name: list(_named(name, stack)) for stack in stacks}
    found = [stack for stack, logical_ids in by_stack.items() if logical_ids]
    if not found:
        known = {each for stack in stacks for each in (*stack.document["Resources"], *stack.paths.values())}
        near = difflib.get_close_matches(name, known, n=3)
        raise UsageError(f"there is no resource {name} to leave out; {_meant(near)}")
    if len(found) > 1:
        raise UsageError(f"{name} is in several stacks; {_meant([f'{stack}/{name}' for stack in found])}")
    return [f"{found[0]}/{logical_id}" for logical_id in by_stack[found[0]]]


def _named(name: str, stack: StackDocument) -> Iterator[str]:
    """The logical ids of one stack that a name stands for."""
    within = name.removeprefix(f"{stack.name}/")
    resources = stack.document["Resources"]
    if within in resources:
        yield within
        return
    for logical_id, path in stack.paths.items():
        if logical_id in resources and (path == within or path.startswith(f"{within}/")):
            yield logical_id


def _meant(names: Sequence[str]) -> str:
    return f"did you mean {' or '.join(names)}?" if names else "give a logical id of the template"
