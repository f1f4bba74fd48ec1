"""Who asks for what: the things that a policy is evaluated for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A role in use, or a service of AWS.

    ``label`` is what people call it: the function, the state machine, the service. ``arn`` is the role's ARN or the
    service's name (``events.amazonaws.com``), ``user`` is how AWS names it in messages: the ARN of the role's
    session, or again the service. ``function_arn`` is set when a function calls.
    """

    kind: Literal["role", "service"]
    label: str
    arn: str
    user: str
    function_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One permission that a call needs: an action (``dynamodb:PutItem``) on the ARN of a resource.

    ``details`` are what the service's condition keys are made of; which ones, `penstock.cloud.policies.context` says.
    """

    action: str
    resource: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A principal that asked for an action on a resource.

    ``context`` holds condition keys and their values, sorted: only the keys that some policy in force depends on.
    """

    principal: Principal
    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...]
