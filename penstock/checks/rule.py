"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from penstock.checks.subject import Subject
from penstock.template.models import Resource

Severity = Literal["error", "warning"]

PAGE = "docs/checks.md"
"""The page that explains the rules, made from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a rule saw, in words, and the resource that must change."""

    resource: Resource
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: ``id`` is PS and three digits, of which the first is the family's.

    ``title`` is what is wrong in a few words, ``why`` what comes of it, ``remedy`` what to do. ``parts`` gives the
    parts of a template that it judges, one at a time; ``judge`` gives the evidence against one.
    """

    id: str
    severity: Severity
    title: str
    why: str
    remedy: str
    parts: Callable[[Subject], Iterable[Any]]
    judge: Callable[[Subject, Any], Iterator[Evidence]]

    @property
    def page(self) -> str:
        """Where the rule is explained."""
        return f"{PAGE}#{self.id.lower()}"

    @property
    def section(self) -> tuple[str, ...]:
        """What the page says of the rule, in lines."""
        return f"*{self.severity}: {self.title}*", "", self.why, "", f"**Remedy**: {self.remedy}"


Part = TypeVar("Part")
Judge = Callable[[Subject, Part], Iterator[Evidence]]


def rule(
    rule_id: str, severity: Severity, title: str, *, over: Callable[[Subject], Iterable[Part]], why: str, remedy: str
) -> Callable[[Judge[Part]], Rule]:
    """Make a rule of the function that judges one part."""

    def make(judge: Judge[Part]) -> Rule:
        return Rule(id=rule_id, severity=severity, title=title, why=why, remedy=remedy, parts=over, judge=judge)

    return make
