"""A fault script: a seed and a list of faults, as frozen data and as a small JSON file.

::

    {"seed": 7, "faults": [
      {"kind": "throttle", "service": "dynamodb", "operation": "PutItem", "when": {"every": 5, "until": 3}},
      {"kind": "process-killed", "caller": "Notify", "operation": "Publish", "moment": "after", "when": {"nth": 2}}
    ]}

In the file, a field is spelled with hyphens where the class has underscores. Whatever is unknown (a kind, a field, an
operation that the service does not have) is refused with `UsageError` by its place in the script. Names of callers,
functions and rules are those of the template; `FaultScript.check` holds them against it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from penstock.cloud.faults import entries
from penstock.cloud.faults.refusals import SERVICES
from penstock.errors import UsageError
from penstock.template.models import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which of the occurrences that match are hit.

    The ``nth`` (from 1), ``every`` so many, the ``first`` so many, or each with a ``probability`` (0 to 1); without any
    of these, all of them. ``until`` so many are hit.
    """

    nth: int | None = None
    every: int | None = None
    first: int | None = None
    probability: float | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never hit, or says two things at once."""
        given = [name for name in ("nth", "every", "first", "probability") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"when: {' and '.join(given)} exclude each other; give one of them")
        for name in ("nth", "every", "first", "until"):
            _require_positive(f"when: {name}", getattr(self, name))
        if self.probability is not None and not 0 < self.probability <= 1:
            raise UsageError(f"when: probability {self.probability} is not above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What all kinds share: which of the occurrences that match are hit."""

    kind: ClassVar[str]
    when: When = field(default_factory=When)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFault(Fault):
    """A fault of an AWS call. What is ``None`` matches every call.

    ``service`` is the name used for signing (``dynamodb``, ``events``, ``states``, …), ``caller`` the label of a
    function or state machine, ``matching`` a text that the request holds, ``call`` the place of the call among
    those of its invocation, from 1.
    """

    service: str | None = None
    operation: str | None = None
    caller: str | None = None
    matching: str | None = None
    call: int | None = None

    def __post_init__(self) -> None:
        """Refuse services and operations that do not exist."""
        _require_positive("call", self.call)
        if self.service is not None and self.service not in SERVICES:
            raise UsageError(f"no service '{self.service}'{_meant(self.service, SERVICES)}")
        services = SERVICES if self.service is None else (self.service,)
        if self.operation is not None:
            known = {name for service in services for name in SERVICES[service].operations()}
            if self.operation not in known:
                of = f" of {self.service}" if self.service else ""
                raise UsageError(f"no operation '{self.operation}'{of}{_meant(self.operation, known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(CallFault):
    """The service answers with an error and does nothing.

    ``code`` is the service's own for an internal error where ``None``; ``status`` is 500 for an ``Internal…`` code,
    else 400. With ``entries`` single entries of a batch call fail, each an occurrence, and the others take effect.
    """

    kind: ClassVar[str] = "error"
    code: str | None = None
    message: str | None = None
    status: int | None = None
    entries: bool = False

    def __post_init__(self) -> None:
        """Refuse entries of calls that have none."""
        CallFault.__post_init__(self)
        if self.entries and self.operation not in entries.BATCHES:
            raise UsageError(f"entries of operation {self.operation}: name one of {', '.join(sorted(entries.BATCHES))}")
        if self.status is not None and not 400 <= self.status <= 599:
            raise UsageError(f"status {self.status} is no error; give one from 400 to 599")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Error):
    """The service refuses the call with its own throttling error."""

    kind: ClassVar[str] = "throttle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(CallFault):
    """The service takes this much longer, before it does anything."""

    kind: ClassVar[str] = "latency"
    milliseconds: int

    def __post_init__(self) -> None:
        """Refuse a latency of nothing."""
        CallFault.__post_init__(self)
        _require_positive("milliseconds", self.milliseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLost(CallFault):
    """The service does its work, and the connection breaks before the caller hears of it."""

    kind: ClassVar[str] = "response-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessKilled(CallFault):
    """The process of the function that makes the call is killed.

    ``before``: the call was sent and the service has done nothing. ``during``: the service has done its work, nobody
    hears of it. ``after``: the function has the answer, and nothing more leaves its process, neither call nor result.
    """

    kind: ClassVar[str] = "process-killed"
    moment: Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFault(Fault):
    """A fault of an invocation of ``function`` (its label) whose event holds the text ``matching``, if given."""

    function: str
    matching: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationFailed(FunctionFault):
    """The function cannot process the event: it ``raises`` before it did anything, or its process ``exits``."""

    kind: ClassVar[str] = "invocation-failed"
    how: Literal["raises", "exits"] = "raises"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRedelivered(FunctionFault):
    """An event source mapping hands its function a batch a second time: same records, same window state.

    The ``answer`` of the first delivery is ``counted`` and that of the second dropped, or it is ``lost`` and the second
    one counts. A stream's batch comes under the same request id, as its retries do; a queue's under a new one.
    """

    kind: ClassVar[str] = "batch-redelivered"
    answer: Literal["counted", "lost"] = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRefused(FunctionFault):
    """The on-failure destination does not take the record of a discarded batch; AWS then drops it."""

    kind: ClassVar[str] = "destination-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFault(Fault):
    """A fault of one delivery of a bus event by ``rule`` (its label), whose text holds ``matching``.

    It is late by up to so many ``milliseconds``, drawn for each.
    """

    rule: str | None = None
    matching: str | None = None
    milliseconds: int = 1_000

    def __post_init__(self) -> None:
        """Refuse a delay of nothing."""
        _require_positive("milliseconds", self.milliseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDoubled(EventFault):
    """The event is delivered twice, the second time late."""

    kind: ClassVar[str] = "event-doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelayed(EventFault):
    """The event is delivered late, so that later ones overtake it."""

    kind: ClassVar[str] = "event-delayed"


KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        Error,
        Throttle,
        Latency,
        ResponseLost,
        ProcessKilled,
        InvocationFailed,
        BatchRedelivered,
        DestinationRefused,
        EventDoubled,
        EventDelayed,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultScript:
    """A seed and the faults that are drawn from it; none at all is a script as well."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()

    def check(self, template: Template) -> None:
        """Raise `UsageError` for a caller, function or rule that the template does not have."""
        functions = {function.label for function in template.functions}
        callers = functions | {machine.label for machine in template.state_machines} | {"operator", "developer"}
        rules = {rule.label for rule in template.rules}
        for place, fault in enumerate(self.faults, 1):
            killed = isinstance(fault, ProcessKilled)
            for name, known in (
                ("caller", functions if killed else callers),
                ("function", functions),
                ("rule", rules),
            ):
                value = getattr(fault, name, None)
                if value is not None and value not in known:
                    raise UsageError(
                        f"fault {place} ({fault.kind}): no {name} '{value}' in this template{_meant(value, known)}"
                    )


def read_script(path: Path) -> FaultScript:
    """Read a script from a JSON file; raises `UsageError` with the place of what is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"fault script {path} cannot be read: {problem.strerror}; give a JSON file") from None
    except ValueError as problem:
        raise UsageError(f"fault script {path} is no JSON: {problem}") from None
    try:
        return script_from(document)
    except UsageError as problem:
        raise UsageError(f"{path}: {problem}") from None


def script_from(document: object) -> FaultScript:
    """Make a script of a parsed JSON document."""
    if not isinstance(document, Mapping) or not isinstance(document.get("faults"), list):
        raise UsageError("a fault script is an object with a list 'faults' and, if you like, a 'seed'")
    _refuse_unknown(document, {"seed", "faults"})
    seed = _of_type("seed", document.get("seed", 0), int)
    faults = []
    for place, entry in enumerate(document["faults"], 1):
        try:
            faults.append(_fault_from(entry))
        except UsageError as problem:
            kind = f" ({entry['kind']})" if isinstance(entry, Mapping) and "kind" in entry else ""
            raise UsageError(f"fault {place}{kind}: {problem}") from None
    return FaultScript(seed=seed, faults=tuple(faults))


def _fault_from(entry: object) -> Fault:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise UsageError(f"a fault is an object with a 'kind': {', '.join(KINDS)}")
    kind = KINDS.get(entry["kind"])
    if kind is None:
        raise UsageError(f"no such kind{_meant(entry['kind'], KINDS)}; there are {', '.join(KINDS)}")
    fault: Fault = _made(kind, {name: value for name, value in entry.items() if name != "kind"})
    return fault


def _made(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """Make an instance of a dataclass of a JSON object, each field held against its type."""
    hints = get_type_hints(kind)
    spelled = {each.name.replace("_", "-"): each for each in fields(kind)}
    _refuse_unknown(given, spelled)
    required = [name for name, each in spelled.items() if each.default is each.default_factory]
    for name in required:
        if name not in given:
            raise UsageError(f"'{name}' is missing")
    return kind(
        **{spelled[name].name: _of_type(name, value, hints[spelled[name].name]) for name, value in given.items()}
    )


def _of_type(name: str, value: Any, wanted: Any) -> Any:
    if wanted is When:
        if not isinstance(value, Mapping):
            raise UsageError(f"'{name}' is an object, not {json.dumps(value)}")
        return _made(When, value)
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise UsageError(f"'{name}' is one of {', '.join(get_args(wanted))}, not {json.dumps(value)}")
        return value
    allowed = tuple(part for part in (get_args(wanted) or (wanted,)) if part is not type(None))
    wide = (*allowed, int) if float in allowed else allowed
    if not isinstance(value, wide) or (isinstance(value, bool) and bool not in allowed):
        named = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[allowed[0]]
        raise UsageError(f"'{name}' is {named}, not {json.dumps(value)}")
    return value


def _refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise UsageError(f"no field '{name}'{_meant(name, known)}; there are {', '.join(known)}")


def _require_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageError(f"{name} {value} is not a whole number above 0")


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
