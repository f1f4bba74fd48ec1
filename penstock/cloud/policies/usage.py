"""Which grants a run used, and which it did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.cloud.policies.access import Access
from penstock.cloud.policies.evaluation import pairs_used
from penstock.cloud.policies.in_force import Statements

NOT_EXERCISED: Final[Mapping[str, str]] = {
    "ec2": "there are no networks",
    "kms": "nothing is encrypted",
    "logs": "lines are shown, not kept in a log group",
    "xray": "there is no tracing",
}
"""Service of an action that no run here can use → why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An action on a resource that a statement allows; ``bearer`` is the ARN of a role or of a resource."""

    bearer: str
    statement: int
    action: str
    resource: str


def grants(policies: Mapping[str, Statements]) -> Iterator[Grant]:
    """Every action–resource pair that the policies allow; ``statement`` is its number there, from 0."""
    for bearer, statements in policies.items():
        for number, statement in enumerate(statements):
            if statement.effect == "Allow":
                for action, resource in statement.pairs():
                    yield Grant(bearer=bearer, statement=number, action=action, resource=resource)


def unused(policies: Mapping[str, Statements], accesses: Iterable[Access]) -> tuple[Grant, ...]:
    """The grants of roles that no access needed, but for those that no run here can use."""
    used = {
        (access.principal.arn, number, pair)
        for access in accesses
        for number, statement in enumerate(policies.get(access.principal.arn, ()))
        for pair in pairs_used(statement, access)
    }
    return tuple(
        grant
        for grant in grants(policies)
        if (grant.bearer, grant.statement, (grant.action, grant.resource)) not in used
        and grant.action.partition(":")[0] not in NOT_EXERCISED
    )
