"""Every permission that is shipped is needed, or its reason is written down: each is taken away, and something fails.

One demo is recorded (principal, action, resource, context); removals are judged from the record alone. That this is
how the application behaves is proved by removals that are really made.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from penstock.cloud.policies.access import Access
from penstock.cloud.policies.evaluation import decide
from penstock.cloud.policies.in_force import PoliciesInForce, Statements
from penstock.template.models import Policy, Template
from penstock.template.reader import load
from tests.demo.permission_story import full_demo, place, running, undelivered_events

PAGE = Path(__file__).parent.parent.parent / "docs" / "permissions.md"
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A pair taken from a statement; ``denies`` is an access that then fails."""

    bearer: str
    action: str
    resource: str
    denies: Access | None

    def __str__(self) -> str:
        return f"{self.bearer}: {self.action} on {self.resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A line of the page: these actions of these bearers are needed by nothing here."""

    bearer: str
    actions: tuple[str, ...]

    def covers(self, removal: Removal) -> bool:
        """Whether the line speaks of a removal."""
        return fnmatchcase(removal.bearer, self.bearer) and removal.action in self.actions


@pytest.fixture(scope="module")
def template(cloud_assembly: Path) -> Template:
    """The application's template."""
    return load(cloud_assembly)


@pytest.fixture(scope="module")
def undelivered(cloud_assembly: Path) -> tuple[list[Access], list[str], int]:
    """A run in which the bus may deliver nothing: accesses, messages of denials, dead letters."""
    accesses, denied, messages = undelivered_events(cloud_assembly)
    return accesses, [each.message for each in denied], messages


@pytest.fixture(scope="module")
def record(cloud_assembly: Path, undelivered: tuple[list[Access], list[str], int]) -> list[Access]:
    """Everything that one full demo asked for, and what only happens when the bus cannot deliver."""
    accesses, denied = full_demo(cloud_assembly)
    assert denied == []
    return [*accesses, *undelivered[0]]


@pytest.fixture(scope="module")
def removals(template: Template, record: list[Access]) -> list[Removal]:
    """Every action–resource pair, taken away one at a time; a whole statement is more, and denies at least as much."""
    policies = PoliciesInForce(template)
    return [*_removals(policies, policies.roles, record), *_removals(policies, policies.resources, record)]


def _removals(policies: PoliciesInForce, bearers: Mapping[str, Statements], record: list[Access]) -> Iterator[Removal]:
    labels = policies.bearers | {arn: arn.split(":", 5)[-1] for arn in policies.resources}
    for arn, statements in bearers.items():
        for number, statement in enumerate(statements):
            for pair in statement.pairs():
                left = (*statements[:number], *statement.without(pair), *statements[number + 1 :])
                denies = next((access for access in record if _denied(policies, arn, left, access)), None)
                action, resource = pair
                named = action if statement.effect == "Allow" else f"Deny {action}"
                yield Removal(bearer=labels[arn], action=named, resource=resource, denies=denies)


def _denied(policies: PoliciesInForce, bearer: str, left: Statements, access: Access) -> bool:
    """Whether an access that was allowed is denied when a role or a resource has these statements alone."""
    of_role = policies.roles.get(access.principal.arn, ())
    of_resource = policies.of_resource(access.resource)
    if access.principal.arn == bearer:
        of_role = left
    elif policies.resources.get(bearer) is of_resource and of_resource:
        of_resource = left
    else:
        return False
    return not decide(access, identity=of_role, resource=of_resource).allowed


def reasons() -> list[Reason]:
    """The table of the page."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [Reason(bearer=bearer, actions=tuple(re.findall(r"`([^`]+)`", actions))) for bearer, actions, _ in rows]


def test_record_is_allowed_by_what_is_shipped(template: Template, record: list[Access]) -> None:
    """Evaluated anew, every recorded access is allowed: the record and the evaluation agree."""
    policies = PoliciesInForce(template)

    for access in record:
        identity = policies.roles.get(access.principal.arn, ())
        assert decide(access, identity=identity, resource=policies.of_resource(access.resource)).allowed, access


def test_every_removal_denies_a_call_or_has_its_reason(removals: list[Removal]) -> None:
    """Without any one action on any one resource something is denied, or the page says why nothing is."""
    listed = reasons()

    unexplained = [
        str(removal) for removal in removals if not removal.denies and not any(r.covers(removal) for r in listed)
    ]

    assert unexplained == [], "\n".join(unexplained)
    assert sum(removal.denies is not None for removal in removals) > len(removals) / 2


def test_page_lists_nothing_that_is_needed(removals: list[Removal]) -> None:
    """Each line of the page speaks of a grant that is there and that no call needs."""
    idle = [removal for removal in removals if removal.denies is None]

    for reason in reasons():
        for action in reason.actions:
            alone = replace(reason, actions=(action,))
            assert any(alone.covers(removal) for removal in idle), alone


def test_every_role_is_assumed_by_its_trust(template: Template) -> None:
    """Each trust policy is one statement, and without it nobody may assume the role."""
    policies = PoliciesInForce(template)

    for role in template.roles:
        (statement,) = role.assume_role_policy["Statement"]
        assert policies.trusts(role.arn, statement["Principal"]["Service"], source_arn="")


def test_removed_rule_grants_send_events_to_dead_letters(
    template: Template, removals: list[Removal], undelivered: tuple[list[Access], list[str], int]
) -> None:
    """Really removed: the bus is denied what the record named, and each target's event is in its dead-letter queue."""
    _, messages, dead_letters = undelivered
    targets = {target.arn for rule in template.rules for target in rule.targets}

    named = {removal.denies.resource for removal in removals if removal.denies and removal.denies.resource in targets}

    assert named == targets
    for target in targets:
        assert any(target in message for message in messages)
    assert dead_letters == len(targets)


def _without(template: Template, function: str, action: str) -> Template:
    """The template without an action in the policies of a function's role."""
    role_arn = next(each.role_arn for each in template.functions if each.label == function)

    def narrowed(policy: Policy) -> Policy:
        statements = [
            {**statement, "Action": [each for each in _listed(statement["Action"]) if each != action]}
            for statement in policy.document["Statement"]
        ]
        return replace(policy, document={"Statement": [each for each in statements if each["Action"]]})

    return replace(
        template,
        roles=tuple(
            replace(role, policies=tuple(map(narrowed, role.policies))) if role.arn == role_arn else role
            for role in template.roles
        ),
    )


def _listed(actions: str | list[str]) -> list[str]:
    return actions if isinstance(actions, list) else [actions]


@pytest.mark.parametrize(
    ("function", "action", "published", "objects"),
    [("Relay", "events:PutEvents", 0, 1), ("Relay", "dynamodb:GetRecords", 0, 0)],
)
def test_removed_grant_denies_what_the_record_named(
    *, cloud_assembly: Path, removals: list[Removal], function: str, action: str, published: int, objects: int
) -> None:
    """Really removed: the very call fails that the record named, and the batch is kept (or never read)."""
    (removal,) = (each for each in removals if (each.bearer, each.action) == (function, action))
    assert removal.denies is not None

    with running(cloud_assembly, change=lambda template: _without(template, function, action)) as (application, denied):
        assert place(application, "denied") == 202
        application.settle()

        bucket = application.outputs["FailureBucketName"]
        kept = application.client("s3").list_objects_v2(Bucket=bucket).get("KeyCount", 0)
        told = {(each.principal, each.statement["Resource"]) for each in denied if each.statement}
        assert told == {(function, removal.denies.resource)}
        assert f"not authorized to perform: {action} on resource: {removal.denies.resource}" in denied[0].message
        assert (len(application.published), kept) == (published, objects)
