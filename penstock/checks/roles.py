"""What roles are granted, read without refusing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.checks.shapes import listed
from penstock.template.models import Resource
from penstock.template.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One statement that allows: ``holder`` is the resource whose document it stands in.

    ``actions`` are empty for a statement with ``NotAction``, which ``negated`` tells; likewise for resources.
    """

    holder: Resource
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    negated: bool
    conditional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role with everything that it is granted; ``managed`` are ARNs of policies that AWS keeps."""

    resource: Resource
    grants: tuple[Grant, ...]
    managed: tuple[str, ...]


def read_roles(resources: Resources) -> Iterator[Role]:
    """All roles with inline, attached and customer managed policies."""
    for role in resources.of("AWS::IAM::Role"):
        managed = [arn for arn in listed(role.properties.get("ManagedPolicyArns")) if isinstance(arn, str)]
        grants = [
            grant
            for policy in listed(role.properties.get("Policies"))
            if isinstance(policy, dict)
            for grant in grants_of(role, policy.get("PolicyDocument"))
        ]
        for policy in resources.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            if role.physical_id in listed(policy.properties.get("Roles")) or policy.arn in managed:
                grants += grants_of(policy, policy.properties.get("PolicyDocument"))
        yield Role(resource=role, grants=tuple(grants), managed=tuple(arn for arn in managed if ":aws:policy/" in arn))


def grants_of(holder: Resource, document: Any) -> Iterator[Grant]:
    """The statements of a policy document that allow something."""
    given = document if isinstance(document, Mapping) else {}
    for statement in listed(given.get("Statement")):
        if isinstance(statement, Mapping) and statement.get("Effect") == "Allow":
            yield Grant(
                holder=holder,
                actions=tuple(map(str, listed(statement.get("Action")))),
                resources=tuple(map(str, listed(statement.get("Resource")))),
                negated="NotAction" in statement or "NotResource" in statement,
                conditional=bool(statement.get("Condition")),
            )
