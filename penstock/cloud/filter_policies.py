"""Filter policies: which messages of a topic a subscription gets.

A policy is a pattern, read as those of rules and mappings are: of the message's body where that is its scope, else of
its attributes. moto's own matcher lacks operators, and sees no absent or null member of a body. What limits a policy
(keys, combinations, ranges) is left to moto to refuse.

Source: *Amazon SNS subscription filter policies*, *String value matching*, *Numeric value matching* and *Filter policy
constraints* (only attributes of the types String, String.Array and Number are compared).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from penstock.mapping.filters import InvalidPattern, compile_pattern

_UNKNOWN_TO_MOTO: Final = ("cidr", "wildcard")

Attributes = Mapping[str, Mapping[str, str]]
"""Name → ``Type`` and ``Value``, as an envelope has them."""


class FilterPolicy:
    """The policy of one subscription, in the place of moto's ``FilterPolicyMatcher``."""

    def __init__(self, filter_policy: Mapping[str, Any], filter_policy_scope: str | None) -> None:
        self._of_body = filter_policy_scope == "MessageBody"
        self._test = compile_pattern(json.dumps(filter_policy), source="event-bus") if filter_policy else None

    def matches(self, message_attributes: Attributes | None, message: str) -> bool:
        """Whether a message passes; one whose body is no JSON object does not, where the body is filtered."""
        if self._test is None:
            return True
        document = _object_in(message) if self._of_body else dict(_values(message_attributes or {}))
        return document is not None and self._test(document)


def _object_in(message: str) -> dict[str, Any] | None:
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _values(attributes: Attributes) -> Iterator[tuple[str, Any]]:
    """Name and value of each attribute that can be compared."""
    for name, attribute in attributes.items():
        kind, value = attribute["Type"], attribute["Value"]
        try:
            if kind == "String.Array":
                yield name, json.loads(value)
            elif kind.startswith("Number"):
                yield name, float(value)
            elif kind.startswith("String"):
                yield name, value
        except (ValueError, RecursionError):
            continue


def validated(validate: Callable[..., None]) -> Callable[..., None]:
    """moto's validation of a policy, after that of the pattern, with the operators that moto does not know."""

    def check(self: Any, value: Mapping[str, Any], scope: str | None) -> None:
        from moto.sns.exceptions import SNSInvalidParameter

        try:
            FilterPolicy(value, scope)
        except InvalidPattern as refusal:
            raise SNSInvalidParameter(f"Invalid parameter: FilterPolicy: {refusal}") from refusal
        try:
            validate(self, value, scope=scope)
        except SNSInvalidParameter as refusal:
            if not str(refusal.message).endswith(_UNKNOWN_TO_MOTO):
                raise

    return check
