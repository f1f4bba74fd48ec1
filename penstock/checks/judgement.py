"""Asks every rule and heeds the suppressions.

A resource suppresses a rule by its own metadata in the template::

    Metadata:
      penstock:
        suppress:
          - rule: PS502
            reason: the chain ends, see tests/…

A suppression without a reason, or of a rule that does not exist, is an error itself; one that suppresses nothing is a
warning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.checks.registry import RULES
from penstock.checks.rule import PAGE, Rule, Severity
from penstock.checks.subject import Subject
from penstock.errors import TemplateError
from penstock.template.models import Resource
from penstock.template.survey import survey

BAD_SUPPRESSION = "PS901"
UNUSED_SUPPRESSION = "PS902"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    ``resource`` is ``<stack>/<logical id>``, ``label`` the same with the construct path where there is one; ``reason``
    is set when it is suppressed.
    """

    rule: str
    severity: Severity
    title: str
    resource: str
    label: str
    evidence: str
    remedy: str
    page: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found, what was found and suppressed, and what could not be read or judged."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]
    untold: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that fail a check."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def judge(path: Path, *, parameters: Mapping[str, str] | None = None, skip: Collection[str] = ()) -> Judgement:
    """Judge a ``cdk.out`` directory or one template file; takes and raises what `survey` does."""
    surveyed = survey(path, parameters=parameters, skip=skip)
    subject = Subject(surveyed)
    untold = list(surveyed.untold)
    found = [finding for rule in RULES for finding in _asked(rule, subject, untold)]
    suppressions = {resource.address: _reasons(resource) for resource in surveyed.resources.by_address.values()}
    findings: list[Finding] = []
    suppressed: list[Finding] = []
    for finding in found:
        reason = suppressions[finding.resource].get(finding.rule, "")
        (suppressed if reason else findings).append(replace(finding, reason=reason))
    used = {(finding.resource, finding.rule) for finding in suppressed}
    for resource in surveyed.resources.by_address.values():
        findings += _on_suppressions(resource, used)
    return Judgement(findings=tuple(findings), suppressed=tuple(suppressed), untold=tuple(dict.fromkeys(untold)))


def _asked(rule: Rule, subject: Subject, untold: list[str]) -> Iterator[Finding]:
    """The findings of one rule; a part that it cannot read is told, and the others are judged."""
    try:
        parts = list(rule.parts(subject))
    except TemplateError as problem:
        untold.append(f"{rule.id} could not be judged: {problem}")
        return
    for part in parts:
        try:
            yield from [_finding(rule, each.resource, each.text) for each in rule.judge(subject, part)]
        except TemplateError as problem:
            untold.append(f"{rule.id} could not be judged: {problem}")


def _finding(rule: Rule, resource: Resource, evidence: str) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        title=rule.title,
        resource=resource.address,
        label=f"{resource.stack}/{resource.label}",
        evidence=evidence,
        remedy=rule.remedy,
        page=rule.page,
    )


def _written(resource: Resource) -> list[Any]:
    """The suppressions of a resource as they are written."""
    own = resource.metadata.get("penstock")
    listed = own.get("suppress") if isinstance(own, dict) else None
    return listed if isinstance(listed, list) else []


def _reasons(resource: Resource) -> dict[str, str]:
    """Rule → reason of the suppressions that are whole."""
    return {
        each["rule"]: each["reason"] for each in _written(resource) if isinstance(each, dict) and not _problem_of(each)
    }


def _problem_of(suppression: Any) -> str:
    """What is wrong with a suppression, or nothing."""
    if not isinstance(suppression, dict) or not isinstance(suppression.get("rule"), str):
        return f"{suppression!r} names no rule"
    if suppression["rule"] not in {rule.id for rule in RULES}:
        return f"there is no rule {suppression['rule']}"
    reason = suppression.get("reason")
    return "" if isinstance(reason, str) and reason.strip() else f"{suppression['rule']} is suppressed without a reason"


def _on_suppressions(resource: Resource, used: set[tuple[str, str]]) -> Iterator[Finding]:
    """What is wrong with the suppressions of a resource."""
    own = resource.metadata.get("penstock")
    if own is not None and not _written(resource):
        yield _bad(resource, "Metadata.penstock holds no list `suppress`")
    for each in _written(resource):
        problem = _problem_of(each)
        if problem:
            yield _bad(resource, problem)
        elif (resource.address, each["rule"]) not in used:
            yield Finding(
                rule=UNUSED_SUPPRESSION,
                severity="warning",
                title=SUPPRESSION_TITLES[UNUSED_SUPPRESSION],
                resource=resource.address,
                label=f"{resource.stack}/{resource.label}",
                evidence=f"{each['rule']} finds nothing here",
                remedy="Remove the suppression.",
                page=PAGE,
            )


def _bad(resource: Resource, problem: str) -> Finding:
    return Finding(
        rule=BAD_SUPPRESSION,
        severity="error",
        title=SUPPRESSION_TITLES[BAD_SUPPRESSION],
        resource=resource.address,
        label=f"{resource.stack}/{resource.label}",
        evidence=problem,
        remedy="Give the id of a rule and a reason that a reviewer accepts.",
        page=PAGE,
    )


SUPPRESSION_TITLES = {
    BAD_SUPPRESSION: "a suppression without a rule or a reason",
    UNUSED_SUPPRESSION: "a suppression of nothing",
}
