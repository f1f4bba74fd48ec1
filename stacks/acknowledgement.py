"""Findings of the reviewers at synth that a construct answers instead of following."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct

UNTRACED = (
    "A trace does not pass a DynamoDB stream, so it would end where the chain begins; an order is followed by its id, "
    "an event by `eventId`."
)


def acknowledge(scope: IConstruct, reasons: Mapping[str, str]) -> None:
    """Answer findings on everything below a construct: id of the finding, as the report has it → the reason."""
    validations = cdk.Validations.of(scope)
    for finding, reason in reasons.items():
        validations.acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
