"""Statements of policy documents, read and checked: what cannot be evaluated here is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from penstock.cloud.policies.conditions import Condition, is_operator
from penstock.cloud.policies.context import KEYS
from penstock.cloud.policies.pattern import variables
from penstock.errors import TemplateError

_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy.

    ``origin`` says where it stands (policy and Sid, or number from 1). ``principals`` are (kind, name) pairs, ``None``
    where the policy belongs to a role. ``not_…`` turns the list beside it around.
    """

    origin: str
    effect: Literal["Allow", "Deny"]
    principals: tuple[tuple[str, str], ...] | None
    not_principal: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    conditions: tuple[Condition, ...]

    def context_keys(self) -> set[str]:
        """The condition keys that the statement depends on, in lower case."""
        in_resources = {name for resource in self.resources for name in variables(resource)}
        return in_resources.union(*(condition.context_keys() for condition in self.conditions))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each action with each resource; a statement with NotAction or NotResource is one pair, ``("*", "*")``."""
        if self.not_action or self.not_resource:
            yield "*", "*"
        else:
            yield from ((action, resource) for action in self.actions for resource in self.resources)

    def narrowed(self, pair: tuple[str, str]) -> Statement:
        """The same statement for one of its pairs alone."""
        if self.not_action or self.not_resource:
            return self
        return replace(self, actions=pair[:1], resources=pair[1:])

    def without(self, pair: tuple[str, str]) -> tuple[Statement, ...]:
        """What is left of the statement when one of its pairs is taken away."""
        return tuple(self.narrowed(other) for other in self.pairs() if other != pair)


def statements_of(document: Mapping[str, Any], *, name: str, logical_id: str) -> tuple[Statement, ...]:
    """The statements of a policy document; raises `TemplateError` for an element, operator or key not known here."""
    given = document.get("Statement", [])
    listed = given if isinstance(given, list) else [given]
    return tuple(
        _statement(each, f"{name} {each.get('Sid') or number}", logical_id) for number, each in enumerate(listed, 1)
    )


def _statement(given: Mapping[str, Any], origin: str, logical_id: str) -> Statement:
    def refuse(problem: str, remedy: str) -> TemplateError:
        return TemplateError(f"{problem} in statement {origin!r}", logical_id=logical_id, remedy=remedy)

    for element in given.keys() - _ELEMENTS:
        raise refuse(f"{element} is no element of a statement", f"known are {', '.join(sorted(_ELEMENTS))}")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise refuse(f"the effect {given.get('Effect')!r}", "give Allow or Deny")
    if ("Action" in given) == ("NotAction" in given):
        raise refuse("Action and NotAction", "give one of the two")
    conditions = tuple(
        Condition(operator=written, key=key, values=_texts(values))
        for written, tests in (given.get("Condition") or {}).items()
        for key, values in tests.items()
    )
    for condition in conditions:
        if not is_operator(condition.operator):
            raise refuse(f"the condition operator {condition.operator} is not evaluated", "use another operator")
    statement = Statement(
        origin=origin,
        effect=given["Effect"],
        principals=_principals(given.get("Principal", given.get("NotPrincipal"))),
        not_principal="NotPrincipal" in given,
        actions=_texts(given.get("Action", given.get("NotAction"))),
        not_action="NotAction" in given,
        resources=_texts(given.get("Resource", given.get("NotResource", ()))),
        not_resource="NotResource" in given,
        conditions=conditions,
    )
    for key in sorted(statement.context_keys() - KEYS):
        raise refuse(f"the condition key {key} has no value here", f"known are {', '.join(sorted(KEYS))}")
    return statement


def _principals(given: Any) -> tuple[tuple[str, str], ...] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return (("AWS", str(given)),)
    return tuple((kind, name) for kind, names in given.items() for name in _texts(names))


def _texts(given: Any) -> tuple[str, ...]:
    """One value or a list of them, as text; ``true`` and ``false`` as JSON writes them."""
    listed = given if isinstance(given, (list, tuple)) else [given]
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)
