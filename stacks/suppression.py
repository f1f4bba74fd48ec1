"""Findings of `penstock check` that a construct answers instead of following: in the template, where the tool reads."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

_KEY = "penstock"


def suppress(defined: IConstruct, rule: str, reason: str) -> None:
    """Answer a rule for the resource that a construct defines; several rules may be answered one after the other."""
    resource = defined.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise ValueError(f"{defined.node.path} defines no single resource: suppress {rule} on the one that is meant")
    known: list[dict[str, Any]] = (resource.get_metadata(_KEY) or {}).get("suppress", [])
    resource.add_metadata(_KEY, {"suppress": [*known, {"rule": rule, "reason": reason}]})
