"""PS6: roles that may more than anybody explained."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.checks.roles import Role
from penstock.checks.rule import Evidence, rule
from penstock.checks.subject import Subject

_TAKE_NO_RESOURCE = frozenset(
    {
        "cloudwatch:getmetricdata", "cloudwatch:listmetrics", "cloudwatch:putmetricdata", "dynamodb:liststreams",
        "dynamodb:listtables", "ec2:assignprivateipaddresses", "ec2:createnetworkinterface",
        "ec2:deletenetworkinterface", "ec2:describenetworkinterfaces", "ec2:describesecuritygroups",
        "ec2:describesubnets", "ec2:describevpcs", "ec2:unassignprivateipaddresses", "kinesis:liststreams",
        "lambda:listeventsourcemappings", "lambda:listfunctions", "logs:createlogdelivery", "logs:deletelogdelivery",
        "logs:describeloggroups", "logs:describeresourcepolicies", "logs:getlogdelivery", "logs:listlogdeliveries",
        "logs:putresourcepolicy", "logs:updatelogdelivery", "s3:listallmybuckets", "sqs:listqueues",
        "sts:getcalleridentity", "xray:getsamplingrules", "xray:getsamplingstatisticsummaries",
        "xray:getsamplingtargets", "xray:puttelemetryrecords", "xray:puttracesegments",
    }
)  # fmt: skip
"""Actions that take no resource but `*`. Source: service authorization reference."""

_WIDE_MANAGED = re.compile(r"/(AdministratorAccess|PowerUserAccess|\w+FullAccess)$")
_EVERYTHING_OF_A_KIND = re.compile(r"(\*|[A-Za-z-]+[/:]\*|\*[/:]\*)")


def roles(subject: Subject) -> Iterator[Role]:
    """All roles."""
    yield from subject.roles.values()


@rule(
    "PS601",
    "error",
    "a grant of every action",
    over=roles,
    why="A function that may do everything to a service can delete it; so can whoever finds a way into the function.",
    remedy="Name the actions that the code calls; `penstock run` lists grants that nobody used, and what is missing.",
)
def every_action(subject: Subject, role: Role) -> Iterator[Evidence]:
    """`*`, `service:*`, NotAction, and AWS managed policies of that kind."""
    for grant in role.grants:
        wide = [action for action in grant.actions if action == "*" or action.endswith(":*")]
        if wide:
            yield Evidence(resource=grant.holder, text=f"{', '.join(wide)} on {', '.join(grant.resources)}")
        elif grant.negated:
            yield Evidence(resource=grant.holder, text="NotAction or NotResource allows whatever it does not name")
    for arn in role.managed:
        if _WIDE_MANAGED.search(arn):
            yield Evidence(resource=role.resource, text=f"the managed policy {arn.rpartition('/')[2]}")


@rule(
    "PS602",
    "warning",
    "a grant on every resource",
    over=roles,
    why="The action is allowed on every table, queue or bucket of the account, those of other teams and stages too.",
    remedy="Name the ARN. If the action takes none, or the ARN cannot be known, suppress this and say why.",
)
def every_resource(subject: Subject, role: Role) -> Iterator[Evidence]:
    """`*`, or all of a kind, for actions that could name a resource."""
    for grant in role.grants:
        wide = [arn for arn in grant.resources if _is_wide(arn)]
        actions = [action for action in grant.actions if action.lower() not in _TAKE_NO_RESOURCE]
        if wide and actions and not grant.conditional:
            yield Evidence(resource=grant.holder, text=f"{', '.join(actions)} on {', '.join(wide)}")


def _is_wide(arn: str) -> bool:
    parts = arn.split(":", 5)
    if arn == "*" or len(parts) < 6:
        return arn == "*"
    if parts[2] == "s3":
        return parts[5].startswith("*")
    return _EVERYTHING_OF_A_KIND.fullmatch(parts[5]) is not None


RULES = (every_action, every_resource)
