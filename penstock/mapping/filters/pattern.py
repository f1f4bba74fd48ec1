"""What a filter pattern says, once read: frozen, and open to whoever wants to walk it.

A `Pattern` passes a record when one of its rules holds; a rule holds when all its conditions do; a condition holds when
one of its matchers accepts a value found at its path. A pattern without `$or` has exactly one rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.mapping.filters.matchers import Matcher

Source = Literal["dynamodb", "sqs", "event-bus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One leaf of a pattern: where to look and what may stand there.

    `keys` are the keys as written, outermost first; `path` joins them with dots and is what counts, since a key with a
    dot equals the nested spelling. `matchers` is never empty and keeps the written order.
    """

    keys: tuple[str, ...]
    matchers: tuple[Matcher, ...]

    @property
    def path(self) -> str:
        """The dotted path, for example `dynamodb.NewImage.status.S`."""
        return ".".join(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions that must hold together, in the order written; every path occurs once."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A whole filter pattern; `rules` is never empty."""

    text: str
    rules: tuple[Rule, ...]
