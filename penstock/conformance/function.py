"""The function of a case: rules that say what each call does.

The first rule whose conditions all hold is taken; without one the function returns null at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.conformance.parts import (
    CaseNotUnderstood,
    flag_of,
    integer_of,
    list_of,
    mapping_of,
    only_keys,
    refs_of,
)
from penstock.mapping.event import encode_json
from penstock.mapping.inputs import FunctionError, NotInvoked, Outcome, Returned

EVENT_LIMIT_BYTES = 6_291_456
"""Largest payload of a synchronous invocation and of its answer. Source: Lambda quotas, 6 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt: the refs handed over, their identifiers, and what else the rules ask for.

    ``receive_counts`` is empty for streams; ``number`` counts the attempts of the case from 1.
    """

    number: int
    refs: Sequence[str]
    identifiers: Sequence[str]
    extras: Mapping[str, Any] = field(default_factory=dict)
    receive_counts: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a call ends, and after how long."""

    outcome: Outcome
    takes_ms: int = 0


class FunctionRules:
    """The rules and settings of a case's function."""

    def __init__(self, rules: Any, settings: Any, *, queue: bool) -> None:
        self._rules = [self._read_rule(rule, queue=queue) for rule in list_of(rules, "function")]
        known = mapping_of(settings, "function_settings")
        only_keys(known, {"timeout_s", "reserved_concurrency"}, "function_settings")
        self.timeout_ms = integer_of(known.get("timeout_s", 3), "timeout_s") * 1_000
        reserved = known.get("reserved_concurrency")
        self.reserved_concurrency = None if reserved is None else integer_of(reserved, "reserved_concurrency")

    def behave(self, call: Call) -> Behaviour:
        """Tell how a call ends."""
        for when, what in self._rules:
            if all(_holds(condition, value, call) for condition, value in when.items()):
                return self._do(what, call)
        return Behaviour(outcome=Returned(payload=None))

    def _read_rule(self, rule: Any, *, queue: bool) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        part = mapping_of(rule, "a rule of function")
        only_keys(part, {"when", "do"}, "a rule of function")
        when = mapping_of(part.get("when", {}), "when")
        conditions = {"contains", "contains_any", "call", "call_at_most"}
        only_keys(when, conditions | ({"receive_count_at_most"} if queue else {"final"}), "when")
        for condition, value in when.items():
            if condition in ("contains", "contains_any"):
                refs_of(value, condition)
            elif condition == "final":
                flag_of(value, condition)
            else:
                integer_of(value, condition)
        what = mapping_of(part.get("do"), "do")
        endings = {"raise", "return", "report", "timeout", "throttle", "count_state", "return_state_bytes"}
        only_keys(what, endings | {"takes_ms"}, "do")
        if len(set(what) & endings) > 1 or not what:
            raise CaseNotUnderstood(f"do is not one of what a function can do: {sorted(what)}")
        for ending in {"raise", "timeout", "throttle", "count_state"} & set(what):
            if what[ending] is not True:
                raise CaseNotUnderstood(f"{ending} is not true: {what[ending]!r}")
        if "report" in what:
            refs_of(what["report"], "report")
        for amount in {"takes_ms", "return_state_bytes"} & set(what):
            integer_of(what[amount], amount)
        return when, what

    def _do(self, what: Mapping[str, Any], call: Call) -> Behaviour:
        if "throttle" in what:
            return Behaviour(outcome=NotInvoked(reason="429"))
        takes_ms = int(what.get("takes_ms", 0))
        if "timeout" in what or takes_ms > self.timeout_ms:
            return Behaviour(outcome=FunctionError(), takes_ms=self.timeout_ms)
        if "raise" in what:
            return Behaviour(outcome=FunctionError(), takes_ms=takes_ms)
        payload = _payload(what, call)
        if len(encode_json(payload).encode()) > EVENT_LIMIT_BYTES:
            return Behaviour(outcome=FunctionError(), takes_ms=takes_ms)
        return Behaviour(outcome=Returned(payload=payload), takes_ms=takes_ms)


def _holds(condition: str, value: Any, call: Call) -> bool:
    match condition:
        case "contains":
            return set(refs_of(value, condition)) <= set(call.refs)
        case "contains_any":
            return bool(set(refs_of(value, condition)) & set(call.refs))
        case "call":
            return bool(call.number == value)
        case "call_at_most":
            return bool(call.number <= value)
        case "final":
            return call.extras.get("isFinalInvokeForWindow", False) is value
        case _:
            return all(count <= value for count in call.receive_counts)


def _payload(what: Mapping[str, Any], call: Call) -> Any:
    if "return" in what:
        return what["return"]
    if "report" in what:
        named = dict(zip(call.refs, call.identifiers, strict=True))
        reported = refs_of(what["report"], "report")
        return {"batchItemFailures": [{"itemIdentifier": named[ref]} for ref in reported if ref in named]}
    if "count_state" in what:
        state = call.extras.get("state")
        counted = state.get("n", 0) if isinstance(state, dict) else 0
        return {"state": {"n": counted + len(call.refs)}}
    if "return_state_bytes" in what:
        return {"state": {"blob": "x" * int(what["return_state_bytes"])}}
    return None
