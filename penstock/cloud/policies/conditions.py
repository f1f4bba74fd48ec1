"""Conditions of policy statements.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Single-valued and multivalued context
keys": all conditions of a statement must hold, one value of each is enough; a negated operator wants that none
matches and holds for a key that is not there, as every operator ending in ``IfExists`` does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from penstock.cloud.policies.pattern import Context, arn_matches, exact, text_matches, variables

Test = Callable[[str, str, Context], bool]
"""Whether the request's value satisfies a value of the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator, one key, and the values of which one is enough; ``operator`` is as written."""

    operator: str
    key: str
    values: tuple[str, ...]

    def context_keys(self) -> set[str]:
        """All condition keys that the answer depends on, in lower case."""
        return {self.key.lower(), *(name for value in self.values for name in variables(value))}

    def holds(self, context: Context) -> bool:
        """Whether a request with this context satisfies the condition."""
        over, name, if_exists = split_operator(self.operator)
        given = context.get(self.key.lower())
        if name == "Null":
            return any((given is None) == (value.lower() == "true") for value in self.values)
        test, negated = OPERATORS[name]
        if over == "ForAllValues":
            return all(self._suits(value, test, negated, context) for value in given or ())
        if given is None:
            return if_exists or (negated and not over)
        return any(self._suits(value, test, negated, context) for value in given)

    def _suits(self, value: str, test: Test, negated: bool, context: Context) -> bool:
        return any(test(value, wanted, context) for wanted in self.values) != negated


def split_operator(written: str) -> tuple[str, str, bool]:
    """``ForAnyValue:StringLikeIfExists`` → ``("ForAnyValue", "StringLike", True)``."""
    over, _, name = written.rpartition(":")
    return over, name.removesuffix("IfExists"), name.endswith("IfExists")


def is_operator(written: str) -> bool:
    """Whether this is an operator that can be evaluated."""
    over, name, if_exists = split_operator(written)
    known = name in OPERATORS or (name == "Null" and not if_exists)
    return known and over in ("", "ForAnyValue", "ForAllValues")


def _equal(value: str, wanted: str, context: Context) -> bool:
    return value == exact(wanted, context)


def _equal_folded(value: str, wanted: str, context: Context) -> bool:
    filled = exact(wanted, context)
    return filled is not None and value.lower() == filled.lower()


def _alike(value: str, wanted: str, context: Context) -> bool:
    return text_matches(wanted, value, context)


def _arn(value: str, wanted: str, context: Context) -> bool:
    return arn_matches(wanted, value, context)


def _compare(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    def test(value: str, wanted: str, context: Context) -> bool:
        filled = exact(wanted, context)
        return filled is not None and compare(read(value), read(filled))

    return test


def _instant(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date or of such seconds."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _comparisons(kind: str, read: Callable[[str], Any]) -> dict[str, tuple[Test, bool]]:
    return {
        f"{kind}Equals": (_compare(read, operator.eq), False),
        f"{kind}NotEquals": (_compare(read, operator.eq), True),
        f"{kind}LessThan": (_compare(read, operator.lt), False),
        f"{kind}LessThanEquals": (_compare(read, operator.le), False),
        f"{kind}GreaterThan": (_compare(read, operator.gt), False),
        f"{kind}GreaterThanEquals": (_compare(read, operator.ge), False),
    }


OPERATORS: Final[Mapping[str, tuple[Test, bool]]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_folded, False),
    "StringNotEqualsIgnoreCase": (_equal_folded, True),
    "StringLike": (_alike, False),
    "StringNotLike": (_alike, True),
    "ArnEquals": (_arn, False),
    "ArnLike": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnNotLike": (_arn, True),
    "Bool": (_equal_folded, False),
    **_comparisons("Numeric", float),
    **_comparisons("Date", _instant),
}
"""Operator → its test, and whether it is negated. ``ArnEquals`` and ``ArnLike`` behave alike, as in AWS."""
