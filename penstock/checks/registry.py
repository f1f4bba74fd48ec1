"""All rules, in the order of their ids."""

from __future__ import annotations

from penstock.checks import cycles, destinations, filters, grants, readers, retries, watch
from penstock.checks.rule import Rule

RULES: tuple[Rule, ...] = (
    *filters.RULES,
    *retries.RULES,
    *destinations.RULES,
    *readers.RULES,
    *cycles.RULES,
    *grants.RULES,
    *watch.RULES,
)
