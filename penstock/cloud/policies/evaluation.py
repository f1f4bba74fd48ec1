"""Whether a request is allowed: the statements in force, weighed as AWS weighs them within one account.

Source: IAM user guide, "Policy evaluation logic": an explicit deny in any policy wins; a role needs an allow in its
own policies or in the resource's; a service needs one in the resource's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from penstock.cloud.policies.access import Access, Principal
from penstock.cloud.policies.pattern import Context, arn_matches, text_matches
from penstock.cloud.policies.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a request is allowed, and else why not, in AWS's words (``because no … policy allows the … action``)."""

    allowed: bool
    because: str = ""
    denied_by: Statement | None = None


ALLOWED = Decision(allowed=True)


def decide(access: Access, *, identity: Sequence[Statement], resource: Sequence[Statement]) -> Decision:
    """Weigh the statements of the principal's role and those of the resource's policy."""
    context = dict(access.context)
    allowed = False
    for kind, statements in (("identity", identity), ("resource", resource)):
        for statement in statements:
            if not applies(statement, access, context):
                continue
            if statement.effect == "Deny":
                return Decision(
                    allowed=False,
                    because=f"with an explicit deny in a{_n(kind)} {kind}-based policy",
                    denied_by=statement,
                )
            allowed = True
    if allowed:
        return ALLOWED
    kind = "identity" if access.principal.kind == "role" else "resource"
    return Decision(allowed=False, because=f"because no {kind}-based policy allows the {access.action} action")


def _n(kind: str) -> str:
    return "n" if kind == "identity" else ""


def applies(statement: Statement, access: Access, context: Context) -> bool:
    """Whether a statement says something about a request."""
    return (
        any(text_matches(action, access.action, context, fold=True) for action in statement.actions)
        != statement.not_action
        and any(arn_matches(pattern, access.resource, context) for pattern in statement.resources)
        != statement.not_resource
        and _names(statement, access.principal)
        and all(condition.holds(context) for condition in statement.conditions)
    )


def pairs_used(statement: Statement, access: Access) -> Iterator[tuple[str, str]]:
    """The pairs of a statement's actions and resources by which it speaks of a request."""
    context = dict(access.context)
    return (pair for pair in statement.pairs() if applies(statement.narrowed(pair), access, context))


def _names(statement: Statement, principal: Principal) -> bool:
    """Whether the statement is about this principal; one in a role's own policy is."""
    if statement.principals is None:
        return True
    found = any(_is(kind, name, principal, deny=statement.effect == "Deny") for kind, name in statement.principals)
    return found != statement.not_principal


def _is(kind: str, name: str, principal: Principal, *, deny: bool) -> bool:
    """Whether an element of Principal names a principal.

    An account of one's own in an Allow only hands the decision to the policies of its roles, so it names none of them.
    """
    if name == "*" and kind == "AWS":
        return True
    if principal.kind == "service":
        return kind == "Service" and name == principal.arn
    account = principal.arn.split(":")[4]
    if kind == "AWS" and name in (account, f"arn:aws:iam::{account}:root"):
        return deny
    return kind == "AWS" and name in (principal.arn, principal.user)


def admits(trust: Iterable[Statement], service: str, context: Context) -> bool:
    """Whether a role's trust policy lets a service assume the role; it names no resource."""
    principal = Principal(kind="service", label=service, arn=service, user=service)
    effects = {
        statement.effect
        for statement in trust
        if any(text_matches(action, "sts:AssumeRole", context, fold=True) for action in statement.actions)
        != statement.not_action
        and _names(statement, principal)
        and all(condition.holds(context) for condition in statement.conditions)
    }
    return effects == {"Allow"}
