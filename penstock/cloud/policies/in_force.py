"""The policies in force: those of the template, found by the role or the resource that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from penstock.cloud.policies.conditions import Condition
from penstock.cloud.policies.evaluation import admits
from penstock.cloud.policies.managed import MANAGED
from penstock.cloud.policies.statement import Statement, statements_of
from penstock.errors import TemplateError
from penstock.template.models import Permission, Role, Template

Statements = tuple[Statement, ...]

_NONE: Final[Statements] = ()


class PoliciesInForce:
    """The statements of every role that something here assumes, and of every resource with a policy.

    ``roles`` is role ARN → statements, ``bearers`` is role ARN → who bears it, ``resources`` is ARN of a queue, topic,
    bucket or function (with its qualifier) → statements. Raises `TemplateError` for a statement that cannot be
    evaluated, for an AWS managed policy that is not known, and for a function or state machine whose role does not
    trust its service.
    """

    def __init__(self, template: Template) -> None:
        self._template = template
        self._by_arn = {role.arn: role for role in template.roles}
        self.roles: dict[str, Statements] = {}
        self.bearers: dict[str, str] = {}
        for user, label, role_arn, service, source_arn in _bearers(template):
            role = self._role(user, role_arn)
            self.bearers[role_arn] = f"{self.bearers[role_arn]}, {label}" if role_arn in self.bearers else label
            self.roles[role_arn] = _identity(role)
            if service != _EVENTS and not self.trusts(role_arn, service, source_arn):
                raise TemplateError(
                    f"the role {role.logical_id} cannot be assumed by {service}",
                    logical_id=user,
                    property_path="Role" if service == _LAMBDA else "RoleArn",
                    remedy=f"allow the Service {service} to sts:AssumeRole in its AssumeRolePolicyDocument",
                )
        self.resources: dict[str, Statements] = {
            arn: statements_of(document, name=f"policy of {arn.rpartition(':')[2]}", logical_id=arn.rpartition(":")[2])
            for arn, document in template.resource_policies.items()
        }
        for permission in template.permissions:
            self.resources[permission.function_arn] = (
                *self.resources.get(permission.function_arn, _NONE),
                _permission(permission),
            )

    def of_resource(self, arn: str) -> Statements:
        """The policy of a resource; an object has its bucket's."""
        if arn.startswith("arn:aws:s3:::"):
            return self.resources.get(arn.partition("/")[0], _NONE)
        return self.resources.get(arn, _NONE)

    def trusts(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Whether a role of the template lets a service assume it in the name of a resource."""
        role = self._by_arn[role_arn]
        trust = statements_of(role.assume_role_policy, name="AssumeRolePolicyDocument", logical_id=role.logical_id)
        context = {"aws:sourceaccount": (self._template.account_id,), "aws:sourcearn": (source_arn,)}
        return admits(trust, service, context)

    def _role(self, user: str, role_arn: str) -> Role:
        if role_arn not in self._by_arn:
            raise TemplateError(
                f"the role {role_arn} is not in this template, so nobody knows what it may do",
                logical_id=user,
                remedy=f"define the role in one of the stacks loaded, or leave out what needs it by --skip {user}",
            )
        return self._by_arn[role_arn]


_LAMBDA, _STATES, _EVENTS = "lambda.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"


def _bearers(template: Template) -> Iterator[tuple[str, str, str, str, str]]:
    """Who bears which role, and the service that assumes it: (logical id, label, role ARN, service, own ARN)."""
    for function in template.functions:
        yield function.logical_id, function.label, function.role_arn, _LAMBDA, function.arn
    for machine in template.state_machines:
        yield machine.logical_id, machine.label, machine.role_arn, _STATES, machine.arn
    for rule in template.rules:
        for target in rule.targets:
            if target.role_arn is not None:
                yield rule.logical_id, rule.label, target.role_arn, _EVENTS, rule.arn


def _identity(role: Role) -> Statements:
    statements = [
        statement
        for policy in role.policies
        for statement in statements_of(policy.document, name=policy.name, logical_id=role.logical_id)
    ]
    for arn in role.aws_managed_policy_arns:
        name = arn.rpartition("/")[2]
        if name not in MANAGED:
            raise TemplateError(
                f"the statements of the AWS managed policy {name} are not known here",
                logical_id=role.logical_id,
                property_path="ManagedPolicyArns",
                remedy=f"write them into a policy of the template; known are {', '.join(sorted(MANAGED))}",
            )
        statements += statements_of({"Statement": MANAGED[name]}, name=name, logical_id=role.logical_id)
    return tuple(statements)


def _permission(permission: Permission) -> Statement:
    """An ``AWS::Lambda::Permission`` as the statement that Lambda makes of it."""
    given: Mapping[str, tuple[str, str | None]] = {
        "aws:SourceArn": ("ArnLike", permission.source_arn),
        "aws:SourceAccount": ("StringEquals", permission.source_account),
    }
    return Statement(
        origin=permission.logical_id,
        effect="Allow",
        principals=(("Service" if permission.principal.endswith(".amazonaws.com") else "AWS", permission.principal),),
        not_principal=False,
        actions=(permission.action,),
        not_action=False,
        resources=(permission.function_arn,),
        not_resource=False,
        conditions=tuple(
            Condition(operator=operator, key=key, values=(value,))
            for key, (operator, value) in given.items()
            if value is not None
        ),
    )
