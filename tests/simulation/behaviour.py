"""What a simulated function does with a call, and what that means: known before the core reads the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from penstock.mapping.inputs import FunctionError, NotInvoked, Outcome, PayloadRefused, Returned

Deed = Literal[
    "succeeds", "raises", "times out", "crashes", "reports", "malforms", "forgets the state", "swells the state",
    "is throttled", "is unavailable",
]  # fmt: skip
Answering = Literal["once", "twice", "late", "never"]
Verdict = Literal["done", "reported", "failed", "refused", "not run"]

DOUBLES: tuple[Answering, ...] = ("twice",)
LOSSES: tuple[Answering, ...] = ("twice", "late", "never")
"""How an answer may go wrong where every answer arrives, and where the core has a deadline for it."""

FUNCTION_ERRORS: tuple[Deed, ...] = ("raises", "times out", "crashes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One call: what the function does, how long it takes, and whether its answer arrives.

    ``place`` from 0 to 1 chooses among what is alike: the record that is reported, the form of the answer.
    """

    deed: Deed = "succeeds"
    place: float = 0.0
    takes_ms: int = 5
    answering: Answering = "once"


VERSION = "7"
"""The version of the function that runs."""

GOOD = Behaviour()
"""What happens when the plan has no more to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an answer means to the batch; ``first`` is the first record that was reported.

    ``failed`` holds the places of everything reported. ``error`` is what ``functionError`` of an on-failure record
    says, ``ran`` whether there is a response to tell of at all.
    """

    verdict: Verdict
    first: int = 0
    failed: frozenset[int] = frozenset()
    state: Any = None
    error: str | None = None
    ran: bool = True


REFUSED = (PayloadRefused(), Meaning(verdict="refused", ran=False))

_FINE: tuple[Any, ...] = (None, {}, [], "", {"batchItemFailures": []}, {"batchItemFailures": None}, {"note": "done"})
_MALFORMED: tuple[Any, ...] = (
    [{"itemIdentifier": ""}],
    [{"itemIdentifier": None}],
    [{"itemIdentifier": 123}],
    [{"itemIdentifier": "nobody"}],
    [{"foo": 123}],
    [{}],
    ["text"],
    "text",
    {"itemIdentifier": "nobody"},
)


def answer(
    behaviour: Behaviour,
    identifiers: Sequence[str],
    *,
    reports: bool,
    windowed: bool,
    final: bool,
    state: Any = None,
    state_limit_bytes: int = 0,
    repeated: bool = False,
    and_all_that_follow: bool = False,
    empty_entry_fails: bool = True,
) -> tuple[Outcome, Meaning]:
    """Give the outcome of a call and what it means.

    ``reports``, ``windowed``: what the mapping is configured to. ``final``: a call without records. ``repeated``: the
    answer names what is reported more than once. ``and_all_that_follow``: what follows the first is reported too.
    ``empty_entry_fails``: what an entry ``{}`` means, in a queue alone.
    """
    deed = behaviour.deed
    if deed in FUNCTION_ERRORS:
        kind = "Handled" if behaviour.place > 0.8 else "Unhandled"
        return FunctionError(kind=kind, executed_version=VERSION), Meaning(verdict="failed", error=kind)
    if deed in ("is throttled", "is unavailable"):
        return NotInvoked(reason=deed), Meaning(verdict="not run", ran=False)
    place = behaviour.place
    if deed == "forgets the state" and windowed:
        payload = _FINE[int(place * len(_FINE))]
        return _returned(payload), Meaning(verdict="done" if final else "failed")
    next_state = _next_state(state, swollen=deed == "swells the state", limit_bytes=state_limit_bytes)
    with_state = {"state": next_state} if windowed else {}
    meaning = Meaning(verdict="done", state=next_state)
    if deed == "reports" and identifiers:
        first = int(place * len(identifiers))
        following = range(first + 1, len(identifiers))
        failed = [first, *(place for place in following if and_all_that_follow or (place * 7 + first) % 3 == 0)]
        named = [{"itemIdentifier": identifiers[place]} for place in reversed(failed)]
        if repeated:
            named += named
        if reports and not final:
            verdict: Verdict = "failed" if first == 0 else "reported"
            meaning = Meaning(verdict=verdict, first=first, failed=frozenset(failed), state=next_state)
        return _returned({"batchItemFailures": named, **with_state}), meaning
    if deed == "malforms":
        bad: Any = _MALFORMED[int(place * len(_MALFORMED))]
        if isinstance(bad, list) and identifiers and behaviour.takes_ms % 2:
            bad = [{"itemIdentifier": identifiers[-1]}, *bad]
        if reports and not final:
            meaning = _malformed(bad, len(identifiers), empty_entry_fails=empty_entry_fails)
        return _returned({"batchItemFailures": bad, **with_state}), meaning
    payload = with_state or _FINE[int(place * len(_FINE))]
    return _returned(payload), meaning


def _malformed(bad: Any, count: int, *, empty_entry_fails: bool) -> Meaning:
    if empty_entry_fails or not isinstance(bad, list) or bad[-1] != {}:
        return Meaning(verdict="failed")
    if len(bad) == 1:
        return Meaning(verdict="done")
    return Meaning(verdict="reported", first=count - 1, failed=frozenset((count - 1,)))


def _returned(payload: Any) -> Returned:
    return Returned(payload=payload, executed_version=VERSION)


def _next_state(state: Any, *, swollen: bool, limit_bytes: int) -> dict[str, Any]:
    calls = state.get("calls", 0) + 1 if isinstance(state, dict) else 1
    return {"calls": calls, "pad": "ü" * (limit_bytes // 2)} if swollen else {"calls": calls}
