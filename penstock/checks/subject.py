"""The template as the rules see it: mappings with their ends found, and who refers to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from penstock.checks.roles import Role, read_roles
from penstock.template.models import Resource
from penstock.template.properties import Properties
from penstock.template.stores import TABLE_TYPES
from penstock.template.survey import Survey

QUEUE = "AWS::SQS::Queue"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
ALARM = "AWS::CloudWatch::Alarm"

_REPORTS_ON_OTHERS = (
    ALARM,
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SQS::QueuePolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
)
"""Types that mention a resource without giving it anything to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMapping:
    """An event source mapping; ``source`` and ``function`` are ``None`` when no stack here defines them.

    ``kind`` is that of the source, as far as its ARN tells. ``qualifier`` is empty for an unqualified function.
    """

    resource: Resource
    properties: Properties
    kind: Literal["stream", "queue", "other"]
    source_arn: str
    source: Resource | None
    function: Resource | None
    qualifier: str

    @property
    def patterns(self) -> tuple[str, ...]:
        """The filters as text."""
        listed = self.properties.object("FilterCriteria").objects("Filters")
        return tuple(each.text("Pattern", "") for each in listed)

    @property
    def destination(self) -> str:
        """The ARN of the on-failure destination, or nothing."""
        return self.properties.object("DestinationConfig").object("OnFailure").text("Destination", "")

    @property
    def reports_batch_item_failures(self) -> bool:
        """Whether answers are read for the records that failed."""
        return "ReportBatchItemFailures" in self.properties.texts("FunctionResponseTypes")


class Subject:
    """All resources, and what rules ask about them."""

    def __init__(self, surveyed: Survey) -> None:
        self.environment = surveyed.environment
        self.resources = surveyed.resources

    def of(self, *types: str) -> Iterator[Resource]:
        """The resources of these types."""
        return self.resources.of(*types)

    @cached_property
    def mappings(self) -> tuple[SourceMapping, ...]:
        """All event source mappings, those that are switched off too."""
        return tuple(self._mapping(resource) for resource in self.of(MAPPING))

    def streams(self) -> Iterator[SourceMapping]:
        """The mappings of streams."""
        return (mapping for mapping in self.mappings if mapping.kind == "stream")

    def queues(self) -> Iterator[SourceMapping]:
        """The mappings of queues."""
        return (mapping for mapping in self.mappings if mapping.kind == "queue")

    def tables(self) -> Iterator[Resource]:
        """All tables, global ones too."""
        return self.of(*TABLE_TYPES)

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """ARN → role."""
        return {role.resource.arn or "": role for role in read_roles(self.resources)}

    def called(self, identifier: str, *types: str) -> Resource | None:
        """The resource with an ARN, a physical id, a name or a URL; of one of these types, if any are given."""
        found = self._names.get(identifier)
        return found if found is not None and (not types or found.type in types) else None

    def function_named(self, identifier: str) -> tuple[Resource | None, str]:
        """The function that a name or ARN means, and the qualifier in it (may be empty)."""
        whole = self.called(identifier)
        if whole is not None and whole.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            identifier = whole.arn or ""
        if (function := self.called(identifier, FUNCTION)) is not None:
            return function, ""
        name, _, qualifier = identifier.rpartition("function:")[2].partition(":")
        return self.called(name, FUNCTION), qualifier

    def users_of(self, resource: Resource) -> Iterator[Resource]:
        """The resources that give another one something to do: those that name it, but for policies and alarms."""
        names = [name for name in (resource.arn, resource.physical_id) if name]
        for other in self.resources.by_address.values():
            if other is not resource and other.type not in _REPORTS_ON_OTHERS and mentions(other.properties, names):
                yield other

    def function_timeout(self, function: Resource) -> int:
        """Seconds that a function may take; 3 unless given."""
        return Properties.of(function).integer("Timeout", 3)

    @cached_property
    def _names(self) -> Mapping[str, Resource]:
        names: dict[str, Resource] = {}
        for resource in self.resources.by_address.values():
            for name in (resource.physical_id, resource.arn, *resource.attributes.values()):
                if name:
                    names.setdefault(name, resource)
        return names

    def _mapping(self, resource: Resource) -> SourceMapping:
        properties = Properties.of(resource)
        source_arn = str(properties.values.get("EventSourceArn", ""))
        function, qualifier = self.function_named(str(properties.values.get("FunctionName", "")))
        return SourceMapping(
            resource=resource,
            properties=properties,
            kind=_kind(source_arn),
            source_arn=source_arn,
            source=self.called(source_arn, QUEUE, *TABLE_TYPES),
            function=function,
            qualifier=qualifier,
        )


def _kind(arn: str) -> Literal["stream", "queue", "other"]:
    if ":dynamodb:" in arn or "StreamArn" in arn:
        return "stream"
    return "queue" if ":sqs:" in arn or (arn.startswith("${") and "Queue" in arn) else "other"


def mentions(value: Any, names: list[str]) -> bool:
    """Whether a value holds one of some names, anywhere in it."""
    match value:
        case dict():
            return any(mentions(inner, names) for inner in value.values())
        case list():
            return any(mentions(inner, names) for inner in value)
        case str():
            return any(name in value for name in names)
        case _:
            return False
